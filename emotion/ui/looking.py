"""What is it looking at: below a prediction, the map of one class over the picture. Asked for by a click each time."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from emotion.analysis.saliency import Explain
from emotion.core.errors import PictureError
from emotion.core.labels import in_order
from emotion.core.prediction import Prediction
from emotion.data.decoding import open_picture
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.guard import guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.picture_input import RAW, SHOWN_SIDE
from emotion.ui.run_board import RunBoard
from emotion.ui.saliency_view import is_cropped, legend_html, saliency_figure
from emotion.ui.status import status_box
from emotion.ui.studying import carried_out
from emotion.ui.thumbnails import data_uri

GONE = "The picture is gone: give it again."


@dataclass(frozen=True)
class Judged:
    """Which run said what of the picture that is shown. Nothing of the picture itself is kept."""

    run: str
    scores: Mapping[str, float]


class Looking:
    """Widgets of the section and what they do; ``view`` is what ``offer`` and ``nothing`` return values for.

    The map is of the copy that the page shows, which the page sends back: the visitor's own file is deleted once it is
    judged, and nothing of it is written anywhere for a question that may never be asked.
    """

    def __init__(self, services: Services, board: RunBoard, picture: gr.Image) -> None:
        self.services = services
        self.board = board
        self.judged = gr.State(None)
        with gr.Column(visible=False, elem_id="looking") as self.section:
            gr.HTML('<h3 class="section-title">What is it looking at?</h3>', apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                self.label = gr.Radio([], label="Evidence for", elem_id="looking-class", scale=3, min_width=300)
                self.go = gr.Button("Show the map", elem_id="looking-show", scale=1, min_width=150)
            self.map = gr.HTML("", elem_id="looking-map", apply_default_css=False)
        self.view: list[Any] = [self.judged, self.section, self.label, self.map]
        for event in (self.go.click, self.label.input):
            event(
                guarded_stream(self.show), [self.judged, self.label, picture], self.map,
                concurrency_id="looking", trigger_mode="always_last", **RAW, **QUIET,
            )  # fmt: skip

    def offer(self, run: Run, prediction: Prediction) -> list[Any]:
        """Offer the map of each class, at first that of the one that was said."""
        labels = in_order(list(prediction.scores))
        radio = gr.Radio(labels, value=prediction.label)
        return [Judged(run.name, prediction.scores), gr.Column(visible=True), radio, ""]

    def nothing(self) -> list[Any]:
        """Offer nothing: no picture is judged."""
        return [None, gr.Column(visible=False), gr.skip(), ""]

    def show(
        self, judged: Judged | None, label: str | None, payload: dict[str, Any] | None
    ) -> Generator[str, None, None]:
        """Show the map of a class over the picture on the page."""
        if judged is None or label not in judged.scores:
            raise PictureError(GONE)
        content = sent_back(payload)
        yield status_box("running", "running", "Looking at the picture.", None)
        study = Explain(self.board.find(judged.run), content, label)
        found = yield from carried_out(self.services, study, place=str)
        # The very number of the bars; the copy's own differs from it by as much as its pixels do.
        shown = replace(found, confidence=judged.scores[found.label])
        figure = saliency_figure(shown, data_uri(open_picture(io.BytesIO(content)), side=SHOWN_SIDE))
        yield f'<div class="looking">{figure}<div>{legend_html(is_cropped=is_cropped(shown))}</div></div>'


def sent_back(payload: dict[str, Any] | None) -> bytes:
    """Return the content of the picture that the page shows.

    Raises:
        PictureError: it shows none.
    """
    head, _, content = str((payload or {}).get("url") or "").partition(";base64,")
    try:
        if not head.startswith("data:image/"):
            raise PictureError(GONE)
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise PictureError(GONE) from error
