"""Review a set page by page: relabel or delete ticked pictures, find the hardest ones, pack the set."""

import html
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
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
from emotion.ui.events import EVERY_PRESS, Values, on, watched
from emotion.ui.html import TICKS, data_uris, sentence, slot, ticked
from emotion.ui.picture_sets import own_set, seen_set
from emotion.ui.uploads import new_download
from emotion.ui.visitor import current_visitor

PAGE, SIDE = 48, 132
ALL = "all classes"
ORDERS = ("As they came", "Hardest pictures first", "Look-alikes together")
FIRST = (ORDERS[0], ALL, 1)
NOT_LOOKED = "Press “Find the hardest pictures”: the backbone looks at each once, and training skips that look then."
NO_LIKENESSES = "No two pictures of this set look nearly the same."
Remark = Callable[[PictureRow], str]


class Review:
    """The gallery's widgets and their handlers; ``view`` are the outputs of ``show``."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services, self.chosen = services, chosen
        self.ticked = gr.State(())
        self.looked_through = gr.State("")
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
            self._build_gallery()
        self.view: list[Any] = [
            self.body, self.ticked, self.aliases, self.train, self.hardest, self.file, self.order, self.label,
            self.page, self.gallery, self.note, self.status, self.changes, self.to,
        ]  # fmt: skip

    def _build_gallery(self) -> None:
        with gr.Row(elem_classes="controls"):
            self.order = gr.Dropdown(
                list(ORDERS), value=ORDERS[0], label="Order", elem_id="review-order", min_width=180
            )
            self.label = gr.Dropdown([ALL], value=ALL, label="Class shown", elem_id="review-class", min_width=130)
            self.page = gr.Slider(
                1, 2, value=1, step=1, precision=0, label="Page", elem_id="review-page", min_width=160
            )
        with gr.Row(elem_classes="actions") as self.changes:
            self.to = gr.Dropdown(
                list(EMOTIONS), value=EMOTIONS[0], label="Into the class", allow_custom_value=True, elem_id="review-to",
                min_width=150,
            )  # fmt: skip
            self.move = gr.Button("Relabel the ticked", elem_id="relabel", min_width=150)
            self.delete = gr.Button("Delete the ticked", variant="stop", elem_id="delete-ticked", min_width=150)
        self.note = slot("review-note")
        self.gallery = slot("review", script=TICKS)

    def connect(self, view: Sequence[Any], show: Callable[..., Values]) -> list[Any]:
        """Register the events, and return those that change the set; ``show`` returns the values for a set's key."""
        place = [self.order, self.label, self.page]
        looked = [self.gallery, self.page, self.ticked, self.note]
        # Another order or class starts at its first page.
        last: dict[str, Any] = {"trigger_mode": "always_last"}
        on([self.order.input, self.label.input], self.look, [self.chosen, *place[:2]], looked, **last)
        on(self.page.input, self.look, [self.chosen, *place], looked, **last)
        on(self.gallery.select, self.tick, None, [self.ticked, self.note], trigger_mode=EVERY_PRESS)
        on(self.pack.click, self.pack_up, self.chosen, self.file)
        # Two steps, since the visitor may have opened another set in the meantime.
        found = on(
            self.hardest.click, self.find_hardest, self.chosen, [self.status, self.looked_through], concurrency_limit=2
        )
        on(
            found.then, self.show_hardest, [self.looked_through, self.chosen, self.label],
            [self.status, self.order, *looked],
        )  # fmt: skip

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
        """Return the values of all widgets for a set."""
        if found is None:
            return {self.body: gr.Column(visible=False), self.ticked: ()}
        order, label, page = at
        counts, own = found.manifest.counts(), may_change(found.folder, current_visitor())
        label = label if label in counts else ALL
        return {
            self.body: gr.Column(visible=True),
            self.aliases: gr.Button(visible=own and bool(alias_offer(counts))),
            self.train: gr.Button(visible=len(counts) > 1),
            self.hardest: gr.Button(visible=len(counts) > 1),
            self.file: gr.DownloadButton(visible=False),
            self.order: gr.Dropdown(value=order),
            self.label: gr.Dropdown([ALL, *counts], value=label),
            self.status: "",
            self.changes: gr.Row(visible=own),
            self.to: gr.Dropdown(list(dict.fromkeys([*EMOTIONS, *counts]))),
            **self._looked(found, order, label, page),
        }

    def look(self, key: str | None, order: str, label: str, page: float | None = None) -> Values:
        """Show another page, order or class, with nothing ticked."""
        return self._looked(seen_set(key), order, label, page or 1, slider_at=page)

    def _looked(
        self, found: SavedSet, order: str, label: str, page: float, *, slider_at: float | None = None
    ) -> Values:
        shown = page_of(found.manifest, kept_suspects(found), order=order, label=label, page=int(page or 1))
        at = min(max(1, int(page or 1)), shown.pages)
        # A value the slider already has is not sent: it would reset a slider that is still being moved.
        moved: dict[str, Any] = {} if slider_at == at else {"value": at}
        return {
            self.gallery: gallery_html(found, shown),
            # Hidden, not removed: a removed slider keeps its value, which may lie beyond its new end.
            self.page: gr.Slider(1, max(2, shown.pages), visible=True if shown.pages > 1 else "hidden", **moved),
            self.ticked: (),
            self.note: _note(0),
        }

    def tick(self, event: gr.EventData) -> Values:
        """Store which pictures are ticked, by their names within the set."""
        chosen = ticked(event)
        return {self.ticked: chosen, self.note: _note(len(chosen))}

    def pack_up(self, key: str | None) -> Values:
        """Write the set as a zip and offer it for download."""
        found = seen_set(key)
        made = pack(found, new_download(f"{found.key}.zip"))
        return {self.file: gr.DownloadButton(value=str(made), visible=True)}

    def find_hardest(self, key: str | None) -> Generator[Values, None, None]:
        """Compute the missing features of the set, and report how many pictures lie nearer to another class."""
        found = seen_set(key)
        yield {self.looked_through: ""}
        told = yield from watched(self.services.do(FindHardest(found.folder)), self.status)
        yield {self.status: sentence(told), self.looked_through: found.key}

    def show_hardest(self, looked_through: str, key: str | None, label: str) -> Values:
        """Show the hardest pictures first, unless another set was chosen meanwhile."""
        if not looked_through or looked_through != key:
            return {self.status: ""}
        return {self.order: gr.Dropdown(value=ORDERS[1]), **self._looked(seen_set(key), ORDERS[1], label, 1)}


