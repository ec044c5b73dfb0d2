"""The ways in: photographs of the Hub, a zip, a folder, files into a class, the webcam, any data set of the Hub.

Each becomes one job that is watched while it goes on, and says beside its own fields what came of it.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from emotion.core.errors import EmotionError, PictureError
from emotion.core.labels import ALIASES_SETTING, EMOTIONS, species_in
from emotion.data.importing import Bring, Brought, FromFiles, FromPath, Way
from emotion.data.names import MAX_NAME
from emotion.data.photographs import PER_CLASS, PHOTOGRAPHS, FromPhotographs, PhotographSet
from emotion.data.sets import sets_folder
from emotion.server.limits import is_public
from emotion.server.services import Services
from emotion.ui.guard import guarded_stream
from emotion.ui.handlers import EVERY_PRESS, QUIET
from emotion.ui.picture_input import Upload, received
from emotion.ui.pictures.data_set import DataSetForm
from emotion.ui.pictures.mine import NEW, free_name, import_limits, own_set, refuse_another
from emotion.ui.pictures.summary import brought_sentence
from emotion.ui.status import sentence
from emotion.ui.studying import watched
from emotion.ui.visitor import current_visitor

SPECIES = [("people", "human"), ("dogs", "dog"), ("cats", "cat")]
ZIP_NOTE = "One folder of pictures per class: happy/1.jpg, sad/2.jpg … Folders around them do not matter."
PHOTOGRAPHS_NOTE = "Read from the Hugging Face Hub: a balanced sample, always the same one. The rest is not downloaded."
FRAMES_A_SECOND, SIDE, MOST = 8, 480, 80
_WEBCAM = f"""
<div class="webcam" data-side="{SIDE}" data-most="{MOST}" data-rate="{FRAMES_A_SECOND}">
  <video muted playsinline hidden></video>
  <p class="webcam-idle">The webcam is off. Its pictures go nowhere but into this set.</p>
  <div class="webcam-buttons">
    <button type="button" class="webcam-switch">Switch the webcam on</button>
    <button type="button" class="webcam-hold" disabled>Hold to record</button>
  </div>
  <p class="note" role="status"></p>
