"""One picture: the probability of every class, another run's next to it, and a map of the evidence."""

import html
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from emotion.analysis.saliency import Explain
from emotion.core.errors import EmotionError, PictureError
from emotion.core.labels import in_order
from emotion.core.prediction import Prediction
from emotion.data.decoding import open_picture
from emotion.server.services import Services
from emotion.ui.charts import PROBABILITY_HEIGHT, WAITING, chart, probability_chart, waiting
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, warn, watched, widgets
from emotion.ui.html import data_uri, data_uris, put, sentence, slot
from emotion.ui.picture_sets import evaluation_sets, list_picture_sets
from emotion.ui.predict.answer import difference_html, verdict_html, wants_photographs
from emotion.ui.rendering import is_cropped, legend_html, saliency_figure
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import content_of, received

# Gradio's own label of the field, repeated as visible text for users of voice control.
DROP = "Drop an image file here to upload"
NO_PICTURE = "Drop, paste or take a picture, or click one of the examples."
COPY = "Judged from the copy shown here (640 pixels at most): the file is deleted, and its numbers differ a little."
GONE = "The picture is gone: give it again."
SAME = "That is the run in use: choose another one to set beside it."
NO_OTHER = ("no other run", "")
SHOWN_SIDE = 640
# Predictions at a time, of Gradio's 40 threads; they wait for their turn inside the handlers.
AT_ONCE = 20
# Without the widget's own conversion: it opens the file before any handler runs, so that a text file called .jpg ends
# in an unclear error; and it puts the picture into a cache that is public by its URL.
RAW: dict[str, Any] = {"preprocess": False, "postprocess": False}
# The page sends an example's number, never a path.
CLICK = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-number]');
    if (button) trigger('click', {number: Number(button.dataset.number)});
});
"""


@dataclass
class Shown:
    """The state of one page: its number of requests, the run and scores shown, and the example (None for an upload).

    The picture itself is not stored.
    """

    asked: int = 0
    run: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    example: int | None = None


class OnePicture:
    """The widgets for one picture and their handlers; ``run`` is the picker of the run in use.

    ``other`` picks a second run. A slow answer never replaces a later one: each page counts its requests.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        self.examples = _examples()
        # One object for all events of a page, changed in place.
        self.shown = gr.State(Shown())
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.picture = gr.Image(
                    sources=["upload", "webcam", "clipboard"], type="filepath", image_mode=None, height=250,
                    label="Picture", elem_id="picture", buttons=[], placeholder=DROP,
                )  # fmt: skip
                self.gallery = slot("examples", _examples_html(self.examples), script=CLICK)
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(min_width=300):
                        self.verdict = slot("verdict", sentence(NO_PICTURE))
                        self.photographs = gr.Button(
                            "Train it on photographs", variant="primary", visible=False, elem_id="to-photographs"
                        )
                        self.bars = _empty_bars("Probability of each emotion", "bars")
                    with gr.Column(visible=False, min_width=300) as self.beside:
                        self.verdict_beside = slot("verdict-beside")
                        self.bars_beside = _empty_bars("Probability by the other run", "bars-beside")
                self.other = gr.Dropdown(
                    [NO_OTHER], value="", label="Compare with another run", elem_id="predict-beside", interactive=True
                )
                self.difference = slot("difference")
        with gr.Column(visible=False, elem_id="looking") as self.looking:
            put('<h3 class="section-title">What is it looking at?</h3>')
            with gr.Row(elem_classes="actions"):
                self.label = gr.Radio([], label="Evidence for", elem_id="looking-class", scale=3, min_width=300)
                self.go = gr.Button("Show the map", elem_id="looking-show", scale=1, min_width=150)
            self.map = slot("looking-map")
        self._connect(run)

    def _connect(self, run: gr.Dropdown) -> None:
        view, runs = widgets(self), [self.shown, run, self.other]
        last: dict[str, Any] = {"trigger_mode": "always_last", **RAW}
        looking = on(
            [self.go.click, self.label.input], self.look, [self.shown, self.label, self.picture], self.map,
            concurrency_id="looking", **last,
        )  # fmt: skip
        # Another picture or run ends the map of the last one.
        options: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": AT_ONCE, "cancels": looking}
        on(self.picture.input, self.judge_upload, [*runs, self.picture], view, **options, **last)
        on(self.gallery.click, self.judge_example, runs, view, trigger_mode=EVERY_PRESS, **options, **RAW)
        on([run.change, self.other.input], self.judge_again, [*runs, self.picture], view, **options, **last)

    def judge_upload(self, page: Shown, run: str | None, other: str | None, payload: dict[str, Any] | None) -> Values:
        """Judge an uploaded picture and delete it."""
        upload = received(payload)
        if upload is None:
            # The widget may already show a picture that was added meanwhile.
            page.asked += 1
            page.run = ""
            return self._nothing(sentence(NO_PICTURE))
        try:
            return self._judge(page, run, other, upload.path, upload.name)
        finally:
            upload.delete()

    def judge_example(self, page: Shown, run: str | None, other: str | None, event: gr.EventData) -> Values:
        """Judge the clicked example, by its number: the page never sends a path."""
        number = event._data.get("number")
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise PictureError("That example is gone: reload the page.")
        return self._judge(page, run, other, self.examples[number], example=number)

    def judge_again(self, page: Shown, run: str | None, other: str | None, payload: dict[str, Any] | None) -> Values:
        """Judge the picture on the page again with the runs now chosen."""
        if not page.run:
            return {}
        if page.example is not None:
            return self._judge(page, run, other, self.examples[page.example], example=page.example)
        # The file is deleted; the page sends back its displayed copy.
        copy = io.BytesIO(content_of(payload, missing=GONE))
        answer = self._judge(page, run, other, copy, "The picture")
        if answer and page.run:
            answer[self.verdict] += sentence(COPY)
            answer.pop(self.picture)
        return answer

    def look(self, page: Shown, label: str | None, payload: dict[str, Any] | None) -> Steps:
        """Show a class's saliency map over the picture."""
        if label is None or label not in page.scores:
            raise PictureError(GONE)
        content, confidence = content_of(payload, missing=GONE), page.scores[label]
        found = yield from watched(self.services.study(Explain(self.board.find(page.run), content, label)), self.map)
        # The probability shown in the bars; the copy's own differs slightly, since its pixels do.
        seen = replace(found, confidence=confidence)
        figure = saliency_figure(seen, data_uri(open_picture(io.BytesIO(content)), side=SHOWN_SIDE))
        yield {self.map: f'<div class="looking">{figure}<div>{legend_html(is_cropped=is_cropped(seen))}</div></div>'}

    def _judge(
        self,
        page: Shown,
        name: str | None,
        other: str | None,
        picture: Path | io.BytesIO,
        called: str = "",
        *,
        example: int | None = None,
    ) -> Values:
        """Return the values for a picture; nothing if the page has made another request meanwhile."""
        page.asked += 1
        asked = page.asked
        try:
            run = self.board.choose(name)
            second = self.board.find(other) if other and other != run.name else None
            first = self.services.predict(run, picture, name=called)
            beside = self.services.predict(second, picture, name=called) if second else None
            small = data_uri(open_picture(picture, side=SHOWN_SIDE), side=SHOWN_SIDE)
        except EmotionError as error:
            if page.asked != asked:
                return {}
            page.run = ""
            warn(str(error), title="That picture cannot be judged")
            return {self.picture: None, **self._nothing(sentence(str(error), kind="problem"))}
        if page.asked != asked:
            return {}
        page.run, page.scores, page.example = run.name, first.scores, example
        is_drawn = example is not None
        answer: Values = {
            self.picture: ImageData(url=small, orig_name="picture.webp"),
            self.verdict: verdict_html(first, run, is_drawn=is_drawn),
            self.photographs: gr.Button(visible=wants_photographs(first, run)),
            self.bars: _bars(first, beside=beside),
            self.beside: gr.Column(visible=beside is not None),
            self.difference: sentence(SAME) if other and not second else "",
            self.looking: gr.Column(visible=True),
            self.label: gr.Radio(in_order(list(first.scores)), value=first.label),
            self.map: "",
        }
        if beside and second:
            answer |= {
                self.verdict_beside: verdict_html(beside, second, is_drawn=is_drawn),
                self.bars_beside: _bars(beside, beside=first),
                self.difference: difference_html(first, beside),
            }
        return answer

    def _nothing(self, said: str) -> Values:
        return {
            self.verdict: said,
            self.photographs: gr.Button(visible=False),
            self.bars: waiting(WAITING, height=PROBABILITY_HEIGHT),
            self.beside: gr.Column(visible=False),
            self.difference: "",
            self.looking: gr.Column(visible=False),
            self.map: "",
        }


def _empty_bars(label: str, name: str) -> gr.HTML:
    return chart(PROBABILITY_HEIGHT, label=label, name=name, says=WAITING)


def _bars(said: Prediction, *, beside: Prediction | None) -> str:
    also = beside.scores if beside else ()
    return probability_chart(said.scores, beside=also, is_muted=bool(said.is_unknown))


def _examples() -> list[Path]:
    """Return one drawn picture of each emotion for each drawn species."""
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
