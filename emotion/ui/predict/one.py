"""One picture: the probability of every class, another run's next to it, and a map of the evidence."""

import html
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from emotion.analysis.saliency import Explain
from emotion.core.errors import EmotionError, PictureError
from emotion.core.labels import in_order
from emotion.data.decoding import data_uri, open_picture
from emotion.server.services import Services
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, warn, watched
from emotion.ui.html import data_uris, put, sentence, slot
from emotion.ui.picture_sets import evaluation_sets, list_picture_sets
from emotion.ui.predict.answer import answer_html, no_answer_html
from emotion.ui.rendering import is_cropped, legend_html, saliency_figure
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.uploads import content_of, received

# Gradio's own label of the field, repeated as visible text for users of voice control.
DROP = "Drop an image file here to upload"
NO_PICTURE = "Drop, paste or take a picture, or click one of the examples."
COPY = "Judged from the copy shown here (640 pixels at most): the file is deleted, and its numbers differ a little."
GONE = "The picture is gone: give it again."
NO_OTHER = ("no other run", "")
SHOWN_SIDE, EXAMPLE_SIDE = 640, 112
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
    """The state of a page, one object for all of its events: what it asked for last, and the answer.

    ``wanted`` is the picture (its URL, empty for none), the run in use, and the other run.
    """

    wanted: tuple[str, str | None, str | None] = ("", None, None)
    run: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


class OnePicture:
    """The widgets for one picture and their handlers; ``run`` is the picker of the run in use, ``other`` of a second.

    Whenever the picture in its field or one of the runs changes, what is there then is judged. A slow answer never
    replaces a later one.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        files = _example_files()
        self.examples = dict(zip(data_uris(files, side=SHOWN_SIDE), files, strict=True))
        self.shown = gr.State(Shown())
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.picture = gr.Image(
                    sources=["upload", "webcam", "clipboard"], type="filepath", image_mode=None, height=250,
                    label="Picture", buttons=[], placeholder=DROP,
                )  # fmt: skip
                self.gallery = slot("examples", _examples_html(files), script=CLICK)
            with gr.Column(scale=3, min_width=320):
                self.answer = slot("verdict", no_answer_html(sentence(NO_PICTURE)))
                self.photographs = gr.Button("Train it on photographs", variant="primary", visible=False)
                self.other = gr.Dropdown([NO_OTHER], value="", label="Compare with another run", interactive=True)
        with gr.Column(visible=False) as self.looking:
            put('<h3 class="section-title">What is it looking at?</h3>')
            with gr.Row(elem_classes="actions"):
                self.label = gr.Radio([], label="Evidence for", scale=3, min_width=300)
                self.go = gr.Button("Show the map", scale=1, min_width=150)
            self.map = slot("looking-map")
        self._connect(run)

    def _connect(self, run: gr.Dropdown) -> None:
        on(self.gallery.click, self.show_example, None, self.picture, trigger_mode=EVERY_PRESS, **RAW)
        looking = on(
            [self.go.click, self.label.input], self.look, [self.shown, self.label, self.picture], self.map,
            concurrency_id="looking", trigger_mode="always_last", **RAW,
        )  # fmt: skip
        # Another picture or run ends the map of the last one.
        on(
            [self.picture.change, run.change, self.other.input], self.judge,
            [self.shown, run, self.other, self.picture],
            [self.picture, self.answer, self.photographs, self.looking, self.label, self.map],
            trigger_mode=EVERY_PRESS, cancels=looking, concurrency_id="predict", concurrency_limit=AT_ONCE, **RAW,
        )  # fmt: skip

    def show_example(self, event: gr.EventData) -> Values:
        """Put the clicked example into the picture's field, by its number: the page never sends a path."""
        number = event._data.get("number")
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise PictureError("That example is gone: reload the page.")
        return {self.picture: ImageData(url=list(self.examples)[number], orig_name="picture.webp")}

    def judge(self, page: Shown, name: str | None, other: str | None, payload: dict[str, Any] | None) -> Values:
        """Judge the picture in its field with the runs now chosen, unless that is what was wanted last.

        An upload is deleted, and its field gets a copy.
        """
        uri = str((payload or {}).get("url") or "")
        wanted = (uri, name, other)
        if wanted == page.wanted or not (uri or page.wanted[0]):
            return {}
        page.wanted = wanted
        if not uri:
            return self._nothing(sentence(NO_PICTURE))
        upload = None
        try:
            upload = received(payload)
            file = upload.path if upload else self.examples.get(uri)
            picture = file or io.BytesIO(content_of(payload, missing=GONE))
            called = upload.name if upload else "The picture"
            runs = [self.board.choose(name), *([self.board.find(other)] if other else [])]
            with ThreadPoolExecutor(max_workers=1) as beside:
                copied = beside.submit(data_uri, upload.path, side=SHOWN_SIDE) if upload else None
                answers = [(self.services.predict(run, picture, name=called), run) for run in runs]
            copy = copied.result() if copied else uri
            if page.wanted is not wanted:
                return {}
            page.wanted = (copy, name, other)
        except EmotionError as error:
            if page.wanted is not wanted:
                return {}
            page.wanted = ("", name, other)
            warn(str(error), title="That picture cannot be judged")
            return {**self._nothing(sentence(str(error), kind="problem")), self.picture: None}
        finally:
            # A later request for the same upload, with another run, deletes it.
            if upload and (page.wanted is wanted or page.wanted[0] != uri):
                upload.delete()
        first, run = answers[0]
        page.run, page.scores = run.name, first.scores
        shown: Values = {self.picture: ImageData(url=copy, orig_name="picture.webp")} if upload else {}
        return shown | {
            self.answer: answer_html(answers, is_drawn=uri in self.examples) + ("" if file else sentence(COPY)),
            self.photographs: gr.Button(visible=bool(first.is_unknown) and trained_on_drawn(run)),
            self.looking: gr.Column(visible=True),
            self.label: gr.Radio(in_order(list(first.scores)), value=first.label),
            self.map: "",
        }

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

    def _nothing(self, said: str) -> Values:
        return {
            self.answer: no_answer_html(said),
            self.photographs: gr.Button(visible=False),
            self.looking: gr.Column(visible=False),
            self.map: "",
        }


def _example_files() -> list[Path]:
    """Return one drawn picture of each emotion for each drawn species."""
    drawn = [each for each in evaluation_sets(list_picture_sets()) if each.is_drawn]
    return [paths[0] for each in drawn for paths in each.pictures().values()]


def _examples_html(examples: list[Path]) -> str:
    """Return the examples as buttons, numbered."""
    if not examples:
        return ""
    buttons = []
    for number, (path, uri) in enumerate(zip(examples, data_uris(examples, side=EXAMPLE_SIDE), strict=True)):
        species, emotion = html.escape(path.parent.parent.name.split("_")[0]), html.escape(path.parent.name)
        buttons.append(
            f'<button type="button" data-number="{number}" title="{emotion} ({species})"><img src="{uri}" '
            f'alt="Drawn example {number + 1}: {species}, {emotion}"></button>'
        )
    return f'<div class="examples"><p>Drawn examples</p><div class="examples-grid">{"".join(buttons)}</div></div>'
