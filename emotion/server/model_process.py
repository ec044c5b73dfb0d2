"""Processes that predict, compare and study with loaded models, seen from the server and from within. No torch here."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from inspect import isgenerator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from emotion.analysis import Comparison, Request, compare, save_comparison
from emotion.analysis.study import Judge, Task
from emotion.core.errors import EmotionError, RunError
from emotion.core.format import duration
from emotion.core.prediction import Prediction
from emotion.core.progress import Job, Progress, result_of
from emotion.runs.run import Run
from emotion.server.logs import log_unexpected, start_logging
from emotion.training.shipped import trained_on

if TYPE_CHECKING:
    from emotion.inference.classifier import Classifier

R = TypeVar("R")
PRELOAD = "emotion.training.preload"
# The forkserver forks children from a process that has imported everything; Windows has no fork.
CONTEXT = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
# Enough for a prediction to go first. At 10 and above a look at pictures all but stands still beside other busy
# programs: its threads wait for the slowest of them.
NICENESS = 5
# Two of ViT-B/16 find room; with what a process takes anyway that stays below 1.5 GB.
MOST_BYTES = 750_000_000
# Whoever hears nothing for so long waits for something that hangs. A comparison says nothing until its end.
PREDICTION_SECONDS, SILENT_SECONDS = 120.0, 1_800.0


def start_process(target: Callable[..., object], *given: object, niceness: int = 0) -> BaseProcess:
    """Start a child that ends with this process, forked from one that has imported ``PRELOAD``.

    With a ``niceness`` above 0 it gives way to others that want the processor.
    """
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload([PRELOAD])
    process = CONTEXT.Process(target=_guarded, args=(target, given, niceness))  # type: ignore[attr-defined]
    process.start()
    return process  # type: ignore[no-any-return]


class ModelProcess:
    """One process that keeps the ``loaded`` last used checkpoints, started when it is needed. Calls wait in line."""

    def __init__(self, *, niceness: int = 0, loaded: int = 1) -> None:
        self._niceness, self._loaded = niceness, loaded
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            self._ready()

    def call(self, task: Callable[..., Any], *given: object, seconds: float | None = None) -> Any:
        """Let the process do a task, one of the functions below, and return its result.

        Raises:
            EmotionError: as the task raised it, or the process died or told nothing for so many ``seconds``.
        """
        return result_of(self.stream(task, *given, seconds=seconds))

    def stream(
        self, task: Callable[..., Any], *given: object, seconds: float | None = None
    ) -> Generator[Any, None, Any]:
        """Do the same and yield what the task yields meanwhile. Whoever closes it early ends the process.

        Raises:
            EmotionError: as ``call``.
        """
        patience = SILENT_SECONDS if seconds is None else seconds
        with self._lock:
            is_done = False
            try:
                connection = self._ready()
                connection.send((task, given))
                while not is_done:
                    if not connection.poll(patience):
                        raise RunError(f"That took over {duration(patience)} and was ended: try again with less.")
                    is_done, answer = connection.recv()
                    if not is_done:
                        yield answer
            except (EOFError, OSError) as error:
                raise RunError("The model's process ended, perhaps for want of memory: try again.") from error
            finally:
                if not is_done:
                    # It may be in the middle of something that nobody waits for any more.
                    self.close()
        if isinstance(answer, EmotionError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None

    def _ready(self) -> Connection:
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._connection, theirs = CONTEXT.Pipe()
            self._process = start_process(_serve, theirs, self._loaded, niceness=self._niceness)
            # Kept open here, the far end would never look closed when the process dies.
            theirs.close()
        return self._connection


class Models:
    """The classifiers that were used last: ``most``, or fewer where they have more than ``MOST_BYTES`` together."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        # The last used one last, by its path and when it was written; with its size in bytes.
        self._loaded: dict[tuple[Path, float], tuple[int, Classifier]] = {}

    def of(self, run: Run) -> Classifier:
        """Return a run's classifier, loaded unless it is here.

        Raises:
            EmotionError: the run cannot be used.
        """
        from emotion.inference.classifier import Classifier

        try:
            stat = (run.checkpoint / "model.safetensors").stat()
            written, size = stat.st_mtime, stat.st_size
        except OSError:
            written, size = 0.0, 0
        key = (run.path.absolute(), written)
        found = self._loaded.pop(key, None)
        if found is None:
            # Room is made before another one is loaded: never one too many.
            while self._loaded and (
                len(self._loaded) >= self._most or size + sum(each for each, _ in self._loaded.values()) > MOST_BYTES
            ):
                del self._loaded[next(iter(self._loaded))]
            found = size, Classifier(run)
        self._loaded[key] = found
        return found[1]


def predict(models: Models, run: Run, picture: Path | IO[bytes], name: str = "") -> Prediction:
    """Return what a run says of one picture, a file or its content, which is called ``name`` in a message about it.

    Raises:
        EmotionError: the picture or the run cannot be used.
    """
    return models.of(run).predict(picture, name=name)


def compare_sets(models: Models, run: Run, request: Request) -> Generator[Progress, None, tuple[Comparison, Path]]:
    """Score samples of several sets; return the comparison and the file in the run folder that keeps it.

    Raises:
        EmotionError: a set, its sample or the run cannot be used.
    """
    classifier, known = models.of(run), trained_on(run)
    comparison = yield from compare(
        classifier.score,
        request,
        run=run,
        classes=classifier.classes,
        precision=classifier.precision,
        find_twins=known.twins,
        checked=known.checked,
    )
    return comparison, save_comparison(comparison, run=run)


def carry_out(models: Models, study: Task[R]) -> Generator[Progress, None, R]:
    """Carry out a study of a run; yield how far it is and return the answer.

    Raises:
        EmotionError: it cannot be answered.
    """
    return (yield from study.carry_out(Judge(study.run, models.of(study.run))))


def do_job(models: Models, job: Job[R]) -> Generator[Progress, None, R]:
    """Carry out a job, which needs no model; yield how far it is and return its result.

    Raises:
        EmotionError: it cannot be done.
    """
    return (yield from job.carry_out())


def _serve(connection: Connection, loaded: int) -> None:
    """Do one task after the other, for as long as somebody asks."""
    start_logging()
    models = Models(loaded)
    while True:
        try:
            task, given = connection.recv()
        except EOFError:
            return
        answer = result_of(_answer(task, models, given), tell=lambda step: connection.send((False, step)))
        connection.send((True, answer))


def _answer(task: Callable[..., Any], models: Models, given: tuple[Any, ...]) -> Generator[Any, None, Any]:
    """Return a task's result, or the EmotionError that says why there is none: no error ends the process."""
    try:
        result = task(models, *given)
        return (yield from result) if isgenerator(result) else result
    except EmotionError as error:
        return error
    except Exception as error:  # noqa: BLE001  # the process must outlive any one task
        log_unexpected(error, what=task.__name__)
        return RunError(f"That went wrong unexpectedly ({type(error).__name__}): the server's log has the details.")


def _guarded(target: Callable[..., object], given: tuple[object, ...], niceness: int) -> None:
    # Ctrl+C in the server's terminal reaches its children too: the server ends them, in its order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    target(*given)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
