"""One picture in, the probability of every class out; beside it another run's, below it where the evidence lies."""

from __future__ import annotations

import base64
import binascii
import html
import io
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis.saliency import Explain
from emotion.core.errors import EmotionError, PictureError
from emotion.core.labels import in_order
from emotion.core.prediction import Prediction
from emotion.data.decoding import open_picture
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.charts.look import waiting
from emotion.ui.charts.results import PROBABILITY_HEIGHT, WAITING, probability_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded, guarded_stream, warn
from emotion.ui.handlers import AT_ONCE, EVERY_PRESS, QUIET
from emotion.ui.picture_input import RAW, SHOWN_SIDE, picture_input, preview, received
from emotion.ui.picture_sets import evaluation_sets, list_picture_sets
from emotion.ui.predict.answer import difference_html, verdict_html, wants_photographs
from emotion.ui.run_board import RunBoard
from emotion.ui.saliency_view import is_cropped, legend_html, saliency_figure
from emotion.ui.status import sentence, status_box
from emotion.ui.studying import carried_out
from emotion.ui.thumbnails import data_uri, data_uris

# What Gradio's own label of the field says: whoever speaks to the page says what stands there.
DROP = "Drop an image file here to upload"
NO_PICTURE = "Drop, paste or take a picture, or click one of the examples."
COPY = "Judged from the copy shown here (640 pixels at most): the file is deleted, and its numbers differ a little."
GONE = "The picture is gone: give it again."
SAME = "That is the run in use: choose another one to set beside it."
# The page sends an example's number, never a path.
CLICK = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-number]');
    if (button) trigger('click', {number: Number(button.dataset.number)});
});
"""
Answer = dict[Any, Any]


@dataclass
class Shown:
    """What one page shows: how often it has asked, and which run said what of which example (a visitor's has none).

    Nothing of the picture itself is kept.
    """

    asked: int = 0
    run: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    example: int | None = None


class OnePicture:
    """Widgets for one picture and what they do; ``run`` is where the run in use is chosen, ``other`` one beside it.

    A later question stands before an earlier one, however long that takes: each page counts what it asks.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        self.run = run
        self.examples = _examples()
        # One object for all events of a page, changed in place.
        self.shown = gr.State(Shown())
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.picture = picture_input(
                    height=250, label="Picture", elem_id="picture", buttons=[], placeholder=DROP
                )
                self.gallery = gr.HTML(
                    _examples_html(self.examples), js_on_load=CLICK, elem_id="examples", apply_default_css=False
                )
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(min_width=300):
                        self.verdict = gr.HTML(sentence(NO_PICTURE), elem_id="verdict", apply_default_css=False)
                        self.photographs = gr.Button(
                            "Train it on photographs", variant="primary", visible=False, elem_id="to-photographs"
                        )
                        self.bars = chart(
                            PROBABILITY_HEIGHT, label="Probability of each emotion", name="bars", says=WAITING
                        )
                    with gr.Column(visible=False, min_width=300) as self.beside:
                        self.verdict_beside = gr.HTML("", elem_id="verdict-beside", apply_default_css=False)
                        self.bars_beside = chart(
                            PROBABILITY_HEIGHT, label="Probability by the other run", name="bars-beside", says=WAITING
                        )
                self.other = gr.Dropdown(
                    [("no other run", "")], value="", label="Compare with another run", elem_id="predict-beside",
                    interactive=True,
                )  # fmt: skip
                self.difference = gr.HTML("", elem_id="difference", apply_default_css=False)
        with gr.Column(visible=False, elem_id="looking") as self.looking:
            gr.HTML('<h3 class="section-title">What is it looking at?</h3>', apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                self.label = gr.Radio([], label="Evidence for", elem_id="looking-class", scale=3, min_width=300)
                self.go = gr.Button("Show the map", elem_id="looking-show", scale=1, min_width=150)
            self.map = gr.HTML("", elem_id="looking-map", apply_default_css=False)
        self._connect()

    def _connect(self) -> None:
        answer = [
            self.picture, self.verdict, self.photographs, self.bars, self.beside, self.verdict_beside, self.bars_beside,
            self.difference, self.looking, self.label, self.map,
        ]  # fmt: skip
        runs = [self.shown, self.run, self.other]
        options: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": AT_ONCE, **RAW, **QUIET}
        self.picture.input(
            guarded(self.judge_upload), [*runs, self.picture], answer, trigger_mode="always_last", **options
        )
        self.gallery.click(guarded(self.judge_example), runs, answer, trigger_mode=EVERY_PRESS, **options)
        gr.on(
            [self.run.change, self.other.input],
            guarded(self.judge_again), [*runs, self.picture], answer, trigger_mode="always_last", **options,
        )  # fmt: skip
        gr.on(
            [self.go.click, self.label.input],
            guarded_stream(self.look), [self.shown, self.label, self.picture], self.map,
            concurrency_id="looking", trigger_mode="always_last", **RAW, **QUIET,
        )  # fmt: skip

    def judge_upload(self, page: Shown, run: str | None, other: str | None, payload: dict[str, Any] | None) -> Any:
        """Judge a visitor's picture and delete it."""
        upload = received(payload)
        if upload is None:
            # What the widget shows by now may be a picture that was given meanwhile.
            page.asked += 1
            page.run = ""
            return self._nothing(sentence(NO_PICTURE))
        try:
            return self._judge(page, run, other, upload.path, upload.name)
        finally:
            upload.delete()

    def judge_example(self, page: Shown, run: str | None, other: str | None, event: gr.EventData) -> Any:
        """Judge the example that was clicked; the page sends its number, never a path."""
        return self._judge_example(page, run, other, event._data.get("number"))

    def judge_again(self, page: Shown, run: str | None, other: str | None, payload: dict[str, Any] | None) -> Any:
        """Judge the picture on the page by the runs that are chosen now."""
        if not page.run:
            return gr.skip()
        if page.example is not None:
            return self._judge_example(page, run, other, page.example)
        # The file is deleted; the page sends back the copy that it shows.
        with tempfile.TemporaryDirectory(prefix="emotion-copy-") as folder:
            copy = Path(folder) / "picture.webp"
            copy.write_bytes(_sent_back(payload))
            answer = self._judge(page, run, other, copy, "The picture")
        if isinstance(answer, dict) and page.run:
            answer[self.verdict] += sentence(COPY)
            answer.pop(self.picture)
        return answer

    def look(self, page: Shown, label: str | None, payload: dict[str, Any] | None) -> Generator[Answer, None, None]:
        """Show the map of a class over the picture on the page, unless something else was asked for meanwhile."""
        if label is None or label not in page.scores:
            raise PictureError(GONE)
        content, asked, confidence = _sent_back(payload), page.asked, page.scores[label]
        yield {self.map: status_box("running", "running", "Looking at the picture.", None)}
        study = Explain(self.board.find(page.run), content, label)
        found = yield from carried_out(self.services, study, place=lambda line: {self.map: line})
        if page.asked != asked:
            return
        # The very number of the bars; the copy's own differs from it by as much as its pixels do.
        seen = replace(found, confidence=confidence)
        figure = saliency_figure(seen, data_uri(open_picture(io.BytesIO(content)), side=SHOWN_SIDE))
        yield {self.map: f'<div class="looking">{figure}<div>{legend_html(is_cropped=is_cropped(seen))}</div></div>'}

    def _judge_example(self, page: Shown, run: str | None, other: str | None, number: Any) -> Any:
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise PictureError("That example is gone: reload the page.")
        path = self.examples[number]
        return self._judge(page, run, other, path, path.name, example=number)

    def _judge(
        self,
        page: Shown,
        name: str | None,
        other: str | None,
        picture: Path,
        called: str,
        *,
        example: int | None = None,
    ) -> Any:
        """Return what the page shows of a picture; nothing where it has asked for something else meanwhile."""
        page.asked += 1
        asked = page.asked
        try:
            run = self.board.choose(name)
            second = self.board.find(other) if other and other != run.name else None
            first = self.services.predict(run, picture, name=called)
            beside = self.services.predict(second, picture, name=called) if second else None
            small = preview(picture)
        except EmotionError as error:
            if page.asked != asked:
                return gr.skip()
            page.run = ""
            warn(str(error), title="That picture cannot be judged")
            return {self.picture: None, **self._nothing(sentence(str(error), kind="problem"))}
        if page.asked != asked:
            return gr.skip()
        page.run, page.scores, page.example = run.name, first.scores, example
        answer = self._answer(first, run, is_drawn=example is not None)
        answer |= {self.picture: small, self.difference: sentence(SAME) if other and not second else ""}
        if beside and second:
            answer |= self._beside(first, beside, second, is_drawn=example is not None)
        return answer

    def _answer(self, said: Prediction, run: Run, *, is_drawn: bool) -> Answer:
        return {
            self.verdict: verdict_html(said, run, is_drawn=is_drawn),
            self.photographs: gr.Button(visible=wants_photographs(said, run)),
            self.bars: _bars(said),
            self.beside: gr.Column(visible=False),
            self.looking: gr.Column(visible=True),
            self.label: gr.Radio(in_order(list(said.scores)), value=said.label),
            self.map: "",
        }

    def _beside(self, first: Prediction, second: Prediction, run: Run, *, is_drawn: bool) -> Answer:
        return {
            self.bars: _bars(first, beside=second),
            self.beside: gr.Column(visible=True),
            self.verdict_beside: verdict_html(second, run, is_drawn=is_drawn),
            self.bars_beside: _bars(second, beside=first),
            self.difference: difference_html(first, second),
        }

    def _nothing(self, said: str) -> Answer:
        return {
            self.verdict: said,
            self.photographs: gr.Button(visible=False),
            self.bars: waiting(WAITING, height=PROBABILITY_HEIGHT),
            self.beside: gr.Column(visible=False),
            self.difference: "",
            self.looking: gr.Column(visible=False),
            self.map: "",
        }


def _bars(said: Prediction, *, beside: Prediction | None = None) -> str:
    also = beside.scores if beside else ()
    return shown(probability_chart(said.scores, beside=also, is_muted=bool(said.is_unknown)))


def _sent_back(payload: dict[str, Any] | None) -> bytes:
    """Return the content of the picture that the page shows. Raises PictureError where it shows none."""
    head, _, content = str((payload or {}).get("url") or "").partition(";base64,")
    try:
        if not head.startswith("data:image/"):
            raise PictureError(GONE)
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise PictureError(GONE) from error


def _examples() -> list[Path]:
    """Return a drawn picture of each emotion for each drawn species."""
    drawn = [each for each in evaluation_sets(list_picture_sets()) if each.is_drawn]
    return [paths[0] for each in drawn for paths in each.pictures().values()]


def _examples_html(examples: list[Path]) -> str:
    """Return the examples as buttons, numbered."""
    if not examples:
        return ""
    told = [(html.escape(path.parent.parent.name.split("_")[0]), html.escape(path.parent.name)) for path in examples]
    buttons = "".join(
        f'<button type="button" data-number="{number}" title="{emotion} ({species})"><img src="{uri}" '
        f'alt="Drawn example {number + 1}: {species}, {emotion}"></button>'
        for number, ((species, emotion), uri) in enumerate(zip(told, data_uris(examples, side=112), strict=True))
    )
    return f'<div class="examples"><p>Drawn examples</p><div class="examples-grid">{buttons}</div></div>'
