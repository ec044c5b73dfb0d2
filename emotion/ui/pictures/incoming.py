"""The ways to import: a zip, a folder, photographs of the Hub, files into a class, the webcam, a data set of the Hub.

Each becomes one job, whose progress and result are shown next to its own fields.
"""

import html
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import count
from emotion.core.labels import ALIASES_SETTING, EMOTIONS
from emotion.data.importing import Brought, FromFiles, FromPath, Way
from emotion.data.names import MAX_NAME, shown
from emotion.data.photographs import PER_CLASS, PHOTOGRAPHS, FromPhotographs, PhotographSet
from emotion.data.sets import sets_folder
from emotion.server.limits import is_public
from emotion.server.services import Services
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, session, watched
from emotion.ui.html import camera, put, sentence, slot
from emotion.ui.picture_sets import free_name, import_job
from emotion.ui.pictures.data_set import DataSetForm
from emotion.ui.uploads import Upload, content_of, received

SPECIES = [("people", "human"), ("dogs", "dog"), ("cats", "cat")]
ZIP_NOTE = "One folder of pictures per class: happy/1.jpg, sad/2.jpg … Folders around them do not matter."
PHOTOGRAPHS_NOTE = "Read from the Hugging Face Hub: a balanced sample, always the same one. The rest is not downloaded."
NOTHING_RECORDED = "Nothing is recorded yet: let the webcam record for a moment."
TOO_LARGE = "The webcam’s pictures are too large: choose a smaller camera."
# What the webcam records: pixels, pictures a second, and at most so many at a time, of so many bytes.
SIDE, FRAMES_A_SECOND, MOST_FRAMES, FRAME_BYTES = 480, 8, 80, 200_000
# Pages that are remembered; the one used longest ago is forgotten first.
MOST_PAGES = 20


@dataclass
class OpenPage:
    """What an open page has under way: the pictures of its webcam, and its imports into a class, one at a time.

    What was meant for a new set ``called`` the same goes into the set ``made`` by the import before, until the visitor
    picks a set: a second drop may begin before the page knows of that one.
    """

    frames: list[bytes] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)
    made: str = ""
    called: str = ""


@lru_cache(maxsize=MOST_PAGES)
def page_of(session: str) -> OpenPage:
    """Return the page of a session, the same one at every call."""
    return OpenPage()


