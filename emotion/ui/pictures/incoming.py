"""The ways in: a zip, a folder, files into a class, the webcam. Each becomes one job, watched while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.labels import ALIASES_SETTING, EMOTIONS, species_in
from emotion.data.importing import Bring, Brought, FromFiles, FromPath, Way
from emotion.data.names import MAX_NAME
from emotion.data.sets import sets_folder
from emotion.server.limits import is_public
from emotion.server.services import Services
from emotion.ui.guard import guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.picture_input import Upload, received
from emotion.ui.pictures.data_set import DataSetForm
from emotion.ui.pictures.mine import NEW, free_name, import_limits, own_set, refuse_another
from emotion.ui.pictures.summary import brought_sentence
from emotion.ui.pictures.webcam import burst, webcam
from emotion.ui.status import sentence
from emotion.ui.studying import watched
from emotion.ui.visitor import current_visitor

SPECIES = [("people", "human"), ("dogs", "dog"), ("cats", "cat")]
ZIP_NOTE = "One folder of pictures per class: happy/1.jpg, sad/2.jpg … Folders around them do not matter."
Finish = Callable[[Brought], list[Any]]
Steps = Generator[list[Any], None, None]


class Incoming:
    """Widgets of the ways in and what they do."""

    def __init__(self, services: Services, chosen: gr.Dropdown) -> None:
        self.services = services
        self.chosen = chosen
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
            with gr.Tab("Into a class"):
                self._build_class()
            with gr.Tab("Hub data set", id="photographs"):
                self.data_set = DataSetForm(services)
        self.status = gr.HTML("", elem_id="bring-status", apply_default_css=False)

    def _build_zip(self) -> None:
        self.zip = gr.File(label="A zip of class folders", file_types=[".zip"], height=130, elem_id="set-zip")
        gr.HTML(f'<p class="note">{ZIP_NOTE}</p>', apply_default_css=False)
        self.folder = gr.Textbox(
            label="Or a folder on this machine", placeholder="/home/rosa/dogs", elem_id="set-folder",
            visible=not is_public(),
        )  # fmt: skip
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, elem_id="set-aliases", info="anger, Sadness, sleepy …")
        self.go = gr.Button("Bring them in", variant="primary", elem_id="bring")

    def _build_class(self) -> None:
        self.label = gr.Dropdown(
            list(EMOTIONS), value=EMOTIONS[0], label="Class", allow_custom_value=True, elem_id="set-class",
            info="One of the four emotions, or a class of your own.",
        )  # fmt: skip
        self.files = gr.File(
            label="Pictures of this class", file_count="multiple", file_types=["image", ".heic", ".heif"], height=130,
            elem_id="set-files",
        )  # fmt: skip
        self.webcam = webcam(elem_id="webcam")

    def connect(self, view: Sequence[Any], finish: Finish) -> list[Any]:
        """Register the events and return them; ``view`` is what ``finish`` returns."""
        self.finish, self.skipped = finish, [gr.skip()] * len(view)
        target = [self.chosen, self.name, self.species]
        outputs = [self.status, self.zip, self.files, *view]
        options: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "bring", **QUIET}
        return [
            self.go.click(
                guarded_stream(self.from_zip), [*target, self.aliases, self.zip, self.folder], outputs,
                preprocess=False, **options,
            ),
            self.files.upload(
                guarded_stream(self.from_files), [*target, self.label, self.files], outputs, preprocess=False,
                **options,
            ),
            self.data_set.go.click(
                guarded_stream(self.from_data_set), [*target, *self.data_set.inputs], outputs, **options
            ),
            self.webcam.submit(guarded_stream(self.from_webcam), [*target, self.label], outputs, **options),
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
        yield from self._bring(job, [upload] if upload else [])

    def from_files(self, key: str, name: str, species: str, label: str, payload: Any) -> Steps:
        """Bring files into a class as soon as they are dropped."""
        given = [received(each) for each in payload or []]
        yield from self._into_class(key, name, species, label, [each for each in given if each is not None])

    def from_data_set(self, key: str, name: str, species: str, *choices: Any) -> Steps:
        """Bring in a split of a data set."""
        way = self.data_set.way(*choices)
        called = PurePosixPath(way.description.source).name[:MAX_NAME]
        yield from self._bring(self._job(way, key, name or called, species), [])

    def from_webcam(self, key: str, name: str, species: str, label: str, event: gr.EventData) -> Steps:
        """Bring a burst of the webcam into a class."""
        yield from self._into_class(key, name, species, label, burst(event))

    def _into_class(self, key: str, name: str, species: str, label: str, uploads: list[Upload]) -> Steps:
        way = FromFiles([(each.path, each.name) for each in uploads], str(label or ""))
        yield from self._bring(self._job(way, key, name or free_name(), species), uploads)

    def _job(self, way: Way, key: str, name: str, species: str, *, use_aliases: bool = False) -> Bring:
        into = "" if key == NEW else own_set(key).key
        refuse_another(new=not into)
        whom = str(species or species_in(name))
        return Bring(
            way, into=into, name=name, species=whom, use_aliases=use_aliases, root=sets_folder(),
            limits=import_limits(), owner=current_visitor(),
        )  # fmt: skip

    def _bring(self, job: Bring, uploads: Sequence[Upload]) -> Steps:
        try:
            brought = yield from watched(self.services.do(job), place=self._placed)
        except EmotionError as error:
            # Beside what was given, where it stays to be read, and not only in a toast that goes.
            yield [sentence(str(error), kind="problem"), None, None, *self.skipped]
            return
        finally:
            for upload in uploads:
                upload.delete()
        said = sentence(brought_sentence(brought.pictures, brought.skipped))
        yield [said, None, None, *self.finish(brought)]

    def _placed(self, line: str) -> list[Any]:
        return [line, gr.skip(), gr.skip(), *self.skipped]
