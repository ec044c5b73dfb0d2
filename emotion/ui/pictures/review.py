"""Review a set page by page: relabel or delete ticked pictures, find the hardest ones, pack the set."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from emotion.analysis.hardest import FindHardest
from emotion.core.format import count
from emotion.core.labels import EMOTIONS, alias_offer, colour_of
from emotion.core.owners import may_change
from emotion.data.editing import delete_pictures, pack, relabel_pictures, take_aliases
from emotion.data.findings import Suspect, kept_suspects
from emotion.data.sets import Manifest, PictureRow, SavedSet
from emotion.server.services import Services
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, watched
from emotion.ui.html import TICKS, data_uris, sentence, slot, ticked
from emotion.ui.picture_sets import own_set, seen_set
from emotion.ui.uploads import new_download
from emotion.ui.visitor import current_visitor

PAGE, SIDE = 48, 132
ALL = "all classes"
AS_THEY_CAME, HARDEST, ALIKE = "As they came", "Hardest pictures first", "Look-alikes together"
FIRST = (AS_THEY_CAME, ALL, 1)
EMPTY = {
    AS_THEY_CAME: "No picture is of this class.",
    HARDEST: "Press “Find the hardest pictures”: the backbone looks at each once, and training skips that look then.",
    ALIKE: "No two pictures of this set look nearly the same.",
}
# A picture and the remark below it.
Remarked = tuple[PictureRow, str]


class Review:
    """The gallery's widgets and their handlers; ``chosen`` holds the key of the open set."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services, self.chosen = services, chosen
        self.ticked = gr.State(())
        with gr.Column(visible=False) as self.body:
            self.aliases = gr.Button(
                "Call them by the emotions’ names", visible=False, elem_id="take-aliases", size="md"
            )
            with gr.Row(elem_classes="actions"):
                self.train = gr.Button(
                    "Train on this set", variant="primary", elem_id="train-on-set", size="md", min_width=150
                )
                self.hardest = gr.Button("Find the hardest pictures", elem_id="hardest", size="md", min_width=180)
                self.pack = gr.Button("Pack as a zip", elem_id="pack", size="md", min_width=120)
                self.file = gr.DownloadButton(
                    "Download the zip", visible=False, elem_id="pack-file", size="md", min_width=140
                )
            self.status = slot("review-status")
            with gr.Row(elem_classes="controls"):
                self.order = gr.Dropdown(
                    list(EMPTY), value=AS_THEY_CAME, label="Order", elem_id="review-order", min_width=180
                )
                self.label = gr.Dropdown([ALL], value=ALL, label="Class shown", elem_id="review-class", min_width=130)
                self.page = gr.Dropdown([1], value=1, label="Page", elem_id="review-page", min_width=100)
            with gr.Row(elem_classes="actions") as self.changes:
                self.to = gr.Dropdown(
                    list(EMOTIONS), value=EMOTIONS[0], label="Into the class", allow_custom_value=True,
                    elem_id="review-to", min_width=150,
                )  # fmt: skip
                self.move = gr.Button("Relabel the ticked", elem_id="relabel", min_width=150)
                self.delete = gr.Button("Delete the ticked", variant="stop", elem_id="delete-ticked", min_width=150)
            self.note = slot("review-note")
            self.gallery = slot("review", script=TICKS)

    def connect(self, view: Sequence[Any], show: Callable[..., Values]) -> list[Any]:
        """Register the events, and return those that change the set; ``show`` returns the values for a set's key."""
        place = [self.order, self.label, self.page]
        # Another order or class starts at its first page.
        last: dict[str, Any] = {"trigger_mode": "always_last"}
        on([self.order.input, self.label.input], self.look, [self.chosen, *place[:2]], view, **last)
        on(self.page.input, self.look, [self.chosen, *place], view, **last)
        on(self.gallery.select, self.tick, None, [self.ticked, self.note], trigger_mode=EVERY_PRESS)
        on(self.pack.click, self.pack_up, self.chosen, self.file)
        finding = on(self.hardest.click, self.find_hardest, [self.chosen, self.label], view, concurrency_limit=2)
        on(self.chosen.change, None, None, None, cancels=finding)

        def changed(change: Callable[[SavedSet, list[str], str], object]) -> Callable[..., Values]:
            def handler(key: str | None, chosen: Sequence[str], to: str, *at: Any) -> Values:
                found = own_set(key)
                change(found, [each.removeprefix(f"{found.key}/") for each in chosen], to)
                return show(key, at)

            return handler

        asked = [self.chosen, self.ticked, self.to, *place]
        return [
            on(
                self.move.click,
                changed(lambda found, files, to: relabel_pictures(found, dict.fromkeys(files, to))),
                asked,
                view,
            ),
            on(self.delete.click, changed(lambda found, files, _: delete_pictures(found, files)), asked, view),
            on(self.aliases.click, changed(lambda found, *_: take_aliases(found)), asked, view),
        ]

    def show(self, found: SavedSet | None, at: Sequence[Any] = FIRST) -> Values:
        """Return the values of all widgets for a set, at an order, a class and a page."""
        if found is None:
            return {self.body: gr.Column(visible=False), self.ticked: ()}
        order, label, page = at
        own, counts = may_change(found.folder, current_visitor()), found.manifest.counts()
        label = label if label in counts else ALL
        return {
            self.body: gr.Column(visible=True),
            self.aliases: gr.Button(visible=own and bool(alias_offer(counts))),
            self.train: gr.Button(visible=len(counts) > 1),
            self.hardest: gr.Button(visible=len(counts) > 1),
            self.file: gr.DownloadButton(visible=False),
            self.label: gr.Dropdown([ALL, *counts], value=label),
            self.status: "",
            self.changes: gr.Row(visible=own),
            self.to: gr.Dropdown(list(dict.fromkeys([*EMOTIONS, *counts]))),
            **self._looked(found, order, label, page),
        }

    def look(self, key: str | None, order: str, label: str, page: int = 1) -> Values:
        """Show another page, order or class, with nothing ticked."""
        return self._looked(seen_set(key), order, label, page)

    def _looked(self, found: SavedSet, order: str, label: str, page: int) -> Values:
        rows = rows_of(found.manifest, kept_suspects(found), order=order, label=label)
        pages = max(1, -(-len(rows) // PAGE))
        at = min(max(1, page), pages)
        shown = rows[(at - 1) * PAGE : at * PAGE]
        return {
            self.order: gr.Dropdown(value=order),
            self.page: gr.Dropdown([(f"{each} of {pages}", each) for each in range(1, pages + 1)], value=at,
                                   visible=pages > 1),
            self.gallery: gallery_html(found, shown) if shown else sentence(EMPTY[order]),
            self.ticked: (),
            self.note: _note(0),
        }  # fmt: skip

    def tick(self, event: gr.EventData) -> Values:
        """Store which pictures are ticked, by their names within the set."""
        chosen = ticked(event)
        return {self.ticked: chosen, self.note: _note(len(chosen))}

    def pack_up(self, key: str | None) -> Values:
        """Write the set as a zip and offer it for download."""
        found = seen_set(key)
        made = pack(found, new_download(f"{found.key}.zip"))
        return {self.file: gr.DownloadButton(value=str(made), visible=True)}

    def find_hardest(self, key: str | None, label: str) -> Steps:
        """Compute the missing features of the set, and show its hardest pictures first."""
        found = seen_set(key)
        told = yield from watched(self.services.do(FindHardest(found.folder)), self.status)
        yield {self.status: sentence(told), **self._looked(found, HARDEST, label, 1)}


def rows_of(manifest: Manifest, suspects: Mapping[str, Suspect], *, order: str, label: str) -> list[Remarked]:
    """Return the pictures of a class in an order, each with a remark; ``suspects`` are by hash."""
    rows = [row for row in manifest.pictures if label in (ALL, row.label)]
    if order == HARDEST:
        hardest = sorted((row for row in rows if row.sha256 in suspects), key=lambda row: -suspects[row.sha256].doubt)
        return [(row, _doubt(suspects[row.sha256])) for row in hardest]
    if order == ALIKE:
        return _alike(manifest, rows)
    return [(row, f"{row.width} × {row.height}") for row in rows]


def gallery_html(found: SavedSet, rows: Sequence[Remarked]) -> str:
    """Return pictures as figures with tick boxes, each with its set's key, since file names repeat across sets."""
    uris = data_uris([found.folder / row.file for row, _ in rows], side=SIDE)
    figures = "".join(_figure(row, uri, remark, key=found.key) for (row, remark), uri in zip(rows, uris, strict=True))
    return f'<div class="review">{figures}</div>'


def _figure(row: PictureRow, uri: str, remark: str, *, key: str) -> str:
    name, label, tick = html.escape(row.file), html.escape(row.label), html.escape(f"{key}/{row.file}")
    return (
        f'<label class="review-picture" style="--said:{colour_of(row.label)}">'
        f'<input type="checkbox" data-tick="{tick}" aria-label="{label}, {name}"><img src="{uri}" alt="{label}">'
        f"<span><b>{label}</b>{html.escape(remark)}</span></label>"
    )


def _doubt(suspect: Suspect) -> str:
    return f"nearer to {suspect.nearest}" if suspect.is_doubted else "as labelled"


def _alike(manifest: Manifest, rows: Sequence[PictureRow]) -> list[Remarked]:
    """Return the rows that have near-duplicates, each after the picture it resembles."""
    of_file = {row.file: row for row in rows}
    said: dict[str, str] = {}
    first_like: dict[str, str] = {}
    for each in manifest.near_duplicates:
        if each.file not in of_file:
            continue
        if not each.set:
            first_like.setdefault(each.file, each.like)
            if each.like in of_file:
                said.setdefault(each.like, "the first of them")
        said[each.file] = f"like {each.like}" if not each.set else f"like one in {each.set}"
    order = sorted(said, key=lambda file: (first_like.get(file, file), file in first_like))
    return [(of_file[file], said[file]) for file in order]


def _note(number: int) -> str:
    return sentence(
        f"{count(number, 'picture')} ticked." if number else "Tick what is wrong, then relabel or delete it."
    )
