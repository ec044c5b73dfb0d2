"""One picture in, the probability of every class out."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.errors import EmotionError, PictureError
from emotion.labels import colour_of
from emotion.prediction import Prediction
from emotion.runs import Run
from emotion.ui.charts.results import probability_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.looking import Looking
from emotion.ui.picture_input import RAW, picture_input, preview, received
from emotion.ui.predict.examples import CLICK, examples_html, list_examples
from emotion.ui.run_board import RunBoard
from emotion.ui.services import Services
from emotion.ui.status import drawn_note, sentence
from emotion.ui.words import verdict
from emotion.words import duration

# What Gradio's own label of the field says: whoever speaks to the page says what stands there.
DROP = "Drop an image file here to upload"
NO_PICTURE = "Drop, paste or take a picture, or click one of the examples."


class OnePicture:
    """Widgets for one picture and what they do; ``run`` is where the run in use is chosen."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services = services
        self.board = board
        self.examples = list_examples()
        self.run = run
        self.gallery = gr.HTML(
            examples_html(self.examples), js_on_load=CLICK, elem_id="examples", apply_default_css=False
        )
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.picture = picture_input(
                    height=300, label="Picture", elem_id="picture", buttons=[], placeholder=DROP
                )
            with gr.Column(scale=3, min_width=320):
                self.verdict = gr.HTML(sentence(NO_PICTURE), elem_id="verdict", apply_default_css=False)
                self.bars = chart(probability_chart(None), label="Probability of each emotion", name="bars")
        self.looking = Looking(services, board, self.picture)
        self._connect()

    def _connect(self) -> None:
        result = [self.picture, self.verdict, self.bars, *self.looking.view]
        self.picture.input(
            guarded(self.judge_upload),
            [self.run, self.picture],
            result,
            concurrency_id="predict",
            trigger_mode="always_last",
            **RAW,
            **QUIET,
        )
        self.gallery.click(guarded(self.judge_example), self.run, result, concurrency_id="predict", **RAW, **QUIET)

    def judge_upload(self, run: str | None, payload: dict[str, Any] | None) -> Any:
        """Judge a visitor's picture and delete it."""
        upload = received(payload)
        if upload is None:
            return [gr.skip(), sentence(NO_PICTURE), shown(probability_chart(None)), *self.looking.nothing()]
        try:
            return self._judge(run, upload.path, upload.name, is_drawn=False)
        finally:
            upload.delete()

    def judge_example(self, run: str | None, event: gr.EventData) -> Any:
        """Judge the example that was clicked; the page sends its number, never a path."""
        number = event._data.get("number")
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise PictureError("That example is gone: reload the page.")
        path = self.examples[number]
        return self._judge(run, path, path.name, is_drawn=True)

    def _judge(self, name: str | None, picture: Path, shown_name: str, *, is_drawn: bool) -> list[Any]:
        try:
            run = self.board.choose(name)
            prediction = self.services.predict(run, picture, name=shown_name)
            small = preview(picture)
        except EmotionError as error:
            gr.Warning(str(error), title="That picture cannot be judged")
            problem = sentence(str(error), kind="problem")
            return [None, problem, shown(probability_chart(None)), *self.looking.nothing()]
        said = verdict_html(prediction, run, is_drawn=is_drawn)
        return [small, said, shown(probability_chart(prediction.scores)), *self.looking.offer(run, prediction)]


def verdict_html(prediction: Prediction, run: Run, *, is_drawn: bool) -> str:
    """Return the verdict, what it rests on, and the line that drawn pictures need."""
    text = html.escape(verdict(prediction.scores, label=prediction.label))
    rest = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    return (
        f'<div class="verdict" role="status" style="--accent:{colour_of(prediction.label)}"><b>{text}</b>'
        f"<span>{html.escape(rest)}</span></div>{drawn_note(shown=is_drawn)}"
    )
