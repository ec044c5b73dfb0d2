"""A live camera: each picture is judged, shown as moving bars, and discarded."""

import html
import io
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import capital, percent
from emotion.core.labels import colour_of, in_order
from emotion.core.prediction import NOT_KNOWN
from emotion.runs.validation import MOST_CLASSES
from emotion.server.limits import public_limits
from emotion.server.live import LiveCameras, Over, Smoothed
from emotion.server.services import Services
from emotion.ui.events import Values, on, session
from emotion.ui.html import bars, camera, put, slot
from emotion.ui.predict.answer import SEEN_DRAWINGS
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
                put(f'<p class="note">{NOTE}</p>')
            with gr.Column(scale=3, min_width=320):
                self.answer = slot("live-answer", said_html(OFF), script=PAUSE)
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
            return {self.answer: said_html(public_words(str(error)), is_over=isinstance(error, Over))}
        drawings = trained_on_drawn(run) if said.is_unknown else False
        mean = self.cameras.add(visitor, said)
        return {self.answer: answer_html(mean, is_known=said.novelty is not None, is_of_drawings=drawings)}


def answer_html(mean: Smoothed, *, is_known: bool, is_of_drawings: bool) -> str:
    """Return the label, the doubt, and a bar for each class in fixed order."""
    is_unknown = mean.unknown > 0.5
    often = sorted(mean.scores, key=lambda name: -mean.scores[name])[:MOST_CLASSES]
    doubt = "Unfamiliar kind of picture." if is_unknown else "Familiar kind of picture." if is_known else NOT_KNOWN
    if is_unknown and is_of_drawings:
        doubt += f" {capital(SEEN_DRAWINGS.removeprefix('but '))}"
    label = f"{'Leans to' if is_unknown else 'Looks'} {mean.label}"
    rows = [(name, mean.scores[name], percent(mean.scores[name])) for name in in_order(often)]
    return said_html(label, doubt, accent=colour_of(mean.label)) + bars(rows)


def said_html(text: str, doubt: str = "", *, accent: str = "transparent", is_over: bool = False) -> str:
    """Return a sentence in the place of the answer; ``is_over`` ends the camera."""
    return (
        f'<div class="verdict" role="status" style="--accent:{accent}"{" data-over" if is_over else ""}>'
        f"<b>{html.escape(text)}</b><span>{html.escape(doubt)}</span></div>"
    )
