"""The Pictures tab: the visitor's own picture sets, to be imported, looked through page by page, and changed."""

import html
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from emotion.analysis.blocks import Block, Table, Text, row
from emotion.analysis.hardest import FindHardest
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import EMOTIONS, alias_offer, colour_of
from emotion.core.owners import may_change, share
from emotion.data.editing import delete_pictures, describe_set, pack, relabel_pictures, take_aliases
from emotion.data.findings import Suspect, findings, kept_suspects
from emotion.data.names import shown
from emotion.data.sets import Manifest, PictureRow, SavedSet, delete_set
from emotion.server.services import Services
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, watched, widgets
from emotion.ui.handing_on import LABEL, share_switch
from emotion.ui.html import TICKS, bars, data_uris, sentence, slot, ticked
from emotion.ui.picture_sets import own_set, saved_key, seen_set, title_of, visible_sets
from emotion.ui.pictures.incoming import Incoming
from emotion.ui.rendering import rendered
from emotion.ui.uploads import new_download
from emotion.ui.visitor import current_visitor

NEW, NEW_TITLE = "", "A new set"
SHARED_INFO = "Others see these pictures, and may train on them and compare with them."
NOTHING_YET = "Bring a zip of class folders, put files into a class, or record with the webcam: it appears here."
SURE = "Yes, delete all of its pictures for good"
TICK = "Tick what is wrong, then relabel or delete it."
MOST_TOLD, PAGE, SIDE = 40, 48, 132
ALL = "all classes"
AS_THEY_CAME, HARDEST, ALIKE = "As they came", "Hardest pictures first", "Look-alikes together"
EMPTY = {
    AS_THEY_CAME: "No picture is of this class.",
    HARDEST: "Press “Find the hardest pictures”: the backbone looks at each once, and training skips that look then.",
    ALIKE: "No two pictures of this set look nearly the same.",
}
# Changes a set, given its ticked files and the class to move them into.
Change = Callable[[SavedSet, list[str], str], object]
# A picture and the remark below it.
Remarked = tuple[PictureRow, str]


