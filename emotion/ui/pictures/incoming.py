"""The ways to import: a zip, a folder, photographs of the Hub, files into a class, the webcam, a data set of the Hub.

Each becomes one job, whose progress and result are shown next to its own fields.
"""

import html
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Self

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import count
from emotion.core.labels import ALIASES_SETTING, EMOTIONS
from emotion.data.importing import Bring, Brought, FromFiles, FromPath
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
# Pages whose recordings are kept until they are added to a set; the oldest goes first.
MOST_PAGES = 20


class _Turn:
    """Makes one page's imports into a class run one at a time.

    What was meant for a new set ``called`` the same goes into the set ``made`` by the import before, until the visitor
    picks a set: a second drop may begin before the page knows of that one.
    """

    def __init__(self) -> None:
        self.lock, self.made, self.called = threading.Lock(), "", ""

    def __deepcopy__(self, memo: object) -> Self:
        """Return a new one: Gradio copies a state for each page."""
        return type(self)()

    def forget(self) -> None:
        """Forget the set that was made: the visitor has picked where pictures go."""
        self.made = ""


class _Recordings:
    """What the webcams of open pages have recorded, by page."""

    def __init__(self) -> None:
        self._lock, self._of_page = threading.Lock(), OrderedDict[str, list[bytes]]()

    def add(self, page: str, picture: bytes) -> int:
        """Add a picture to a page's recording, unless that is full; return how many it has."""
        with self._lock:
            pictures = self._of_page.setdefault(page, [])
            if len(pictures) < MOST_FRAMES:
                pictures.append(picture)
            if len(self._of_page) > MOST_PAGES:
                self._of_page.popitem(last=False)
            return len(pictures)

    def take(self, page: str) -> list[bytes]:
        """Return a page's recording, which begins anew."""
        with self._lock:
            return self._of_page.pop(page, [])


