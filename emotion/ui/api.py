"""The named endpoints: typed functions for programs, the only public part of the page.

Their docstrings are the API documentation, in the format that Gradio parses. An error is ``[code] sentence``.
"""

import contextlib
import functools
import inspect
import json
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api
from pydantic import ConfigDict, TypeAdapter, ValidationError

from emotion.core.config import SETTINGS
from emotion.core.config import preset as preset_config  # A parameter has its name.
from emotion.core.errors import ConfigError, EmotionError, PictureError, RunError
from emotion.core.progress import result_of
from emotion.data.importing import Bring, FromPath
from emotion.data.sets import SavedSet, sets_folder
from emotion.runs.run import Run
from emotion.server.logs import log, log_unexpected
from emotion.server.services import Services
from emotion.ui import answers
from emotion.ui.compare.form import requested
from emotion.ui.events import unexpected
from emotion.ui.picture_sets import (
    evaluation_sets,
    find_set,
    import_limits,
    list_picture_sets,
    require_room_for_another,
)
from emotion.ui.predict.one import AT_ONCE
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import Upload, received
from emotion.ui.visitor import current_visitor
from emotion.ui.words import ENDED, public_words

# How many calls may run at once; endpoints with the same ``concurrency_id`` share one queue, also with the page.
NAMES: dict[str, dict[str, Any]] = {
    "predict": {"concurrency_id": "predict", "concurrency_limit": AT_ONCE},
    "compare": {"concurrency_id": "compare"},
    "train": {"concurrency_id": "start"},
    "run_status": {"concurrency_limit": None},
    "stop": {"concurrency_limit": None},
    "runs": {"concurrency_limit": None},
    "picture_sets": {"concurrency_limit": None},
    "import_pictures": {"concurrency_id": "bring", "concurrency_limit": 4},
}
NO_FILE = "No uploaded file came with the call: upload one first, as handle_file of gradio_client does."
# Longest name or key, in characters.
MAX_TEXT = 300
_WORDS: dict[Any, str] = {
    str: f"a text of at most {MAX_TEXT} characters",
    int: "a whole number",
    bool: "true or false",
    list[str]: "a list of texts",
}
_SHOWN = 60


def register(services: Services, board: RunBoard) -> None:
    """Add the endpoints to the page being built."""
    endpoints = Endpoints(services, board)
    for name, options in NAMES.items():
        api(_answering(getattr(endpoints, name)), api_name=name, **options)


class Endpoints:
    """The endpoints, one method for each name."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self._services = services
        self._board = board

    def predict(self, picture: FileData, run: str = "") -> answers.PredictionAnswer:
        """Say which emotion a run sees in a picture, with the probability of every class. The upload is deleted.

        Args:
            picture: an uploaded picture (.jpg, .png, .webp).
            run: the name of the run that judges; empty for the newest that can.
        """
        with _uploaded(picture) as upload:
            chosen = self._choose(run)
            with _coded("picture_unreadable", PictureError):
                prediction = self._services.predict(chosen, upload.path, name=upload.name)
        return answers.prediction_answer(prediction, chosen)

    def compare(
        self,
        sets: list[str],
        run: str = "",
        emotion: str = "happy",
        size: int = 20,
        seed: int = 42,
        use_aliases: bool = False,
    ) -> answers.ComparisonAnswer:
        """Let a run judge a seeded sample of several picture sets: confidence, hits, intervals, gaps in words.

        Args:
            sets: keys of picture sets, as picture_sets gives them; at least one, better two.
            run: the name of the run that judges; empty for the newest that can.
            emotion: a class of the run, such as happy, or all.
            size: how many pictures of each set and emotion are drawn.
            seed: of the draw; the same seed draws the same pictures.
            use_aliases: read class folders such as anger under the emotion's name.
        """
        chosen, offered = self._choose(run), list_picture_sets()
        with _coded("picture_set_unknown", PictureError):
            found = [find_set(key, sets=evaluation_sets(offered)) for key in dict.fromkeys(sets)]
        request = requested(found, emotion=None if emotion == answers.ALL else emotion, size=size, seed=seed)
        return answers.comparison_answer(*self._services.compare(chosen, replace(request, use_aliases=use_aliases)))

    def train(
        self,
        picture_set: str,
        preset: str = "Quick",
        backbone: str = "",
        epochs: int | None = None,
        batch_size: int | None = None,
        depth: str = "",
        seed: int = 42,
        use_aliases: bool = False,
    ) -> answers.TrainingAnswer:
        """Start a training, or queue it behind the one in hand, and return its run's name at once.

        Args:
            picture_set: the key of a picture set, as picture_sets gives it.
            preset: Quick, Thorough or The report; what else is given goes before it.
            backbone: the name of a pretrained vision transformer; empty for the preset's.
            epochs: how often each picture is learned from, 1 to 50; without it the preset's.
            batch_size: pictures a step, 1 to 128; without it the preset's.
            depth: what is trained: head, all, or a number of last blocks; empty for the preset's.
            seed: of the split, the order and the first weights.
            use_aliases: read class folders such as anger under the emotion's name.
        """
        with _coded("picture_set_unknown", PictureError):
            chosen = find_set(picture_set, sets=list_picture_sets())
        given: dict[str, Any] = {
            "backbone": backbone or None,
            "epochs": epochs,
            "batch_size": batch_size,
            "depth": SETTINGS["depth"].read(depth) if depth else None,
            "seed": seed,
            "use_aliases": use_aliases,
        }
        config = preset_config(preset, pictures=str(chosen.folder))
        config = replace(config, **{name: value for name, value in given.items() if value is not None})
        return {"run": self._services.start_training(config).name}

    def run_status(self, run: str) -> answers.RunAnswer:
        """Say how a run stands: its status, epoch, losses and accuracies so far, and a sentence.

        Args:
            run: the run's name, as train and runs give it.
        """
        return self._answer(self._find(run))

    def stop(self, run: str) -> answers.RunAnswer:
        """Stop a run after the step in hand, or withdraw a queued one; the best finished epoch is kept.

        Args:
            run: the run's name, as train and runs give it.
        """
        found = self._find(run)
        if found.status() not in ENDED:
            found.request_stop()
        return self._answer(found)

    def runs(self) -> list[answers.RunLine]:
        """List all runs, newest first: settings, status, the best epoch's validation loss and accuracy."""
        return [answers.run_line(each) for each in self._board.summaries()]

    def picture_sets(self) -> list[answers.SetAnswer]:
        """List the picture sets with the keys that train and compare take, and how many pictures each class has."""
        return [answers.set_answer(each) for each in list_picture_sets()]

    def import_pictures(
        self, archive: FileData, name: str, species: str = "", use_aliases: bool = False
    ) -> answers.ImportAnswer:
        """Make a picture set of a zip with a folder per class, whole or not at all. The upload is deleted.

        Args:
            archive: an uploaded zip.
            name: what the set is to be called: letters and digits of any script.
            species: whom it shows, such as human, dog or cat.
            use_aliases: take folders such as anger for the emotion's.
        """
        with _uploaded(archive) as upload, _coded("import_refused", PictureError):
            require_room_for_another()
            job = Bring(
                FromPath(upload.path), name=name, species=species, use_aliases=use_aliases, root=sets_folder(),
                limits=import_limits(), owner=current_visitor(),
            )  # fmt: skip
            brought = result_of(self._services.do(job))
        return answers.import_answer(SavedSet(sets_folder() / brought.key))

    def _find(self, name: str) -> Run:
        with _coded("run_unknown", RunError):
            return self._board.find(name)

    def _choose(self, name: str) -> Run:
        with _coded("run_unknown", RunError):
            return self._board.choose(name)

    def _answer(self, run: Run) -> answers.RunAnswer:
        place = self._services.queue.place(run) if run.status() == "queued" else None
        return answers.run_answer(run, queue_place=place)


