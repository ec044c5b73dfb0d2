"""What a run looks at in a comparison: a picture of each set side by side, under the maps of its classes."""

from __future__ import annotations

import html
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison, ScoredPicture
from emotion.analysis.explaining import (
    ExplainedPicture,
    ExplainedSample,
    ExplainSample,
    keep_explained,
    kept_explained,
)
from emotion.core.labels import colour_of_set
from emotion.core.prediction import Saliency
from emotion.server.services import Services
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.saliency_view import is_cropped, legend_html, saliency_figure
from emotion.ui.status import sentence
from emotion.ui.studying import carried_out
from emotion.ui.thumbnails import data_uris

NOTHING_YET = (
    "Press Show the maps: a picture of each set, and where in it the run finds the evidence for its class and for what "
    "was said."
)
SIDE = 300


class SaliencyPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.services = services
        self.board = board
        self.emotion = gr.Radio([], label="Pictures of", visible=False, elem_id="saliency-emotion")
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Show the maps", elem_id="saliency-show", scale=2, min_width=240)
            self.back = gr.Button("← Previous", elem_id="saliency-back", scale=1, min_width=110)
            self.on = gr.Button("Next →", elem_id="saliency-on", scale=1, min_width=110)
            self.number = gr.Slider(
                1, 2, value=1, step=1, precision=0, label="Picture of the sample", elem_id="saliency-number", scale=3,
                min_width=200,
            )  # fmt: skip
        self.maps = gr.HTML(sentence(NOTHING_YET), elem_id="saliency-maps", apply_default_css=False)
        self.view: list[Any] = [self.emotion, self.number, self.maps]
        asked = [run, saved, self.emotion, self.number]
        options: dict[str, Any] = {"concurrency_id": "saliency", "trigger_mode": "always_last", **QUIET}
        for event in (self.go.click, self.number.input, self.emotion.input):
            event(guarded_stream(self.show), asked, self.view, **options)
        self.back.click(guarded_stream(self.show_previous), asked, self.view, **options)
        self.on.click(guarded_stream(self.show_next), asked, self.view, **options)

    def show_previous(self, *asked: Any) -> Generator[list[Any], None, None]:
        """Show the picture before."""
        yield from self.show(*asked, step=-1)

    def show_next(self, *asked: Any) -> Generator[list[Any], None, None]:
        """Show the picture after."""
        yield from self.show(*asked, step=1)

    def show(
        self, name: str | None, saved: str | None, emotion: str | None, number: float | None, *, step: int = 0
    ) -> Generator[list[Any], None, None]:
        """Show the maps of one picture of each set, and keep them beside the comparison."""
        comparison, path = shown_comparison(self.board, name, saved)
        chosen = emotion if emotion in comparison.emotions() else comparison.emotions()[0]
        at = min(max(int(number or 1) + step, 1), most(comparison, chosen))
        study = ExplainSample(self.board.find(name), comparison, chosen, at)
        found = yield from carried_out(self.services, study, place=lambda line: [gr.skip(), gr.skip(), line])
        keep_explained(path, found)
        yield self._shown(comparison, found)

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Show what was looked at last in a comparison, or what can be asked of it."""
        if not name or not saved:
            return self._nothing()
        comparison, path = shown_comparison(self.board, name, saved)
        found = kept_explained(path)
        if found is None or found.emotion not in comparison.emotions():
            return [*self._asked(comparison, comparison.emotions()[0], 1), sentence(NOTHING_YET)]
        return self._shown(comparison, found)

    def _shown(self, comparison: Comparison, found: ExplainedSample) -> list[Any]:
        return [*self._asked(comparison, found.emotion, found.number), explained_html(found)]

    def _asked(self, comparison: Comparison, emotion: str, number: int) -> list[Any]:
        emotions = comparison.emotions()
        return [
            gr.Radio(emotions, value=emotion, visible=len(emotions) > 1),
            gr.Slider(1, max(2, most(comparison, emotion)), value=number),
        ]

    def _nothing(self) -> list[Any]:
        return [gr.Radio([], value=None, visible=False), gr.Slider(1, 2, value=1), sentence(NOTHING_YET)]


def most(comparison: Comparison, emotion: str) -> int:
    """Return how many pictures of an emotion the largest sample has."""
    return max(result.n for result in comparison.results(emotion).values())


def explained_html(found: ExplainedSample) -> str:
    """Return the sets side by side: the picture, and its map of each class."""
    uris = data_uris([Path(each.picture.picture) for each in found.pictures], side=SIDE)
    cards = "".join(_card(each, uri) for each, uri in zip(found.pictures, uris, strict=True))
    cropped = any(is_cropped(saliency) for each in found.pictures for saliency in each.maps)
    return f'<div class="species">{cards}</div>{legend_html(is_cropped=cropped)}'


def _card(each: ExplainedPicture, uri: str) -> str:
    name, said = html.escape(each.set_name), html.escape(each.picture.predicted)
    figures = "".join(saliency_figure(saliency, uri, remark=_remark(saliency, each.picture)) for saliency in each.maps)
    return (
        f'<section class="species-card" style="--accent:{colour_of_set(each.set_name)}" aria-label="{name}">'
        f'<h2>{name}</h2><div class="saliency-row"><figure class="saliency"><div class="saliency-picture">'
        f'<img src="{uri}" alt="{name}, said {said}"></div>'
        f"<figcaption><b>the picture</b></figcaption></figure>{figures}</div></section>"
    )


def _remark(saliency: Saliency, picture: ScoredPicture) -> str:
    if saliency.label != picture.label:
        return "what it said"
    return "correct, and what it said" if picture.predicted == picture.label else "correct"
