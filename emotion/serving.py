"""What a resident process does: predict, compare and study, with the last used checkpoints kept loaded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from inspect import isgenerator
from pathlib import Path
from typing import Any

from emotion.classifier import Classifier
from emotion.comparison import Comparison, Request, compare, save_comparison
from emotion.errors import EmotionError, RunError
from emotion.job import Job, Progress
from emotion.prediction import Prediction
from emotion.run import Run
from emotion.server.logs import log_unexpected
from emotion.split_record import trained_on
from emotion.studies.run_judge import RunJudge
from emotion.studies.study import Study

# Two of ViT-B/16 find room; with what a process takes anyway that stays below 1.5 GB.
MOST_BYTES = 750_000_000


class Server:
    """Answers one request after the other; a request's error is its answer and never ends the process.

    It keeps the ``loaded`` last used checkpoints in memory, fewer where they have more than ``MOST_BYTES`` together.
    """

    def __init__(self, *, loaded: int = 1) -> None:
        self._most = loaded
        # The last used one last, by its path and when it was written; with its size in bytes.
        self._loaded: dict[tuple[Path, float], tuple[int, Classifier]] = {}

    def do(self, task: str, values: Mapping[str, Any]) -> Generator[Any, None, Any]:
        """Return the result of a task, such as ``predict``, or the EmotionError that explains why not.

        Yields what the task yields meanwhile.
        """
        tasks: dict[str, Callable[..., Any]] = {
            "predict": self.predict,
            "compare": self.compare,
            "study": self.study,
            "job": self.job,
        }
        try:
            result = tasks[task](**values)
            return (yield from result) if isgenerator(result) else result
        except EmotionError as error:
            return error
        except Exception as error:  # noqa: BLE001  # the process must outlive any one request
            log_unexpected(error, what=task)
            return RunError(f"That went wrong unexpectedly ({type(error).__name__}): the server's log has the details.")

    def predict(self, run: Run, picture: Path, *, name: str) -> Prediction:
        """Return what a run says of one picture file.

        Raises:
            EmotionError: the picture or the run cannot be used.
        """
        return self._classifier(run).predict(picture, name=name)

    def compare(self, run: Run, request: Request) -> tuple[Comparison, Path]:
        """Score samples of several sets and keep the comparison in the run folder.

        Raises:
            EmotionError: a set, its sample or the run cannot be used.
        """
        classifier = self._classifier(run)
        known = trained_on(run)
        comparison = compare(
            classifier.score,
            request,
            run=run,
            classes=classifier.classes,
            precision=classifier.precision,
            find_twins=known.twins,
            checked=known.checked,
        )
        return comparison, save_comparison(comparison, run=run)

    def study(self, study: Study[Any]) -> Generator[Progress, None, Any]:
        """Carry out a study of a run.

        Raises:
            EmotionError: it cannot be answered.
        """
        return (yield from study.carry_out(RunJudge(study.run, self._classifier(study.run))))

    def job(self, job: Job[Any]) -> Generator[Progress, None, Any]:
        """Carry out a job, which needs no run.

        Raises:
            EmotionError: it cannot be done.
        """
        return (yield from job.carry_out())

    def _classifier(self, run: Run) -> Classifier:
        try:
            stat = (run.checkpoint / "model.safetensors").stat()
            written, size = stat.st_mtime, stat.st_size
        except OSError:
            written, size = 0.0, 0
        key = (run.path.absolute(), written)
        found = self._loaded.pop(key, None)
        if found is None:
            self._make_room(size)
            found = size, Classifier(run)
        self._loaded[key] = found
        return found[1]

    def _make_room(self, size: int) -> None:
        """Drop what was used longest ago before another model of so many bytes is loaded: never one model too many."""
        while self._loaded and (
            len(self._loaded) >= self._most or size + sum(each for each, _ in self._loaded.values()) > MOST_BYTES
        ):
            del self._loaded[next(iter(self._loaded))]