class Incoming:
    """The widgets of all ways to import, and their handlers; ``chosen`` holds the key of the open set."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services, self.recordings = services, _Recordings()
        self.turn = gr.State(_Turn())
        with gr.Row(elem_classes="controls") as self.naming:
            self.name = gr.Textbox(
                label="Name of the new set", placeholder="Rosa’s dogs", max_length=60, elem_id="set-name", scale=2,
                min_width=160,
            )  # fmt: skip
            self.species = gr.Dropdown(
                SPECIES, value=None, label="Species", allow_custom_value=True, elem_id="set-species", scale=1,
                min_width=130,
            )  # fmt: skip
        self.target: list[Any] = [chosen, self.name, self.species]
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
        self.said_of_zip = slot("said-of-zip")
        put(f'<p class="note">{ZIP_NOTE}</p>')
        self.folder = gr.Textbox(
            label="Or a folder on this machine", placeholder="/home/rosa/dogs", elem_id="set-folder",
            visible=not is_public(),
        )  # fmt: skip
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, elem_id="set-aliases", info="anger, Sadness, sleepy …")
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
        self.label = gr.Dropdown(
            list(EMOTIONS), value=EMOTIONS[0], label="Class", allow_custom_value=True, elem_id="set-class",
            info="One of the four emotions, or a class of your own.",
        )  # fmt: skip
        self.files = gr.File(
            label="Pictures of this class", file_count="multiple", file_types=["image", ".heic", ".heif"], height=130,
            elem_id="set-files",
        )  # fmt: skip
        self.said_of_class = slot("said-of-class")
        self.webcam = camera("webcam", side=SIDE, height=260)
        self.add = gr.Button(_of_webcam(0), interactive=False, elem_id="add-webcam")

    def connect(self, view: Sequence[Any], finish: Callable[[Brought], Values]) -> list[Any]:
        """Register the events and return those that change a set; ``view`` are the outputs of ``finish``."""
        self.finish = finish
        # A second drop waits for the page's first one.
        options: dict[str, Any] = {"concurrency_limit": 8, "concurrency_id": "bring", "trigger_mode": EVERY_PRESS}
        raw: dict[str, Any] = {"preprocess": False, **options}
        target, form = self.target, self.data_set
        into_class = [*target, self.label, self.turn]
        on(
            self.webcam.stream, self.record, self.webcam, [self.add, self.said_of_class], preprocess=False,
            stream_every=1 / FRAMES_A_SECOND, concurrency_limit=None, by_page=True,
        )  # fmt: skip
        on(self.target[0].input, _Turn.forget, self.turn, None, by_page=True)
        return [
            on(self.go.click, self.from_zip, [*target, self.aliases, self.zip, self.folder], view, **raw),
            on(self.files.upload, self.from_files, [*into_class, self.files], view, **raw),
            on(self.add.click, self.from_webcam, into_class, view, **options),
            on(form.go.click, self.from_data_set, [*target, *form.inputs], view, **options),
            *(
                on(button.click, self.from_photographs(each), [*target, self.per_class], view, **options)
                for each, button in zip(PHOTOGRAPHS, self.photographs, strict=True)
            ),
        ]

    def from_zip(
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
            job = import_job(FromPath(path), key, name or called, species, use_aliases=use_aliases)
            yield from self._bring(job, self.said_of_zip)
        yield {self.zip: None}

    def from_photographs(self, chosen: PhotographSet) -> Callable[..., Steps]:
        """Return the handler that imports a set of photographs."""

        def bring(key: str, name: str, species: str, per_class: float | None) -> Steps:
            way = FromPhotographs(chosen, max(1, int(per_class or PER_CLASS)))
            called = name or free_name(f"Photographs of {chosen.title.lower()}")
            yield from self._bring(import_job(way, key, called, species or chosen.species), self.said_of_photographs)

        return bring

    def from_data_set(self, key: str, name: str, species: str, *choices: Any) -> Steps:
        """Import a split of a data set."""
        way = self.data_set.way(*choices)
        called = PurePosixPath(way.description.source).name[:MAX_NAME]
        yield from self._bring(import_job(way, key, name or called, species), self.data_set.brought)

    def from_files(self, key: str, name: str, species: str, label: str, turn: _Turn, payload: Any) -> Steps:
        """Import files into a class as soon as they are dropped."""
        # Cleared at once, so that the field takes more files.
        yield {self.files: None}
        with _uploaded(payload or []) as uploads:
            way = FromFiles([(each.path, each.name) for each in uploads], str(label or ""))
            yield from self._into_class(way, key, name, species, turn)

    def record(self, payload: dict[str, Any] | None) -> Values:
        """Keep a picture of the webcam until it is added to a class."""
        if not payload:
            return {}
        picture = content_of(payload, missing=NOTHING_RECORDED)
        if len(picture) > FRAME_BYTES:
            return {self.said_of_class: sentence(TOO_LARGE, kind="problem")}
        return {self.add: gr.Button(_of_webcam(self.recordings.add(session(), picture)), interactive=True)}

    def from_webcam(self, key: str, name: str, species: str, label: str, turn: _Turn) -> Steps:
        """Import what the webcam recorded into a class."""
        frames = self.recordings.take(session())
        yield {self.add: gr.Button(_of_webcam(0), interactive=False)}
        with tempfile.TemporaryDirectory(prefix="emotion-webcam-") as folder:
            paths = [Path(folder, f"webcam-{number}.jpg") for number in range(1, len(frames) + 1)]
            for path, content in zip(paths, frames, strict=True):
                path.write_bytes(content)
            way = FromFiles([(path, path.name) for path in paths], str(label or ""))
            yield from self._into_class(way, key, name, species, turn)

    def _into_class(self, way: FromFiles, key: str, name: str, species: str, turn: _Turn) -> Steps:
        with turn.lock:
            is_there = name == turn.called and turn.made and (sets_folder() / turn.made).is_dir()
            job = import_job(way, key or (turn.made if is_there else ""), name or free_name(), species)
            brought = yield from self._bring(job, self.said_of_class)
            if brought:
                turn.made, turn.called = brought.key, name

    def _bring(self, job: Bring, said: gr.HTML) -> Generator[Values, None, Brought | None]:
        try:
            brought = yield from watched(self.services.do(job), said)
        except EmotionError as error:
            # Next to the fields, where it stays visible, unlike a toast.
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
