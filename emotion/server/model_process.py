"""Processes that hold loaded models to predict, compare and study: the server's side and the process's own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

from emotion.analysis import Comparison, Request, compare, save_comparison
from emotion.analysis.study import Judge, Task
from emotion.core.errors import EmotionError, RunError
from emotion.core.format import duration
from emotion.core.prediction import Prediction
from emotion.core.progress import Progress, result_of
from emotion.runs.run import Run
from emotion.server.logs import log_unexpected, start_logging

if TYPE_CHECKING:
    from emotion.inference.classifier import Classifier

R = TypeVar("R")
Steps = Generator[Progress, None, R]
PRELOAD = "emotion.training.preload"
# The forkserver forks children from a process that has imported everything; Windows has no fork.
CONTEXT = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
# Enough to give predictions priority. From 10 on, feature extraction nearly stops next to other busy programs, since
# its threads wait for the slowest one.
NICENESS = 5
# Checkpoints that a process keeps loaded: two side by side. Two ViT-B/16 take 0.7 GB.
LOADED = 2
# After this long without an answer the process counts as hung. A comparison is silent until its end.
PREDICTION_SECONDS, SILENT_SECONDS = 120.0, 1_800.0
_loaded: dict[tuple[Run, float], Classifier] = {}


def start_process(target: Callable[..., object], *given: object, niceness: int = 0) -> BaseProcess:
    """Start a child process that ends with this one, forked from a process that has imported ``PRELOAD``.

    A ``niceness`` above 0 lowers its priority.
    """
    CONTEXT.set_forkserver_preload([PRELOAD])
    process = CONTEXT.Process(target=_guarded, args=(target, given, niceness))  # type: ignore[attr-defined]
    process.start()
    return process  # type: ignore[no-any-return]


class ModelProcess:
    """One process, started on demand. It does one task at a time and keeps checkpoints loaded between them."""

    def __init__(self, *, niceness: int = 0) -> None:
        self._niceness = niceness
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_over = False

    def start(self) -> None:
        """Start the process unless it runs or has ended for good."""
        with self._lock, contextlib.suppress(RunError):
            self._ready()

    def stream(self, task: Callable[..., Steps[R]], *given: object, seconds: float = 0.0) -> Steps[R]:
        """Run a task in the process: yield what it yields and return its result. Closing it early ends the process.
        Raises EmotionError if the task does, the process dies, or it is silent for ``seconds`` (0: SILENT_SECONDS).
        """
        patience, is_done = seconds or SILENT_SECONDS, False
        with self._lock:
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
                    self._kill()
        if isinstance(answer, EmotionError):
            raise answer
        return cast(R, answer)

    def end(self) -> None:
        """End the process and start no other."""
        self._is_over = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None

    def _ready(self) -> Connection:
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._connection, theirs = CONTEXT.Pipe()
            self._process = start_process(_serve, theirs, niceness=self._niceness)
            # If it stayed open here, the death of the process would not be noticed.
            theirs.close()
        # Also if the server began to end meanwhile: at its exit it would wait for this process forever.
        if self._is_over:
            self._kill()
            raise RunError("The server is ending: try again in a moment.")
        return self._connection


def predict(run: Run, picture: Path | IO[bytes], name: str = "") -> Steps[Prediction]:
    """Return a run's prediction for one picture, a file or its content; ``name`` is its name in error messages.
    Raises EmotionError if the picture or the run cannot be used.
    """
    yield from ()
    classifier = classifier_of(run)
    # A live camera keeps the browser and the server busy, too.
    classifier.leave_a_core()
    return classifier.predict(picture, name=name)


def compare_sets(run: Run, request: Request) -> Steps[tuple[Comparison, Path]]:
    """Score samples of several sets; return the comparison and its file in the run folder.
    Raises EmotionError if a set, its sample or the run cannot be used.
    """
    comparison = yield from compare(Judge(run, classifier_of(run)), request)
    return comparison, save_comparison(comparison, run=run)


def carry_out(study: Task[R]) -> Steps[R]:
    """Carry out a study of a run; yield its progress and return the answer.
    Raises EmotionError if it cannot be answered.
    """
    return (yield from study.carry_out(Judge(study.run, classifier_of(study.run))))


def classifier_of(run: Run) -> Classifier:
    """Return a run's classifier, which stays loaded. Raises EmotionError if the run cannot be used."""
    from emotion.inference.classifier import Classifier

    weights = run.checkpoint / "model.safetensors"
    # Trained further, it is another one.
    key = run, weights.stat().st_mtime if weights.is_file() else 0.0
    found = _loaded.pop(key, None)
    if found is None and len(_loaded) == LOADED:
        # Before another is loaded, so that there are never three.
        del _loaded[next(iter(_loaded))]
    # The last one used is the last.
    _loaded[key] = found or Classifier(run)
    return _loaded[key]


def _serve(connection: Connection) -> None:
    """Do one task after another until the connection closes; no error of a task ends the process."""
    start_logging()
    with contextlib.suppress(EOFError):
        while True:
            task, given = connection.recv()
            try:
                answer = result_of(task(*given), tell=lambda step: connection.send((False, step)))
            except EmotionError as error:
                answer = error
            except Exception as error:  # noqa: BLE001  # whatever it is, the next task has its turn
                log_unexpected(error, what=task.__name__)
                kind = type(error).__name__
                answer = RunError(f"That went wrong unexpectedly ({kind}): the server's log has the details.")
            connection.send((True, answer))


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