class PicturesTab:
    """The tab's widgets and their handlers; ``chosen`` holds the key of the open set."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ticked = gr.State(())
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.chosen = gr.Dropdown(_choices(), value=NEW, label="Picture set")
                self.incoming = Incoming(services, self.chosen)
                self._build_about()
            with gr.Column(scale=3, min_width=320):
                self.summary = slot("summary", sentence(NOTHING_YET, kind="waits"))
                with gr.Column(visible=False) as self.body:
                    self._build_body()
        self.view = [*widgets(self), *widgets(self.incoming), *widgets(self.incoming.data_set)]

    def _build_about(self) -> None:
        with gr.Accordion("Rename or delete this set", open=False, visible=False) as self.about:
            self.title = gr.Textbox(label="Name", max_length=60)
            self.species = gr.Textbox(label="Species", max_length=40)
            self.keep = gr.Button("Save name and species", size="md")
            self.shared = gr.Checkbox(label=LABEL, info=SHARED_INFO, visible=False)
            self.sure = gr.Checkbox(label=SURE, value=False)
            self.delete_set = gr.Button("Delete this set", variant="stop", size="md")

    def _build_body(self) -> None:
        self.aliases = gr.Button("Call them by the emotions’ names", visible=False, size="md")
        with gr.Row(elem_classes="actions"):
            self.train = gr.Button("Train on this set", variant="primary", size="md", min_width=150)
            self.hardest = gr.Button("Find the hardest pictures", size="md", min_width=180)
            self.pack = gr.Button("Pack as a zip", size="md", min_width=120)
            self.file = gr.DownloadButton("Download the zip", visible=False, size="md", min_width=140)
        self.status = slot("review-status")
        with gr.Row(elem_classes="controls"):
            self.order = gr.Dropdown(list(EMPTY), label="Order", min_width=180)
            self.label = gr.Dropdown([ALL], label="Class shown", min_width=130)
            self.page = gr.Dropdown([1], label="Page", min_width=100)
        with gr.Row(elem_classes="actions") as self.changes:
            self.to = gr.Dropdown(list(EMOTIONS), label="Into the class", allow_custom_value=True, min_width=150)
            self.move = gr.Button("Relabel the ticked", min_width=150)
            self.delete = gr.Button("Delete the ticked", variant="stop", min_width=150)
        self.note = slot("review-note")
        self.gallery = slot("review", script=TICKS)

    def connect(self, page: gr.Blocks, offered: Callable[[], Values], elsewhere: Sequence[Any]) -> None:
        """Register the events; ``offered`` returns the new choices of the lists of sets ``elsewhere``."""
        chosen, view, place = self.chosen, self.view, [self.order, self.label, self.page]
        on(chosen.input, self.show, chosen, view, trigger_mode=EVERY_PRESS)
        # Another order or class starts at its first page.
        last: dict[str, Any] = {"trigger_mode": "always_last"}
        on([self.order.input, self.label.input], self._look, [chosen, *place[:2]], view, **last)
        on(self.page.input, self._look, [chosen, *place], view, **last)
        on(self.gallery.select, self._tick, None, [self.ticked, self.note], trigger_mode=EVERY_PRESS)
        on(self.pack.click, self._pack, chosen, self.file)
        on(self.shared.input, self._share, [chosen, self.shared], self.shared)
        finding = on(self.hardest.click, self._find_hardest, [chosen, self.label], view, concurrency_limit=2)
        on(chosen.change, None, None, None, cancels=finding)
        changes: dict[gr.Button, Change] = {
            self.move: lambda found, files, to: relabel_pictures(found, dict.fromkeys(files, to)),
            self.delete: lambda found, files, _: delete_pictures(found, files),
            self.aliases: lambda found, *_: take_aliases(found),
        }
        asked = [chosen, self.ticked, self.to, *place]
        events = [
            *self.incoming.connect(view, lambda brought: self.show(brought.key)),
            *(on(button.click, partial(self._change, change), asked, view) for button, change in changes.items()),
            on(self.keep.click, self._describe, [chosen, self.title, self.species], view),
            on(self.delete_set.click, self._throw, [chosen, self.sure], view),
        ]
        options: dict[str, Any] = {"by_page": True, "concurrency_limit": None}
        for event in events:
            on(event.then, offered, None, elsewhere, **options)
        first = [chosen, *elsewhere]
        on(page.load, lambda: {chosen: gr.Dropdown(_choices()), **offered()}, None, first, **options)

    def show(self, key: str | None, order: str = AS_THEY_CAME, label: str = ALL, page: int = 1) -> Values:
        """Return the values of all widgets for a set, at an order, a class and a page; for a new one without a key."""
        told: Values = {
            self.chosen: gr.Dropdown(_choices(), value=key or NEW),
            self.incoming.naming: gr.Row(visible=not key),
            self.summary: sentence(NOTHING_YET, kind="waits"),
            self.about: gr.Accordion(visible=False),
            self.body: gr.Column(visible=False),
            self.ticked: (),
        }
        if not key:
            return told
        found = seen_set(key)
        own = may_change(found.folder, current_visitor())
        told |= {self.about: gr.Accordion(visible=own), self.shared: share_switch(found.folder), self.sure: False}
        try:
            manifest = found.manifest
        except PictureError as error:
            return told | {self.summary: sentence(str(error), kind="problem")}
        counts = manifest.counts()
        return told | {
            self.summary: summary_html(manifest),
            self.title: manifest.name,
            self.species: manifest.species,
            self.body: gr.Column(visible=bool(counts)),
            self.aliases: gr.Button(visible=own and bool(alias_offer(counts))),
            self.train: gr.Button(visible=len(counts) > 1),
            self.hardest: gr.Button(visible=len(counts) > 1),
            self.file: gr.DownloadButton(visible=False),
            self.label: gr.Dropdown([ALL, *counts], value=label if label in counts else ALL),
            self.status: "",
            self.changes: gr.Row(visible=own),
            self.to: gr.Dropdown(list(dict.fromkeys([*EMOTIONS, *counts]))),
            **self._look(key, order, label if label in counts else ALL, page),
        }

    def _look(self, key: str | None, order: str, label: str, page: int = 1) -> Values:
        """Show another page, order or class, with nothing ticked."""
        found = seen_set(key)
        rows = rows_of(found.manifest, kept_suspects(found), order=order, label=label)
        pages = max(1, -(-len(rows) // PAGE))
        at = min(max(1, page), pages)
        numbers = [(f"{each} of {pages}", each) for each in range(1, pages + 1)]
        return {
            self.order: gr.Dropdown(value=order),
            self.page: gr.Dropdown(numbers, value=at, visible=pages > 1),
            self.gallery: gallery_html(found, rows[(at - 1) * PAGE : at * PAGE]) or sentence(EMPTY[order]),
            self.ticked: (),
            self.note: sentence(TICK),
        }

    def _tick(self, event: gr.EventData) -> Values:
        chosen = ticked(event)
        said = f"{count(len(chosen), 'picture')} ticked." if chosen else TICK
        return {self.ticked: chosen, self.note: sentence(said)}

    def _change(self, change: Change, key: str | None, ticked: Sequence[str], to: str, *place: Any) -> Values:
        found = own_set(key)
        change(found, [each.removeprefix(f"{found.key}/") for each in ticked], to)
        return self.show(key, *place)

    def _pack(self, key: str | None) -> Values:
        found = seen_set(key)
        made = pack(found, new_download(f"{found.key}.zip"))
        return {self.file: gr.DownloadButton(value=str(made), visible=True)}

    def _find_hardest(self, key: str | None, label: str) -> Steps:
        """Compute the missing features of the set, and show its hardest pictures first."""
        told = yield from watched(self.services.do(FindHardest(seen_set(key).folder)), self.status)
        yield {self.status: sentence(told), **self._look(key, HARDEST, label)}

    def _describe(self, key: str | None, title: str, species: str) -> Values:
        describe_set(own_set(key), name=title, species=species)
        return self.show(key)

    def _share(self, key: str | None, shared: bool) -> Values:
        found = own_set(key)
        share(found.folder, current_visitor(), shared=bool(shared))
        return {self.shared: share_switch(found.folder)}

    def _throw(self, key: str | None, sure: bool) -> Values:
        if not sure:
            raise PictureError(f"Tick “{SURE}” first: there is no way back.")
        delete_set(own_set(key))
        return self.show(NEW)


def key_to_train(key: str | None) -> str:
    """Return the key under which Train offers a set. Raises PictureError if there is none."""
    return saved_key(seen_set(key))


def summary_html(manifest: Manifest) -> str:
    """Return a set's facts, its counts as bars, its findings and what was left out."""
    counts, skipped = manifest.counts(), manifest.skipped
    most = max(counts.values())
    when = time.strftime("%d.%m.%Y %H:%M", time.localtime(manifest.created))
    whom = f"{manifest.species}, " if manifest.species else ""
    classes = f"{len(counts)} class{'' if len(counts) == 1 else 'es'}"
    facts = f"{whom}{count(len(manifest.pictures), 'picture')} in {classes}, brought {when} ({manifest.source})"
    shares = bars((label, number / most, f"{number:,}") for label, number in counts.items())
    told: list[Block] = [Text(each, "warning") for each in findings(manifest)]
    if skipped:
        rows = [row(shown(each.original), each.reason) for each in skipped[:MOST_TOLD]]
        more = f"And {count(len(skipped) - MOST_TOLD, 'more file')}." if len(skipped) > MOST_TOLD else ""
        title = f"What was left out ({len(skipped):,})"
        told.append(Table(title, "File", ["Why"], rows, note=more, is_text=True, is_folded=True))
    return (
        f'<div class="set-summary"><h2>{html.escape(manifest.name)}</h2>{sentence(facts)}{shares}'
        f"{rendered(told, name='summary')}{sentence(alias_offer(counts, how='press the button below'))}</div>"
    )


