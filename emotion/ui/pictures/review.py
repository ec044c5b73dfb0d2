"""Look through a set, and put it right: delete and relabel what is ticked, find wrong labels, pack, delete the set."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import gradio as gr

from emotion.analysis.wrong_labels import FindWrongLabels
from emotion.core.format import count
from emotion.core.labels import EMOTIONS, alias_offer
from emotion.data.editing import delete_pictures, pack, relabel_pictures, take_aliases
from emotion.data.findings import kept_suspects
from emotion.data.sets import SavedSet
from emotion.server.services import Services
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import EVERY_PRESS, QUIET
from emotion.ui.pictures.gallery import ALL, ORDERS, gallery_html, page_of, tick_of
from emotion.ui.pictures.mine import is_own, own_set, seen_set
from emotion.ui.status import sentence
from emotion.ui.studying import watched
from emotion.ui.ticks import TICKS, ticked
from emotion.ui.uploads import new_download

FIRST = (ORDERS[0], ALL, 1)


class Review:
    """Widgets of the gallery and what they do. ``view`` is what ``show`` returns."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services = services
        self.chosen = chosen
        self.ticked = gr.State(())
        self.looked_through = gr.State("")
        with gr.Column(visible=False) as self.body:
            self._build_top()
            self._build_gallery()
        self.view: list[Any] = [
            self.body, self.ticked, self.aliases, self.file, self.wrong, self.order, self.label, self.page,
            self.gallery, self.note, self.status, self.changes, self.to,
        ]  # fmt: skip

    def _build_top(self) -> None:
        self.aliases = gr.Button("Call them by the emotions’ names", visible=False, elem_id="take-aliases", size="md")
        with gr.Row(elem_classes="actions"):
            self.pack = gr.Button("Pack as a zip", elem_id="pack", size="md", min_width=140)
            self.file = gr.DownloadButton(
                "Download the zip", visible=False, elem_id="pack-file", size="md", min_width=140
            )
            self.wrong = gr.Button("Look for wrong labels", elem_id="wrong-labels", size="md", min_width=180)
        self.status = gr.HTML("", elem_id="review-status", apply_default_css=False)

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
        self.note = gr.HTML("", elem_id="review-note", apply_default_css=False)
        self.gallery = gr.HTML("", js_on_load=TICKS, elem_id="review", apply_default_css=False)

    def connect(self, view: Sequence[Any], show: Any) -> list[Any]:
        """Register the events, and return those that change the set; ``show`` gives all of ``view`` for a set's key."""
        place = [self.order, self.label, self.page]
        looked = [self.gallery, self.page, self.ticked, self.note]
        # Another order or class begins at its first page.
        for event, at in ((self.order.input, place[:2]), (self.label.input, place[:2]), (self.page.input, place)):
            event(guarded(self.look), [self.chosen, *at], looked, trigger_mode="always_last", **QUIET)
        self.gallery.select(guarded(self.tick), None, [self.ticked, self.note], trigger_mode=EVERY_PRESS, **QUIET)
        self.pack.click(
            guarded(self.pack_up), self.chosen, self.file, api_visibility="private", show_progress_on=[self.status]
        )
        found = self.wrong.click(
            guarded_stream(self.find_wrong), self.chosen, [self.status, self.looked_through],
            concurrency_limit=2, **QUIET,
        )  # fmt: skip
        found.then(
            guarded(self.show_wrong), [self.looked_through, self.chosen, self.label],
            [self.status, self.order, *looked], **QUIET,
        )  # fmt: skip

        def changed(change: Any) -> Any:
            def handler(key: str | None, ticked: tuple[str, ...], to: str, *at: Any) -> list[Any]:
                # A box of another set keeps its set's name, and is refused as none of this one's.
                change(own_set(key), [name.removeprefix(tick_of(str(key), "")) for name in ticked], to)
                return show(key, at)  # type: ignore[no-any-return]  # the tab's own list

            return guarded(handler)

        asked = [self.chosen, self.ticked, self.to, *place]
        return [
            self.move.click(
                changed(lambda found, ticked, to: relabel_pictures(found, ticked, to)), asked, view, **QUIET
            ),
            self.delete.click(changed(lambda found, ticked, to: delete_pictures(found, ticked)), asked, view, **QUIET),
            self.aliases.click(changed(lambda found, ticked, to: take_aliases(found)), asked, view, **QUIET),
        ]

    def show(self, found: SavedSet | None, at: Sequence[Any] = FIRST) -> list[Any]:
        """Return what every widget shows of a set."""
        if found is None:
            return [gr.Column(visible=False), (), *[gr.skip()] * (len(self.view) - 2)]
        order, label, page = at
        counts = found.manifest.counts()
        label = label if label in counts else ALL
        gallery, slider, ticked, note = self._looked(found, order, label, page)
        own = is_own(found)
        return [
            gr.Column(visible=True),
            ticked,
            gr.Button(visible=own and bool(alias_offer(counts))),
            gr.DownloadButton(visible=False),
            gr.Button(visible=len(counts) > 1),
            gr.Dropdown(value=order),
            gr.Dropdown([ALL, *counts], value=label),
            slider,
            gallery,
            note,
            "",
            gr.Row(visible=own),
            gr.Dropdown(list(dict.fromkeys([*EMOTIONS, *counts]))),
        ]

    def look(self, key: str | None, order: str, label: str, page: float | None = None) -> list[Any]:
        """Show another page, order or class; what was ticked on the page before is ticked no more."""
        return self._looked(seen_set(key), order, label, page or 1, slider_at=page)

    def _looked(
        self, found: SavedSet, order: str, label: str, page: float, *, slider_at: float | None = None
    ) -> list[Any]:
        shown = page_of(found.manifest, kept_suspects(found), order=order, label=label, page=int(page or 1))
        at = min(max(1, int(page or 1)), shown.pages)
        # Where it is there already nothing is sent, which would take back a slider that is being moved on.
        moved: dict[str, Any] = {} if slider_at == at else {"value": at}
        return [
            gallery_html(found, shown),
            # Hidden and not gone: a slider that is gone keeps its value, which may lie beyond its new end.
            gr.Slider(1, max(2, shown.pages), visible=True if shown.pages > 1 else "hidden", **moved),
            (),
            _note(0),
        ]

    def tick(self, event: gr.EventData) -> list[Any]:
        """Keep which pictures are ticked; the page sends their names within the set."""
        chosen = ticked(event)
        return [chosen, _note(len(chosen))]

    def pack_up(self, key: str | None) -> Any:
        """Write the zip of the set and hand it out."""
        found = seen_set(key)
        made = pack(found, new_download(f"{found.key}.zip"))
        return gr.DownloadButton(value=str(made), visible=True)

    def find_wrong(self, key: str | None) -> Generator[list[Any], None, None]:
        """Look at the pictures that are not known yet, and say how many labels are doubtful."""
        found = seen_set(key)
        told = yield from watched(self.services.do(FindWrongLabels(found.folder)), place=lambda line: [line, ""])
        yield [sentence(told), found.key]

    def show_wrong(self, looked_through: str, key: str | None, label: str) -> list[Any]:
        """Show the doubtful ones first, unless another set was chosen meanwhile."""
        if not looked_through or looked_through != key:
            return ["", *[gr.skip()] * 5]
        return [gr.skip(), gr.Dropdown(value=ORDERS[1]), *self._looked(seen_set(key), ORDERS[1], label, 1)]


def _note(ticked: int) -> str:
    said = f"{count(ticked, 'picture')} ticked." if ticked else "Tick what is wrong, then relabel or delete it."
    return f'<p class="note" role="status">{said}</p>'