class Incoming:
    """The widgets of all ways to import, and their handlers; ``chosen`` holds the key of the open set."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services = services
        with gr.Row(elem_classes="controls") as self.naming:
            name = gr.Textbox(
                label="Name of the new set", placeholder="Rosa’s dogs", max_length=60, elem_id="set-name", min_width=160
            )
            species = gr.Dropdown(SPECIES, value=None, label="Species", allow_custom_value=True, min_width=130)
        self.target: list[Any] = [chosen, name, species]
        with gr.Tabs() as self.ways:
            with gr.Tab("Zip" if is_public() else "Zip or folder"):
                self._build_zip()
            with gr.Tab("Photographs", id="photographs"):
                self._build_photographs()
            with gr.Tab("Into a class"):
                self._build_class()
            with gr.Tab("Hub data set"):
                self.data_set = DataSetForm(services)

    def _build_zip(self) -> None:
        self.zip = gr.File(label="A zip of class folders", file_types=[".zip"], height=130)
        self.said_of_zip = slot("said-of-zip")
        put(f'<p class="note">{ZIP_NOTE}</p>')
        is_own, path = not is_public(), "/home/rosa/dogs"
        self.folder = gr.Textbox(
            label="Or a folder on this machine", placeholder=path, elem_id="set-folder", visible=is_own
        )
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, info="anger, Sadness, sleepy …")
        self.go = gr.Button("Bring them in", variant="primary", elem_id="bring")

    def _build_photographs(self) -> None:
        self.per_class = gr.Number(PER_CLASS, label="Pictures per class", precision=0, minimum=5, maximum=2_000)
        self.said_of_photographs = slot("said-of-photographs")
        self.photographs = []
        for each in PHOTOGRAPHS:
            put(_photographs_html(each))
            self.photographs.append(gr.Button(f"Bring in photographs of {each.title.lower()}", size="md"))
        put(f'<p class="note">{PHOTOGRAPHS_NOTE}</p>')

    def _build_class(self) -> None:
        own = "One of the four emotions, or a class of your own."
        self.label = gr.Dropdown(list(EMOTIONS), label="Class", allow_custom_value=True, info=own)
        kinds = ["image", ".heic", ".heif"]
        self.files = gr.File(label="Pictures of this class", file_count="multiple", file_types=kinds, height=130)
        self.said_of_class = slot("said-of-class")
        self.webcam = camera("webcam", side=SIDE, height=260)
        self.add = gr.Button(_of_webcam(0), interactive=False)

    def connect(self, view: Sequence[Any], finish: Callable[[Brought], Values]) -> list[Any]:
        """Register the events and return those that change a set; ``view`` are the outputs of ``finish``."""
        self.finish = finish
        # A second drop waits for the page's first one.
        options: dict[str, Any] = {"concurrency_limit": 8, "concurrency_id": "bring", "trigger_mode": EVERY_PRESS}
        raw: dict[str, Any] = {"preprocess": False, **options}
        target, form = self.target, self.data_set
        on(
            self.webcam.stream, self._record, self.webcam, [self.add, self.said_of_class],
            preprocess=False, stream_every=1 / FRAMES_A_SECOND, concurrency_limit=None, by_page=True,
        )  # fmt: skip
        on(target[0].input, self._forget, by_page=True)
        changes = [
            on(self.go.click, self._from_zip, [*target, self.aliases, self.zip, self.folder], view, **raw),
            on(self.files.upload, self._from_files, [*target, self.label, self.files], view, **raw),
            on(self.add.click, self._from_webcam, [*target, self.label], view, **options),
            on(form.go.click, self._from_data_set, [*target, *form.inputs], view, **options),
        ]
        for each, button in zip(PHOTOGRAPHS, self.photographs, strict=True):
            bring = partial(self._from_photographs, each)
            changes.append(on(button.click, bring, [*target, self.per_class], view, **options))
        return changes

    def _from_zip(
        self, key: str, name: str, species: str, use_aliases: bool, payload: dict[str, Any] | None, folder: str
    ) -> Steps:
        """Import a zip, or a folder of the visitor's own machine."""
        with _uploaded([payload]) as uploads:
            if uploads:
                path, called = uploads[0].path, Path(uploads[0].name).stem
            elif folder.strip() and not is_public():
                path = Path(folder.strip()).expanduser()
                called = path.name
            else:
                raise PictureError("Nothing is given yet: drop a zip, or name a folder of class folders.")
            target = key, name or called, species
            yield from self._bring(FromPath(path), target, self.said_of_zip, use_aliases=use_aliases)
        yield {self.zip: None}

    def _from_photographs(
        self, chosen: PhotographSet, key: str, name: str, species: str, per_class: float | None
    ) -> Steps:
        way = FromPhotographs(chosen, max(1, int(per_class or PER_CLASS)))
        called = name or free_name(f"Photographs of {chosen.title.lower()}")
        yield from self._bring(way, (key, called, species or chosen.species), self.said_of_photographs)

    def _from_data_set(self, key: str, name: str, species: str, *choices: Any) -> Steps:
        way = self.data_set.way(*choices)
        called = name or PurePosixPath(way.description.source).name[:MAX_NAME]
        yield from self._bring(way, (key, called, species), self.data_set.brought)

    def _from_files(self, key: str, name: str, species: str, label: str, payload: Any) -> Steps:
        yield {self.files: None}  # At once, so that the field takes more files.
        with _uploaded(payload or []) as uploads:
            files = [(each.path, each.name) for each in uploads]
            yield from self._into_class(files, key, name, species, label)

    def _record(self, payload: dict[str, Any] | None) -> Values:
        """Keep a picture of the webcam until it is added to a class."""
        if not payload:
            return {}
        picture, frames = content_of(payload, missing=NOTHING_RECORDED), page_of(session()).frames
        if len(picture) > FRAME_BYTES:
            return {self.said_of_class: sentence(TOO_LARGE, kind="problem")}
        if len(frames) < MOST_FRAMES:
            frames.append(picture)
        return {self.add: gr.Button(_of_webcam(len(frames)), interactive=True)}

    def _from_webcam(self, key: str, name: str, species: str, label: str) -> Steps:
        page = page_of(session())
        frames, page.frames = page.frames, []
        yield {self.add: gr.Button(_of_webcam(0), interactive=False)}
        with tempfile.TemporaryDirectory(prefix="emotion-webcam-") as folder:
            files = []
            for number, content in enumerate(frames, 1):
                path = Path(folder, f"webcam-{number}.jpg")
                path.write_bytes(content)
                files.append((path, path.name))
            yield from self._into_class(files, key, name, species, label)

    def _forget(self) -> None:
        """Forget the set that the last import made: the visitor has picked where pictures go."""
        page_of(session()).made = ""

    def _into_class(self, files: Sequence[tuple[Path, str]], key: str, name: str, species: str, label: str) -> Steps:
        page = page_of(session())
        with page.lock:
            if not key and name == page.called and page.made and (sets_folder() / page.made).is_dir():
                key = page.made
            target = key, name or free_name(), species
            brought = yield from self._bring(FromFiles(files, str(label or "")), target, self.said_of_class)
            if brought:
                page.made, page.called = brought.key, name

    def _bring(
        self, way: Way, target: tuple[str, str, str], said: gr.HTML, *, use_aliases: bool = False
    ) -> Generator[Values, None, Brought | None]:
        """Import pictures into a target: the key of a set, or the name and species of a new one.

        What came of it is shown in ``said``, where it stays visible, unlike a toast.
        """
        try:
            job = import_job(way, *target, use_aliases=use_aliases)
            brought = yield from watched(self.services.do(job), said)
        except EmotionError as error:
            yield {said: sentence(str(error), kind="problem")}
            return None
        yield {said: sentence(_brought_sentence(brought)), **self.finish(brought)}
        return brought


@contextmanager
def _uploaded(payloads: Sequence[dict[str, Any] | None]) -> Iterator[list[Upload]]:
    """Yield the files that a widget sent, and delete them afterwards. Raises PictureError for what is no upload."""
    uploads = [upload for each in payloads if (upload := received(each)) is not None]
    try:
        yield uploads
    finally:
        for upload in uploads:
            upload.delete()


def _brought_sentence(brought: Brought) -> str:
    """Return how many pictures were imported, and the first file that was left out."""
    said = f"{count(brought.pictures, 'picture')} came in."
    if brought.skipped:
        first = brought.skipped[0]
        said += f" {count(len(brought.skipped), 'file')} left out; the first is {shown(first.original)}: {first.reason}"
    return said


def _of_webcam(number: int) -> str:
    return f"Add {count(number, 'picture')} of the webcam" if number else "Add what the webcam records"


def _photographs_html(chosen: PhotographSet) -> str:
    sources = " and ".join(map(html.escape, chosen.sources))
    return (
        f'<div class="photographs"><b>{html.escape(chosen.title)}</b><p>{html.escape(chosen.holds)}</p>'
        f'<p class="note">{sources}. Licence: {html.escape(chosen.licence)}.</p></div>'
    )