def rows_of(manifest: Manifest, suspects: Mapping[str, Suspect], *, order: str, label: str) -> list[Remarked]:
    """Return the pictures of a class in an order, each with a remark; ``suspects`` are by hash."""
    rows = [each for each in manifest.pictures if label in (ALL, each.label)]
    if order == HARDEST:
        doubts = [(suspects[each.sha256], each) for each in rows if each.sha256 in suspects]
        doubts.sort(key=lambda pair: -pair[0].doubt)
        return [(each, f"nearer to {it.nearest}" if it.is_doubted else "as labelled") for it, each in doubts]
    if order == ALIKE:
        return _alike(manifest, rows)
    return [(each, f"{each.width} × {each.height}") for each in rows]


def _alike(manifest: Manifest, rows: Sequence[PictureRow]) -> list[Remarked]:
    """Return the rows that have near-duplicates, each after the picture it resembles."""
    said: dict[str, str] = {}
    for each in sorted(manifest.near_duplicates, key=lambda each: (each.like, each.file)):
        if not each.set:
            said.setdefault(each.like, "the first of them")
        said[each.file] = f"like one in {each.set}" if each.set else f"like {each.like}"
    of_file = {each.file: each for each in rows}
    return [(of_file[file], remark) for file, remark in said.items() if file in of_file]


def gallery_html(found: SavedSet, rows: Sequence[Remarked]) -> str:
    """Return pictures as figures with tick boxes, each with its set's key, since file names repeat across sets."""
    uris = data_uris([found.folder / each.file for each, _ in rows], side=SIDE)
    figures = []
    for (each, remark), uri in zip(rows, uris, strict=True):
        name, label, tick = html.escape(each.file), html.escape(each.label), html.escape(f"{found.key}/{each.file}")
        figures.append(
            f'<label class="review-picture" style="--said:{colour_of(each.label)}">'
            f'<input type="checkbox" data-tick="{tick}" aria-label="{label}, {name}"><img src="{uri}" alt="{label}">'
            f"<span><b>{label}</b>{html.escape(remark)}</span></label>"
        )
    return f'<div class="review">{"".join(figures)}</div>' if figures else ""


def _choices() -> list[tuple[str, str]]:
    return [(NEW_TITLE, NEW), *((title_of(found), found.key) for found in visible_sets())]
