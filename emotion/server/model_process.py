"""Processes that hold loaded models to predict, compare and study: the server's side and the process's own."""

from __future__ import annotations

import contextlib
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

if TYPE_CHECKING:
    from emotion.inference.classifier import Classifier

R = TypeVar("R")
PRELOAD = "emotion.training.preload"
# The forkserver forks children from a process that has imported everything; Windows has no fork.
CONTEXT = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
# Enough to give predictions priority. From 10 on, feature extraction nearly stops next to other busy programs, since
# its threads wait for the slowest one.
NICENESS = 5
# Enough for two ViT-B/16; with the process's own memory that stays below 1.5 GB.
MOST_BYTES = 750_000_000
# After this long without an answer the process counts as hung. A comparison is silent until its end.
PREDICTION_SECONDS, SILENT_SECONDS = 120.0, 1_800.0


def start_process(target: Callable[..., object], *given: object, niceness: int = 0) -> BaseProcess:
    """Start a child process that ends with this one, forked from a process that has imported ``PRELOAD``.

    A ``niceness`` above 0 lowers its priority.
    """
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload([PRELOAD])
    process = CONTEXT.Process(target=_guarded, args=(target, given, niceness))  # type: ignore[attr-defined]
    process.start()
    return process  # type: ignore[no-any-return]


class ModelProcess:
    """One process, started on demand, that holds the last ``loaded`` checkpoints. Calls run one at a time."""

    def __init__(self, *, niceness: int = 0, loaded: int = 1) -> None:
        self._niceness, self._loaded = niceness, loaded
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_over = False

    def start(self) -> None:
        """Start the process unless it runs or has ended for good."""
        with self._lock, contextlib.suppress(RunError):
            self._ready()

    def call(self, task: Callable[..., Any], *given: object, seconds: float | None = None) -> Any:
        """Run a task, one of the functions below, in the process and return its result.
        Raises EmotionError if the task does, the process dies, or it is silent for ``seconds``.
        """
        return result_of(self.stream(task, *given, seconds=seconds))

    def stream(
        self, task: Callable[..., Any], *given: object, seconds: float | None = None
    ) -> Generator[Any, None, Any]:
        """Like ``call``, yielding what the task yields. Closing it early ends the process.
        Raises EmotionError as ``call``.
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
                    # It may be in the middle of work that is no longer needed.
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

    def end(self) -> None:
        """End the process and start no other."""
        self._is_over = True
        self.close()

    def _ready(self) -> Connection:
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._connection, theirs = CONTEXT.Pipe()
            self._process = start_process(_serve, theirs, self._loaded, niceness=self._niceness)
            # If it stayed open here, the death of the process would not be noticed.
            theirs.close()
        # Also if the server began to end meanwhile: at its exit it would wait for this process forever.
        if self._is_over:
            self.close()
            raise RunError("The server is ending: try again in a moment.")
        return self._connection


class Models:
    """The classifiers used last: ``most``, or fewer if they exceed ``MOST_BYTES`` together."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        # In order of use, by path and modification time; with the size in bytes.
        self._loaded: dict[tuple[Path, float], tuple[int, Classifier]] = {}

    def of(self, run: Run) -> Classifier:
        """Return a run's classifier, loading it if needed. Raises EmotionError if the run cannot be used."""
        from emotion.inference.classifier import Classifier

        try:
            stat = (run.checkpoint / "model.safetensors").stat()
            written, size = stat.st_mtime, stat.st_size
        except OSError:
            written, size = 0.0, 0
        key = (run.path.absolute(), written)
        found = self._loaded.pop(key, None)
        if found is None:
            # Make room before loading another one, so that there is never one too many.
            while self._loaded and (
                len(self._loaded) >= self._most or size + sum(each for each, _ in self._loaded.values()) > MOST_BYTES
            ):
                del self._loaded[next(iter(self._loaded))]
            found = size, Classifier(run)
        self._loaded[key] = found
        return found[1]


def predict(models: Models, run: Run, picture: Path | IO[bytes], name: str = "") -> Prediction:
    """Return a run's prediction for one picture, a file or its content; ``name`` is its name in error messages.
    Raises EmotionError if the picture or the run cannot be used.
    """
    return models.of(run).predict(picture, name=name)


def compare_sets(models: Models, run: Run, request: Request) -> Generator[Progress, None, tuple[Comparison, Path]]:
    """Score samples of several sets; return the comparison and its file in the run folder.
    Raises EmotionError if a set, its sample or the run cannot be used.
    """
    comparison = yield from compare(Judge(run, models.of(run)), request)
    return comparison, save_comparison(comparison, run=run)


def carry_out(models: Models, study: Task[R]) -> Generator[Progress, None, R]:
    """Carry out a study of a run; yield its progress and return the answer.
    Raises EmotionError if it cannot be answered.
    """
    return (yield from study.carry_out(Judge(study.run, models.of(study.run))))


def do_job(models: Models, job: Job[R]) -> Generator[Progress, None, R]:
    """Carry out a job, which needs no model; yield its progress and return its result.
    Raises EmotionError if it fails.
    """
    return (yield from job.carry_out())


def _serve(connection: Connection, loaded: int) -> None:
    """Do one task after another until the connection closes."""
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
    """Return a task's result, or the EmotionError that explains its failure: no error ends the process."""
    try:
        result = task(models, *given)
        return (yield from result) if isgenerator(result) else result
    except EmotionError as error:
        return error
    except Exception as error:  # noqa: BLE001  # the process must outlive any one task
        log_unexpected(error, what=task.__name__)
        return RunError(f"That went wrong unexpectedly ({type(error).__name__}): the server's log has the details.")


def _guarded(target: Callable[..., object], given: tuple[object, ...], niceness: int) -> None:
    # Ctrl+C in the terminal reaches child processes too: the server ends them in its own order.
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