@dataclass(frozen=True)
class Shown:
    """A page of the gallery: its pictures, the number of pages, and the remark below each picture."""

    rows: Sequence[PictureRow]
    pages: int
    remark: Remark
    empty: str


def page_of(manifest: Manifest, suspects: dict[str, Suspect], *, order: str, label: str, page: int) -> Shown:
    """Return the rows of a page, counted from 1; a number beyond the last page means the last one."""
    rows = [row for row in manifest.pictures if label in (ALL, row.label)]
    remark: Remark = _plain
    empty = "No picture is of this class."
    if order == ORDERS[1]:
        rows = sorted((row for row in rows if row.sha256 in suspects), key=lambda row: -suspects[row.sha256].doubt)
        remark, empty = (lambda row: _doubt(suspects[row.sha256])), NOT_LOOKED
    elif order == ORDERS[2]:
        rows, remark, empty = _alike(manifest, rows)
    pages = max(1, -(-len(rows) // PAGE))
    start = (min(max(page, 1), pages) - 1) * PAGE
    return Shown(rows[start : start + PAGE], pages, remark, "" if rows else empty)


def gallery_html(found: SavedSet, shown: Shown) -> str:
    """Return the page as figures with tick boxes, each with its set's key, since file names repeat across sets."""
    if shown.empty:
        return sentence(shown.empty)
    uris = data_uris([found.folder / row.file for row in shown.rows], side=SIDE)
    figures = "".join(
        _figure(row, uri, shown.remark(row), key=found.key) for row, uri in zip(shown.rows, uris, strict=True)
    )
    return f'<div class="review">{figures}</div>'


def _figure(row: PictureRow, uri: str, remark: str, *, key: str) -> str:
    name, label, tick = html.escape(row.file), html.escape(row.label), html.escape(f"{key}/{row.file}")
    return (
        f'<label class="review-picture" style="--said:{colour_of(row.label)}">'
        f'<input type="checkbox" data-tick="{tick}" aria-label="{label}, {name}"><img src="{uri}" alt="{label}">'
        f"<span><b>{label}</b>{html.escape(remark)}</span></label>"
    )


def _plain(row: PictureRow) -> str:
    return f"{row.width} × {row.height}"


def _doubt(suspect: Suspect) -> str:
    return f"nearer to {suspect.nearest}" if suspect.is_doubted else "as labelled"


def _alike(manifest: Manifest, rows: Sequence[PictureRow]) -> tuple[list[PictureRow], Remark, str]:
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
                said.setdefault(each.like, "")
        said[each.file] = f"like {each.like}" if not each.set else f"like one in {each.set}"
    order = sorted(said, key=lambda file: (first_like.get(file, file), file in first_like))
    return [of_file[file] for file in order], (lambda row: said[row.file] or "the first of them"), NO_LIKENESSES


def _note(number: int) -> str:
    said = f"{count(number, 'picture')} ticked." if number else "Tick what is wrong, then relabel or delete it."
    return f'<p class="note" role="status">{said}</p>'