@contextlib.contextmanager
def _coded(code: str, kind: type[EmotionError]) -> Iterator[None]:
    """Give errors of a type a more specific code, such as ``run_unknown``."""
    try:
        yield
    except kind as error:
        error.code = code
        raise


@contextlib.contextmanager
def _uploaded(payload: FileData) -> Iterator[Upload]:
    """Yield the caller's uploaded file, and delete it afterwards.

    Raises:
        PictureError: there is no file, or the path is not an upload.
    """
    # Gradio passes on the raw JSON, whatever the annotated type.
    sent = typing.cast(Any, payload)
    with _coded("upload_missing", PictureError):
        try:
            upload = received(sent) if isinstance(sent, dict) else None
        except (PictureError, ValueError) as error:  # An invalid path.
            raise PictureError(NO_FILE) from error
        if upload is None:
            raise PictureError(NO_FILE)
    try:
        yield upload
    finally:
        upload.delete()


def _check(name: str, value: Any, hint: Any) -> None:
    """Check that a value has the type ``hint``: Gradio's own check runs in the client only.

    Raises:
        ConfigError: it has another type.
    """
    if hint is FileData:
        return
    try:
        TypeAdapter(hint, config=ConfigDict(str_max_length=MAX_TEXT)).validate_python(value, strict=True)
    except ValidationError as error:
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        words = _WORDS.get(hint) or _WORDS[typing.get_args(hint)[0]]
        raise ConfigError(f"{name.replace('_', ' ').capitalize()} is {shown}: use {words}.") from error


def _answering(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint: check its arguments by their types, and turn an error into ``[code] sentence``.

    The wrapper's annotations are types, not strings as in this module: Gradio makes its schema from them.
    """
    hints = typing.get_type_hints(endpoint)
    signature = inspect.signature(endpoint)

    @functools.wraps(endpoint)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs)
            for name, value in given.arguments.items():
                _check(name, value, hints[name])
            return endpoint(*given.args, **given.kwargs)
        except EmotionError as error:
            said = f"[{error.code}] {public_words(str(error))}"
            log("refusal", outcome="refused", visitor=current_visitor(), what=endpoint.__name__, because=error.code)
        except Exception as error:  # noqa: BLE001  # a caller gets a sentence, the log the traceback
            log_unexpected(error, visitor=current_visitor(), what=endpoint.__name__)
            said = f"[unexpected] {unexpected(error)}"
        raise gr.Error(said, print_exception=False)

    wrapped.__annotations__ = hints
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]  # read by inspect and Gradio
        parameters=[each.replace(annotation=hints[each.name]) for each in signature.parameters.values()],
        return_annotation=hints["return"],
    )
    return wrapped
