"""A live camera: each picture is judged, shown as moving bars, and discarded."""

import base64
import binascii
import io
import json
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import capital
from emotion.core.labels import colour_of, in_order
from emotion.core.prediction import NOT_KNOWN
from emotion.runs.validation import MOST_CLASSES
from emotion.server.limits import public_limits
from emotion.server.live import LiveCameras, Over, Smoothed
from emotion.server.services import Services
from emotion.ui.events import Values, on, session
from emotion.ui.html import put
from emotion.ui.predict.answer import SEEN_DRAWINGS
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.words import public_words

# How often the page checks for its last answer; once it has come, the next picture is sent.
EVERY_SECONDS = 0.03
# In pixels, about a model's input size; a larger picture takes longer to send and to decode.
SIDE = 320
OFF = "The camera is off. Its pictures are judged one after the other and kept nowhere."
NOTE = "It pauses while another tab is open."
_ANSWER = f"""
<div class="live-answer" data-pictures="0">
  <p class="live-label" role="status">{OFF}</p><p class="note live-doubt"></p><div class="live-bars"></div>
</div>
"""
_SCRIPT = Path(__file__).with_name("live.js")


class LiveCamera:
    """The camera's widgets and their handlers; ``run`` is the picker of the run in use."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        limits = public_limits()
        self.cameras = LiveCameras(limits.cameras, limits.camera_seconds) if limits else LiveCameras()
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.camera = gr.Image(
                    label="Live camera", sources=["webcam"], streaming=True, height=300, elem_id="live-camera",
                    buttons=[], webcam_options=gr.WebcamOptions(constraints={"video": {"width": {"ideal": SIDE}}}),
                )  # fmt: skip
                put(f'<p class="note">{NOTE}</p>')
            with gr.Column(scale=3, min_width=320):
                self.answer = gr.HTML(
                    "", html_template=_ANSWER, js_on_load=_SCRIPT.read_text(encoding="utf-8"), elem_id="live-answer",
                    apply_default_css=False,
                )  # fmt: skip
        on(
            self.camera.stream, self.watch, [run, self.camera], self.answer, by_page=True, preprocess=False,
            stream_every=EVERY_SECONDS, concurrency_limit=None,
        )  # fmt: skip

    def watch(self, name: str | None, payload: dict[str, Any] | None) -> Values:
        """Return the current prediction as the page draws it, or the reason why there is none."""
        return {self.answer: json.dumps(self._said(name, payload), ensure_ascii=False)}

    def _said(self, name: str | None, payload: dict[str, Any] | None) -> dict[str, Any]:
        visitor = self.board.visitor() or ""
        try:
            self.cameras.admit(visitor, session())
            run = self.board.choose(name)
            said = self.services.predict(run, _frame(payload), name="The camera’s picture")
        except EmotionError as error:
            return {"says": public_words(str(error)), "is_over": isinstance(error, Over)}
        drawings = trained_on_drawn(run) if said.is_unknown else False
        mean = self.cameras.add(visitor, run.name, said)
        return drawn(mean, is_known=said.novelty is not None, is_of_drawings=drawings)


def drawn(mean: Smoothed, *, is_known: bool, is_of_drawings: bool) -> dict[str, Any]:
    """Return what the page draws: the label, the doubt, and a bar for each class in fixed order."""
    is_unknown = mean.unknown > 0.5
    often = sorted(mean.scores, key=lambda name: -mean.scores[name])[:MOST_CLASSES]
    doubt = "Unfamiliar kind of picture." if is_unknown else "Familiar kind of picture." if is_known else NOT_KNOWN
    if is_unknown and is_of_drawings:
        doubt += f" {capital(SEEN_DRAWINGS.removeprefix('but '))}"
    return {
        "says": f"{'Leans to' if is_unknown else 'Looks'} {mean.label}",
        "doubt": doubt,
        "accent": colour_of(mean.label),
        "bars": [[name, round(mean.scores[name], 3), colour_of(name)] for name in in_order(often)],
    }


def _frame(payload: dict[str, Any] | None) -> io.BytesIO:
    """Return the camera's picture, encoded. Raises PictureError if there is none."""
    try:
        text = str((payload or {}).get("url") or "").partition(";base64,")[2]
        return io.BytesIO(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise PictureError("No picture comes from the camera: stop it and start again.") from error
