"""The named endpoints: typed functions for programs, the only public part of the page.

Their docstrings are the API documentation, in the format that Gradio parses. An error is ``[code] sentence``.
"""

import contextlib
import functools
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api
from pydantic import ConfigDict, SkipValidation, ValidationError, validate_call

from emotion.core.config import SETTINGS
from emotion.core.config import preset as preset_config  # A parameter has its name.
from emotion.core.errors import ConfigError, EmotionError, PictureError, RunError
from emotion.core.progress import result_of
from emotion.data.importing import FromPath
from emotion.data.sets import SavedSet, sets_folder
from emotion.runs.run import Run
from emotion.server.logs import log, log_unexpected
from emotion.server.services import Services
from emotion.ui import answers
from emotion.ui.compare.form import requested
from emotion.ui.events import unexpected
from emotion.ui.picture_sets import evaluation_sets, find_set, import_job, list_picture_sets
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
MAX_SHOWN = 60
# Not validated: Gradio passes on the raw JSON of a file, which ``received`` checks.
File = Annotated[FileData, SkipValidation]


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

    def predict(self, picture: File, run: str = "") -> answers.PredictionAnswer:
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
        steps = self._services.comparing(chosen, replace(request, use_aliases=use_aliases))
        return answers.comparison_answer(*result_of(steps))

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
        self, archive: File, name: str, species: str = "", use_aliases: bool = False
    ) -> answers.ImportAnswer:
        """Make a picture set of a zip with a folder per class, whole or not at all. The upload is deleted.

        Args:
            archive: an uploaded zip.
            name: what the set is to be called: letters and digits of any script.
            species: whom it shows, such as human, dog or cat.
            use_aliases: take folders such as anger for the emotion's.
        """
        with _uploaded(archive) as upload, _coded("import_refused", PictureError):
            job = import_job(FromPath(upload.path), "", name, species, use_aliases=use_aliases)
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
def _uploaded(sent: Any) -> Iterator[Upload]:
    """Yield the caller's uploaded file, and delete it afterwards; PictureError if there is none, or it is no upload."""
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


def _answering(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint: check its arguments by their types, and turn an error into ``[code] sentence``.

    Gradio's own check of the types runs in the client only.
    """
    checked = validate_call(config=ConfigDict(strict=True, str_max_length=MAX_TEXT))(endpoint)
    names = list(inspect.signature(endpoint).parameters)

    @functools.wraps(endpoint)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return checked(**dict(zip(names, args, strict=False)), **kwargs)
        except ValidationError as error:
            code, said = ConfigError.code, _what_is_wrong(error)
        except EmotionError as error:
            code, said = error.code, public_words(str(error))
        except Exception as error:  # noqa: BLE001  # a caller gets a sentence, the log the traceback
            log_unexpected(error, visitor=current_visitor(), what=endpoint.__name__)
            raise gr.Error(f"[unexpected] {unexpected(error)}", print_exception=False) from None
        log("refusal", outcome="refused", visitor=current_visitor(), what=endpoint.__name__, because=code)
        raise gr.Error(f"[{code}] {said}", print_exception=False)

    return wrapped


def _what_is_wrong(error: ValidationError) -> str:
    """Return what is wrong with the first argument of another type than its own."""
    first = error.errors()[0]
    name, given = str(first["loc"][0]).replace("_", " ").capitalize(), json.dumps(first["input"], ensure_ascii=False)
    given = given if len(given) <= MAX_SHOWN else f"{given[:MAX_SHOWN]}…"
    return f"{name} is {given}: {first['msg'][0].lower()}{first['msg'][1:]}."
