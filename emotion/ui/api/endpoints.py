"""The endpoints, each a typed function that does what a button of the page does.

Their docstrings are what a caller reads, so they are written as Gradio takes them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradio.data_classes import FileData
from gradio.events import api

from emotion.core.config import TrainConfig, parse_depth, preset
from emotion.core.errors import PictureError, RunError
from emotion.core.progress import result_of
from emotion.data.importing import Bring, FromPath
from emotion.data.sets import SavedSet, sets_folder
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.api.answers import (
    ComparisonAnswer,
    ImportAnswer,
    PredictionAnswer,
    RunAnswer,
    RunLine,
    SetAnswer,
    TrainingAnswer,
)
from emotion.ui.api.codes import answering, coded
from emotion.ui.api.results import (
    ALL,
    comparison_answer,
    import_answer,
    prediction_answer,
    run_answer,
    run_line,
    set_answer,
)
from emotion.ui.api.uploads import uploaded
from emotion.ui.compare.form import requested
from emotion.ui.handlers import AT_ONCE
from emotion.ui.picture_sets import evaluation_sets, find_set, list_picture_sets
from emotion.ui.pictures.mine import import_limits, refuse_another
from emotion.ui.run_board import RunBoard
from emotion.ui.visitor import current_visitor
from emotion.ui.words import ENDED

# Each with how many calls of it may run at once; those of a name wait for one another, as the page's own do.
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


def register(services: Services, board: RunBoard) -> None:
    """Add the endpoints to the page that is being built."""
    endpoints = Endpoints(services, board)
    for name, options in NAMES.items():
        endpoint: Callable[..., Any] = getattr(endpoints, name)
        api(answering(endpoint), api_name=name, **options)


class Endpoints:
    """What each name does. An error is ``[code] sentence``; the codes are in ``codes``."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self._services = services
        self._board = board

    def predict(self, picture: FileData, run: str = "") -> PredictionAnswer:
        """Say which emotion a run sees in a picture, with the probability of every class. The upload is deleted.

        Args:
            picture: an uploaded picture (.jpg, .png, .webp).
            run: the name of the run that judges; empty for the newest that can.
        """
        with uploaded(picture) as upload:
            chosen = self._choose(run)
            with coded("picture_unreadable", PictureError):
                prediction = self._services.predict(chosen, upload.path, name=upload.name)
        return prediction_answer(prediction, chosen)

    def compare(
        self,
        sets: list[str],
        run: str = "",
        emotion: str = "happy",
        size: int = 20,
        seed: int = 42,
        use_aliases: bool = False,
    ) -> ComparisonAnswer:
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
        with coded("picture_set_unknown", PictureError):
            found = [find_set(key, sets=evaluation_sets(offered)) for key in dict.fromkeys(sets)]
        request = requested(found, emotion=None if emotion == ALL else emotion, size=size, seed=seed)
        return comparison_answer(*self._services.compare(chosen, replace(request, use_aliases=use_aliases)))

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
    ) -> TrainingAnswer:
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
        with coded("picture_set_unknown", PictureError):
            chosen = find_set(picture_set, sets=list_picture_sets())
        given: dict[str, Any] = {
            "backbone": backbone or None,
            "epochs": epochs,
            "batch_size": batch_size,
            "depth": parse_depth(depth) if depth else None,
            "seed": seed,
            "use_aliases": use_aliases,
        }
        config = _preset(preset, pictures=str(chosen.folder))
        config = replace(config, **{name: value for name, value in given.items() if value is not None})
        return {"run": self._services.start_training(config).name}

    def run_status(self, run: str) -> RunAnswer:
        """Say how a run stands: its status, epoch, losses and accuracies so far, and a sentence.

        Args:
            run: the run's name, as train and runs give it.
        """
        return self._answer(self._find(run))

    def stop(self, run: str) -> RunAnswer:
        """Stop a run after the step in hand, or withdraw a queued one; the best finished epoch is kept.

        Args:
            run: the run's name, as train and runs give it.
        """
        found = self._find(run)
        if found.status() not in ENDED:
            found.request_stop()
        return self._answer(found)

    def runs(self) -> list[RunLine]:
        """List all runs, newest first: settings, status, the best epoch's validation loss and accuracy."""
        return [run_line(each) for each in self._board.summaries()]

    def picture_sets(self) -> list[SetAnswer]:
        """List the picture sets with the keys that train and compare take, and how many pictures each class has."""
        return [set_answer(each) for each in list_picture_sets()]

    def import_pictures(
        self, archive: FileData, name: str, species: str = "", use_aliases: bool = False
    ) -> ImportAnswer:
        """Make a picture set of a zip with a folder per class, whole or not at all. The upload is deleted.

        Args:
            archive: an uploaded zip.
            name: what the set is to be called: letters and digits of any script.
            species: whom it shows, such as human, dog or cat.
            use_aliases: take folders such as anger for the emotion's.
        """
        with uploaded(archive) as upload, coded("import_refused", PictureError):
            refuse_another(new=True)
            job = Bring(
                FromPath(upload.path),
                name=name,
                species=species,
                use_aliases=use_aliases,
                root=sets_folder(),
                limits=import_limits(),
                owner=current_visitor(),
            )
            brought = result_of(self._services.do(job))
        return import_answer(SavedSet(sets_folder() / brought.key))

    def _find(self, name: str) -> Run:
        with coded("run_unknown", RunError):
            return self._board.find(name)

    def _choose(self, name: str) -> Run:
        with coded("run_unknown", RunError):
            return self._board.choose(name)

    def _answer(self, run: Run) -> RunAnswer:
        return run_answer(run, queue_place=self._services.queue.place(run) if run.status() == "queued" else None)


def _preset(name: str, *, pictures: str) -> TrainConfig:
    # The endpoint's own parameter has the function's name.
    return preset(name, pictures=pictures)
