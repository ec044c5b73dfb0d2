"""A live camera: each picture is judged, shown as moving bars, and discarded."""

import io
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import capital, percent
from emotion.core.labels import colour_of
from emotion.core.prediction import NOT_KNOWN, Prediction
from emotion.runs.run import Run
from emotion.server.limits import public_limits
from emotion.server.live import LiveCameras, Over, Smoothed
from emotion.server.services import Services
from emotion.ui.events import Values, on, session
from emotion.ui.html import camera, put, sentence, slot
from emotion.ui.predict.answer import SEEN_DRAWINGS, box, class_bars
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.uploads import content_of
from emotion.ui.words import public_words

# How often the page checks for its last answer; once it has come, the next picture is sent.
EVERY_SECONDS = 0.03
# In pixels, about a model's input size; a larger picture takes longer to send and to decode.
SIDE = 320
OFF = "The camera is off. Its pictures are judged one after the other and kept nowhere."
NO_PICTURE = "No picture comes from the camera: stop it and start again."
NOTE = "It pauses while another tab is open."
# Pauses the camera where nobody sees it, and ends it when the server says so.
PAUSE = """
const camera = () => document.querySelector('#live-camera');
const button = (title) => camera()?.querySelector(`[title="${title} recording"]`)?.closest('button');
let paused = false, pictures = 0;
const pause = () => {
    const unseen = document.hidden || !camera()?.offsetParent;
    if (unseen && button('stop')) {
        button('stop').click();
        paused = true;
    } else if (!unseen && paused) {
        paused = false;
        button('start')?.click();
    }
};
document.addEventListener('visibilitychange', pause);
// An element on a hidden tab has no size.
new ResizeObserver(pause).observe(element);
watch('value', () => {
    element.dataset.pictures = pictures += 1;
    if (element.querySelector('[data-over]')) button('stop')?.click();
    pause();
});
"""


class LiveCamera:
    """The camera's widgets and their handlers; ``run`` is the picker of the run in use."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        limits = public_limits()
        self.cameras = LiveCameras(limits.cameras, limits.camera_seconds) if limits else LiveCameras()
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.camera = camera("live-camera", side=SIDE, height=300)
                put(sentence(NOTE))
            with gr.Column(scale=3, min_width=320):
                self.answer = slot("live-answer", box(OFF), script=PAUSE)
        on(
            self.camera.stream, self.watch, [run, self.camera], self.answer, by_page=True, preprocess=False,
            stream_every=EVERY_SECONDS, concurrency_limit=None,
        )  # fmt: skip

    def watch(self, name: str | None, payload: dict[str, Any] | None) -> Values:
        """Return the current prediction, or the reason why there is none."""
        visitor = self.board.visitor() or ""
        try:
            self.cameras.admit(visitor, session())
            run = self.board.choose(name)
            content = content_of(payload, missing=NO_PICTURE)
            said = self.services.predict(run, io.BytesIO(content), name="The camera’s picture")
        except EmotionError as error:
            return {self.answer: box(public_words(str(error)), is_over=isinstance(error, Over))}
        return {self.answer: answer_html(self.cameras.add(visitor, run.name, said), said, run)}


def answer_html(mean: Smoothed, last: Prediction, run: Run) -> str:
    """Return the smoothed label with its doubt and bars; ``last`` is the newest prediction."""
    if mean.unknown > 0.5:
        head, doubt = f"Leans to {mean.label}", "Unfamiliar kind of picture."
        if trained_on_drawn(run):
            doubt += f" {capital(SEEN_DRAWINGS.removeprefix('but '))}"
    else:
        head, doubt = f"Looks {mean.label}", NOT_KNOWN if last.novelty is None else "Familiar kind of picture."
    return box(head, doubt, colour=colour_of(mean.label)) + class_bars(mean.scores, written=percent)
