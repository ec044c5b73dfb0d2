"""One picture in, the probability of every class out; of two runs side by side where a second one is chosen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.server.services import Services
from emotion.ui.charts.look import waiting
from emotion.ui.charts.results import PROBABILITY_HEIGHT, WAITING, probability_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded, warn
from emotion.ui.handlers import AT_ONCE, EVERY_PRESS, QUIET
from emotion.ui.looking import Looking, sent_back
from emotion.ui.picture_input import RAW, picture_input, preview, received
from emotion.ui.predict.beside import SAME, Beside
from emotion.ui.predict.examples import CLICK, examples_html, list_examples
from emotion.ui.predict.verdict import verdict_html
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence

# What Gradio's own label of the field says: whoever speaks to the page says what stands there.
DROP = "Drop an image file here to upload"
NO_PICTURE = "Drop, paste or take a picture, or click one of the examples."
COPY = "Both judged the copy shown here (640 pixels at most): the file is deleted, and its numbers differ a little."


class OnePicture:
    """Widgets for one picture and what they do; ``run`` is where the run in use is chosen, ``beside`` another one."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, beside: Beside) -> None:
        self.services = services
        self.board = board
        self.examples = list_examples()
        self.run, self.beside = run, beside
        # The number of the example that is shown; a visitor's own picture has none.
        self.example = gr.State(None)
        self.gallery = gr.HTML(
            examples_html(self.examples), js_on_load=CLICK, elem_id="examples", apply_default_css=False
        )
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.picture = picture_input(
                    height=300, label="Picture", elem_id="picture", buttons=[], placeholder=DROP
                )
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(min_width=300):
                        self.verdict = gr.HTML(sentence(NO_PICTURE), elem_id="verdict", apply_default_css=False)
                        self.bars = chart(
                            PROBABILITY_HEIGHT, label="Probability of each emotion", name="bars", says=WAITING
                        )
                    beside.place()
                beside.place_difference()
        self.looking = Looking(services, board, self.picture)
        self._connect()

    def _connect(self) -> None:
        result = [self.picture, self.verdict, self.bars, *self.looking.view, *self.beside.view, self.example]
        runs = [self.run, self.beside.other]
        options: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": AT_ONCE, **RAW, **QUIET}
        self.picture.input(
            guarded(self.judge_upload), [self.run, self.picture, self.beside.other], result,
            trigger_mode="always_last", **options,
        )  # fmt: skip
        self.gallery.click(guarded(self.judge_example), runs, result, trigger_mode=EVERY_PRESS, **options)
        self.beside.other.input(
            guarded(self.set_beside), [*runs, self.picture, self.example], result, trigger_mode="always_last", **options
        )

    def judge_upload(self, run: str | None, payload: dict[str, Any] | None, other: str | None = None) -> Any:
        """Judge a visitor's picture and delete it."""
        upload = received(payload)
        if upload is None:
            # What the widget shows by now may be a picture that was given meanwhile.
            return self._nothing(gr.skip(), sentence(NO_PICTURE))
        try:
            return self._judge(run, other, upload.path, upload.name)
        finally:
            upload.delete()

    def judge_example(self, run: str | None, other: str | None, event: gr.EventData) -> Any:
        """Judge the example that was clicked; the page sends its number, never a path."""
        return self._judge_example(run, other, event._data.get("number"))

    def set_beside(
        self, run: str | None, other: str | None, payload: dict[str, Any] | None, example: int | None
    ) -> list[Any]:
        """Let another run judge the picture on the page too; without one, put its column away."""
        is_same = bool(other) and other == self.board.choose(run).name
        if not other or is_same or not (payload or {}).get("url"):
            said = SAME if is_same else ""
            return [*[gr.skip()] * 7, *self.beside.nothing(said=said), gr.skip()]
        if example is not None:
            return self._judge_example(run, other, example)
        # The file is deleted; the page sends back the copy that it shows, and both runs judge that.
        with tempfile.TemporaryDirectory(prefix="emotion-copy-") as folder:
            copy = Path(folder) / "picture.webp"
            copy.write_bytes(sent_back(payload))
            values = self._judge(run, other, copy, "The picture")
        return [gr.skip(), values[1] + sentence(COPY), *values[2:]]

    def _judge_example(self, run: str | None, other: str | None, number: Any) -> list[Any]:
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise PictureError("That example is gone: reload the page.")
        path = self.examples[number]
        return self._judge(run, other, path, path.name, example=number)

    def _judge(
        self, name: str | None, other: str | None, picture: Path, shown_name: str, *, example: int | None = None
    ) -> list[Any]:
        try:
            run = self.board.choose(name)
            prediction = self.services.predict(run, picture, name=shown_name)
            small = preview(picture)
            second = self.beside.find(other, in_use=run)
            beside = self.services.predict(second, picture, name=shown_name) if second else None
        except EmotionError as error:
            warn(str(error), title="That picture cannot be judged")
            return self._nothing(None, sentence(str(error), kind="problem"))
        is_drawn = example is not None
        said = verdict_html(prediction, run, is_drawn=is_drawn)
        bars = probability_chart(
            prediction.scores, beside=beside.scores if beside else (), is_muted=bool(prediction.is_unknown)
        )
        pair = self.beside.nothing()
        if beside and second:
            pair = self.beside.show(prediction, beside, second, is_drawn=is_drawn)
        return [small, said, shown(bars), *self.looking.offer(run, prediction), *pair, example]

    def _nothing(self, picture: Any, said: str) -> list[Any]:
        bars = waiting(WAITING, height=PROBABILITY_HEIGHT)
        return [picture, said, bars, *self.looking.nothing(), *self.beside.nothing(), None]