</div>
"""
_SCRIPT = Path(__file__).with_name("webcam.js")
Answer = dict[Any, Any]
Steps = Generator[Answer, None, None]


@dataclass
class _Turn:
    """What one page brings in: one thing after the other. ``made`` is the set that the last one came into."""

    users: int = 0
    made: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Incoming:
    """Widgets of the ways in and what they do."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services, self.chosen = services, chosen
        self._guard, self._turns = threading.Lock(), dict[str, _Turn]()
        with gr.Row(elem_classes="controls") as self.naming:
            self.name = gr.Textbox(
                label="Name of the new set", placeholder="Rosa’s dogs", max_length=60, elem_id="set-name", scale=2,
                min_width=160,
            )  # fmt: skip
            self.species = gr.Dropdown(
                SPECIES, value=None, label="Whom it shows", allow_custom_value=True, elem_id="set-species", scale=1,
                min_width=130,
            )  # fmt: skip
        with gr.Tabs(elem_id="ways-in") as self.ways:
            with gr.Tab("Zip" if is_public() else "Zip or folder"):
                self._build_zip()
            with gr.Tab("Photographs", id="photographs"):
                self._build_photographs()
            with gr.Tab("Into a class"):
                self._build_class()
            with gr.Tab("Hub data set"):
                self.data_set = DataSetForm(services)

    def _build_zip(self) -> None:
        self.zip = gr.File(label="A zip of class folders", file_types=[".zip"], height=130, elem_id="set-zip")
        self.said_of_zip = _said("zip")
        gr.HTML(f'<p class="note">{ZIP_NOTE}</p>', apply_default_css=False)
        self.folder = gr.Textbox(
            label="Or a folder on this machine", placeholder="/home/rosa/dogs", elem_id="set-folder",
            visible=not is_public(),
        )  # fmt: skip
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, elem_id="set-aliases", info="anger, Sadness, sleepy …")
        self.go = gr.Button("Bring them in", variant="primary", elem_id="bring")

    def _build_photographs(self) -> None:
        self.per_class = gr.Number(PER_CLASS, label="Pictures a class", precision=0, minimum=5, maximum=2_000)
        self.photographs = []
        for each in PHOTOGRAPHS:
            gr.HTML(_photographs_html(each), apply_default_css=False)
            self.photographs.append((each, gr.Button(f"Bring in photographs of {each.title.lower()}", size="md")))
        self.said_of_photographs = _said("photographs")
        gr.HTML(f'<p class="note">{PHOTOGRAPHS_NOTE}</p>', apply_default_css=False)

    def _build_class(self) -> None:
        self.label = gr.Dropdown(
            list(EMOTIONS), value=EMOTIONS[0], label="Class", allow_custom_value=True, elem_id="set-class",
            info="One of the four emotions, or a class of your own.",
        )  # fmt: skip
        self.files = gr.File(
            label="Pictures of this class", file_count="multiple", file_types=["image", ".heic", ".heif"], height=130,
            elem_id="set-files",
        )  # fmt: skip
        self.said_of_class = _said("class")
        script = _SCRIPT.read_text(encoding="utf-8")
        self.webcam = gr.HTML(_WEBCAM, js_on_load=script, elem_id="webcam", apply_default_css=False)

    def connect(self, view: Sequence[Any], finish: Callable[[Brought], Answer]) -> list[Any]:
        """Register the events and return them; ``view`` is what ``finish`` gives values for."""
        self.finish = finish
        target = [self.chosen, self.name, self.species]
        # A second burst or drop waits for the first one of its page.
        options: dict[str, Any] = {
            "concurrency_limit": 8, "concurrency_id": "bring", "trigger_mode": EVERY_PRESS, **QUIET,
        }  # fmt: skip
        zip_view, class_view = [self.said_of_zip, self.zip, *view], [self.said_of_class, self.files, *view]
        return [
            self.go.click(
                guarded_stream(self.from_zip), [*target, self.aliases, self.zip, self.folder], zip_view,
                preprocess=False, **options,
            ),
            self.files.upload(
                guarded_stream(self.from_files), [*target, self.label, self.files], class_view, preprocess=False,
                **options,
            ),
            self.webcam.submit(guarded_stream(self.from_webcam), [*target, self.label], class_view, **options),
            self.data_set.go.click(
                guarded_stream(self.from_data_set), [*target, *self.data_set.inputs], [self.data_set.brought, *view],
                **options,
            ),
            *(
                button.click(
                    guarded_stream(self.from_photographs(each)), [*target, self.per_class],
                    [self.said_of_photographs, *view], **options,
                )
                for each, button in self.photographs
            ),
        ]  # fmt: skip

    def from_zip(
        self, key: str, name: str, species: str, use_aliases: bool, payload: dict[str, Any] | None, folder: str
    ) -> Steps:
        """Bring in a zip, or a folder of one's own machine."""
        upload = received(payload)
        if upload is not None:
            path, called = upload.path, Path(upload.name).stem
        elif folder.strip() and not is_public():
            path = Path(folder.strip()).expanduser()
            called = path.name
        else:
            raise PictureError("Nothing is given yet: drop a zip, or name a folder that holds one folder per class.")
        job = self._job(FromPath(path), key, name or called, species, use_aliases=use_aliases)
        for answer in self._bring(job, [upload] if upload else [], self.said_of_zip):
            yield answer | {self.zip: None}

    def from_photographs(self, chosen: PhotographSet) -> Callable[..., Steps]:
        """Return the handler that brings a set of photographs in."""

        def bring(key: str, name: str, species: str, per_class: float | None) -> Steps:
            way = FromPhotographs(chosen, max(1, int(per_class or PER_CLASS)))
            called = name or free_name(f"Photographs of {chosen.title.lower()}")
            yield from self._bring(self._job(way, key, called, species or chosen.species), [], self.said_of_photographs)

        return bring

    def from_data_set(self, key: str, name: str, species: str, *choices: Any) -> Steps:
        """Bring in a split of a data set."""
        way = self.data_set.way(*choices)
        called = PurePosixPath(way.description.source).name[:MAX_NAME]
        yield from self._bring(self._job(way, key, name or called, species), [], self.data_set.brought)

    def from_files(self, key: str, name: str, species: str, label: str, payload: Any) -> Steps:
        """Bring files into a class as soon as they are dropped."""
        given = [received(each) for each in payload or []]
        yield from self._into_class(key, name, species, label, [each for each in given if each is not None])

    def from_webcam(self, key: str, name: str, species: str, label: str, event: gr.EventData) -> Steps:
        """Bring a burst of the webcam into a class."""
        yield from self._into_class(key, name, species, label, _burst(event))

    def _into_class(self, key: str, name: str, species: str, label: str, uploads: list[Upload]) -> Steps:
        # At once, so that the field is free for more.
        yield {self.files: None}
        with self._alone() as turn:
            way = FromFiles([(each.path, each.name) for each in uploads], str(label or ""))
            job = self._job(way, key or turn.made, name or free_name(), species)
            yield from self._bring(job, uploads, self.said_of_class, turn)

    @contextmanager
    def _alone(self) -> Iterator[_Turn]:
        """Wait for what this page brings in already; what comes after it goes into the same set."""
        request = LocalContext.request.get(None)
        session = str(request.session_hash if request else "")
        with self._guard:
            turn = self._turns.setdefault(session, _Turn())
            turn.users += 1
        try:
            with turn.lock:
                yield turn
        finally:
            with self._guard:
                turn.users -= 1
                if not turn.users:
                    del self._turns[session]

    def _job(self, way: Way, key: str, name: str, species: str, *, use_aliases: bool = False) -> Bring:
        into = "" if key == NEW else own_set(key).key
        refuse_another(new=not into)
        whom = str(species or species_in(name))
        return Bring(
            way, into=into, name=name, species=whom, use_aliases=use_aliases, root=sets_folder(),
            limits=import_limits(), owner=current_visitor(),
        )  # fmt: skip

    def _bring(self, job: Bring, uploads: Sequence[Upload], said: gr.HTML, turn: _Turn | None = None) -> Steps:
        try:
            brought = yield from watched(self.services.do(job), place=lambda line: {said: line})
        except EmotionError as error:
            # Beside what was given, where it stays to be read, and not only in a toast that goes.
            yield {said: sentence(str(error), kind="problem")}
            return
        finally:
            for upload in uploads:
                upload.delete()
        if turn:
            turn.made = brought.key
        yield {said: sentence(brought_sentence(brought.pictures, brought.skipped)), **self.finish(brought)}


def _said(name: str) -> gr.HTML:
    return gr.HTML("", elem_id=f"said-of-{name}", apply_default_css=False)


def _photographs_html(chosen: PhotographSet) -> str:
    sources = " and ".join(html.escape(each.name) for each in chosen.sources)
    return (
        f'<div class="photographs"><b>{html.escape(chosen.title)}</b><p>{html.escape(chosen.holds)}</p>'
        f'<p class="note">{sources}. Licence: {html.escape(chosen.licence)}.</p></div>'
    )


def _burst(event: gr.EventData) -> list[Upload]:
    """Return the pictures of a burst, which the page has uploaded. Raises PictureError where there are none."""
    paths = event._data.get("paths")
    if not isinstance(paths, list) or not 0 < len(paths) <= MOST:
        raise PictureError("No picture came from the webcam: hold its button a little longer.")
    given = [received({"path": str(path), "orig_name": f"webcam-{number}.jpg"}) for number, path in enumerate(paths, 1)]
    return [upload for upload in given if upload is not None]
