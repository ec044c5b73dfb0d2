"""A live camera: pictures come as fast as they are judged, and the bars move. No picture is kept."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import capital
from emotion.core.labels import colour_of, in_order
from emotion.core.prediction import NOT_KNOWN
from emotion.runs.validation import MOST_CLASSES
from emotion.server.limits import public_limits
from emotion.server.live import LiveCameras, Over, Smoothed
from emotion.server.services import Services
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.predict.answer import SEEN_DRAWINGS
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.words import public_words

# A page sends the next picture once it has the answer to the last one, and looks for that as often as this.
EVERY_SECONDS = 0.03
# As large as a model looks at it, about; a larger one takes longer to send and to decode.
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
    """Widgets of the camera and what they do; ``run`` is where the run in use is chosen."""

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
                gr.HTML(f'<p class="note">{NOTE}</p>', apply_default_css=False)
            with gr.Column(scale=3, min_width=320):
                self.answer = gr.HTML(
                    "", html_template=_ANSWER, js_on_load=_SCRIPT.read_text(encoding="utf-8"), elem_id="live-answer",
                    apply_default_css=False,
                )  # fmt: skip
        self.camera.stream(
            guarded(self.watch), [run, self.camera], self.answer, stream_every=EVERY_SECONDS, concurrency_limit=None,
            preprocess=False, **QUIET,
        )  # fmt: skip

    def watch(self, name: str | None, payload: dict[str, Any] | None) -> str:
        """Return what is said of the camera by now, as the page draws it, or why nothing is."""
        request = LocalContext.request.get(None)
        visitor, session = self.board.visitor() or "", str(request.session_hash if request else "")
        try:
            self.cameras.admit(visitor, session)
            run = self.board.choose(name)
            said = self.services.predict_frame(run, _frame(payload))
        except EmotionError as error:
            return json.dumps({"says": public_words(str(error)), "is_over": isinstance(error, Over)})
        drawings = trained_on_drawn(run) if said.is_unknown else False
        mean = self.cameras.add(visitor, run.name, said)
        return json.dumps(drawn(mean, is_known=said.novelty is not None, is_of_drawings=drawings), ensure_ascii=False)


def drawn(mean: Smoothed, *, is_known: bool, is_of_drawings: bool) -> dict[str, Any]:
    """Return what the page draws: the label, the doubt beside it, and a bar for each class in their fixed order."""
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


def _frame(payload: dict[str, Any] | None) -> bytes:
    """Return a picture of the camera as it is encoded. Raises PictureError where there is none."""
    try:
        return base64.b64decode(str((payload or {}).get("url") or "").partition(";base64,")[2], validate=True)
    except binascii.Error as error:
        raise PictureError("No picture comes from the camera: stop it and start again.") from error
