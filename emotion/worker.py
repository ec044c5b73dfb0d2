"""The queue of trainings, each in a process of its own, and the predictor. Imports no torch itself."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from itertools import zip_longest
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from emotion.comparison import Comparison, Request
from emotion.config import TrainConfig
from emotion.data.decoding import is_large
from emotion.errors import RunError
from emotion.events import RunFailed, RunStopped
from emotion.job import Job, Progress
from emotion.owners import owner_of
from emotion.prediction import Prediction
from emotion.predictor import Predictor
from emotion.processes import start_process
from emotion.run import Run, Status
from emotion.runs import create_run, list_runs
from emotion.server.logs import Outcome, log, log_unexpected
from emotion.studies.study import Study
from emotion.sweep import SweepMember

R = TypeVar("R")
GRACE_SECONDS = 10.0
# Enough for a prediction to go first. At 10 and above a look at pictures all but stands still beside other busy
# programs: its threads wait for the slowest of them.
NICENESS = 5
# Of the small backbones: some 90 MB each, once it is asked for.
LOADED = 4
MOST_SERVED = 1_000
OUTCOMES: dict[Status, Outcome] = {"finished": "done", "stopped": "stopped"}
NEVER_BEGAN = (
    "Its process ended before it could begin, perhaps for want of memory: close other programs or choose a smaller "
    "backbone, and start it again."
)


class Workers:
    """Trains runs one after the other and keeps one predictor, each in a process of its own.

    Used as a context manager: leaving it ends the processes.
    """

    def __init__(self, *, runs_folder: Path) -> None:
        self.runs_folder = runs_folder
        self._waiting: deque[Run] = deque()
        # Whose trainings had their turns, the last one at the end.
        self._served: list[str] = []
        self._changed = threading.Condition()
        self._closing = False
        self._training: BaseProcess | None = None
        self._trainer = threading.Thread(target=self._train_in_turn, name="trainer", daemon=True)
        # Two runs that judge one picture side by side, or visitors by turns, do not wait for each other's loading.
        self._predictor = Predictor(loaded=LOADED)
        # Others do not wait for what takes a second to decode.
        self._slow_predictor = Predictor(niceness=NICENESS, loaded=LOADED)
        # A comparison takes seconds, and predictions do not wait for it either. Started when it is needed first.
        self._comparer = Predictor(niceness=NICENESS)
        # Started when it is needed first: a study may take a minute, and predictions do not wait for it.
        self._student = Predictor(niceness=NICENESS)
        self._hands: list[Predictor] = []
        self._trainer.start()

    def warm_up(self) -> None:
        """Start the predictor, and with it the imports that trainings are forked from, without waiting for it."""
        threading.Thread(target=self._predictor.start, name="warm-up", daemon=True).start()

    def start_training(self, config: TrainConfig, *, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
        """Make a run folder and train it as soon as no other training of ours runs; return at once.

        ``sweep`` is its place among runs that are started together, ``owner`` the hash of the visitor whose it is.

        Raises:
            RunError: the run folder cannot be written.
        """
        run = create_run(config, root=self.runs_folder, sweep=sweep, owner=owner)
        self._enqueue(run)
        return run

    def resume_training(self, run: Run) -> None:
        """Let a run that was cut off go on as soon as no other training of ours runs; return at once.

        Raises:
            RunError: it is finished or is being trained, or its folder cannot be written.
        """
        try:
            run.queue_again()
        except OSError as error:
            raise RunError(f"{run.name} cannot be written ({error.strerror}): make room first.") from error
        self._enqueue(run)

    def take_up_queue(self) -> None:
        """Train what an earlier server left queued in the folder, oldest first."""
        for run in reversed(list_runs(self.runs_folder)):
            if run.status() == "queued":
                self._enqueue(run)

    def queue_place(self, run: Run) -> int | None:
        """Return how many trainings of ours go before a waiting run; None if it does not wait here."""
        with self._changed:
            waiting = in_turn(self._waiting, served=self._served)
        return waiting.index(run) + 1 if run in waiting else None

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        """Return what a run says of one picture file, which is called ``name`` in a message about it.

        Raises:
            EmotionError: the picture or the run cannot be used.
        """
        predictor = self._slow_predictor if is_large(picture, name=name) else self._predictor
        prediction: Prediction = predictor.call("predict", run=run, picture=picture, name=name)
        return prediction

    def compare(self, run: Run, request: Request) -> tuple[Comparison, Path]:
        """Score samples of several sets; return the comparison and the file in the run folder that keeps it.

        Raises:
            EmotionError: a set, its sample or the run cannot be used.
        """
        result: tuple[Comparison, Path] = self._comparer.call("compare", run=run, request=request)
        return result

    def do(self, job: Job[R]) -> Generator[Progress, None, R]:
        """Carry out a job in a process of its own; yield how far it is and return its result. Closing it ends it.

        Raises:
            EmotionError: it cannot be done.
        """
        hand = Predictor(niceness=NICENESS)
        with self._changed:
            self._hands.append(hand)
        try:
            result: R = yield from hand.stream("job", job=job)
            return result
        finally:
            hand.close()
            with self._changed:
                self._hands.remove(hand)

    def study(self, study: Study[R]) -> Generator[Progress, None, R]:
        """Carry out a study of a run; yield how far it is and return the answer. Whoever closes it ends it.

        Raises:
            EmotionError: it cannot be answered.
        """
        result: R = yield from self._student.stream("study", study=study)
        return result

    def close(self) -> None:
        """End the training in hand and the predictor; what waits stays queued."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._training is not None and self._training.is_alive():
            self._training.terminate()
        self._predictor.close()
        self._slow_predictor.close()
        self._comparer.close()
        self._student.close()
        with self._changed:
            hands = list(self._hands)
        for hand in hands:
            hand.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enqueue(self, run: Run) -> None:
        with self._changed:
            self._waiting.append(run)
            self._changed.notify()

    def _train_in_turn(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                run = in_turn(self._waiting, served=self._served)[0]
                self._waiting.remove(run)
                owner = owner_of(run.path).owner
                self._served = [*(each for each in self._served if each != owner), owner][-MOST_SERVED:]
            try:
                # Meanwhile somebody may have withdrawn it, or trained it with the command line.
                if not _withdrawn(run) and run.status() == "queued":
                    self._train(run)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next run has its turn
                log_unexpected(error, what="training")
                _say_that_it_never_began(run, error)

    def _train(self, run: Run) -> None:
        whose, began = owner_of(run.path).owner, time.monotonic()
        log("training started", visitor=whose, run=run.name)
        self._see_through(run)
        outcome = OUTCOMES.get(run.status(), "failed")
        log("training ended", outcome=outcome, visitor=whose, run=run.name, seconds=time.monotonic() - began)

    def _see_through(self, run: Run) -> None:
        before = len(run.events())
        self._training = start_process(_train, run)
        asked_at: float | None = None
        while not wait([self._training.sentinel], timeout=0.2):
            with self._changed:
                self._waiting = deque(waiting for waiting in self._waiting if not _withdrawn(waiting))
            if asked_at is None and run.stop_requested():
                asked_at = time.monotonic()
            if asked_at is not None and time.monotonic() > asked_at + GRACE_SECONDS:
                self._training.kill()
        self._training.join()
        if self._closing:
            return
        if run.stop_requested() and run.status() in ("queued", "interrupted"):
            # Killed after the grace period: a stop and not an accident, so its best epoch is kept.
            _rescue_apart(run)
        elif run.status() == "queued" and len(run.events()) == before:
            # With more events it did begin, was cut off, and a visitor has queued it again already.
            run.append(RunFailed(elapsed_seconds=0.0, message=NEVER_BEGAN))


def in_turn(waiting: Iterable[Run], *, served: Sequence[str]) -> list[Run]:
    """Return runs in the order of their turns: owner after owner, whoever was ``served`` last at the end."""
    by_owner: dict[str, deque[Run]] = {}
    for run in waiting:
        by_owner.setdefault(owner_of(run.path).owner, deque()).append(run)
    owners = sorted(by_owner, key=lambda owner: served.index(owner) if owner in served else -1)
    rounds = zip_longest(*(by_owner[owner] for owner in owners))
    return [run for each in rounds for run in each if run is not None]


def _say_that_it_never_began(run: Run, error: Exception) -> None:
    """Write it down, but for a file that cannot be written: on a full disk, say, a run stays as it is."""
    if isinstance(error, OSError):
        return
    with contextlib.suppress(OSError):
        if run.status() == "queued":
            run.append(RunFailed(elapsed_seconds=0.0, message=NEVER_BEGAN))


def _withdrawn(run: Run) -> bool:
    """Write down that a waiting run was stopped, if it was; one that was to go on keeps its best epoch."""
    if not run.stop_requested():
        return False
    if run.events():
        _rescue_apart(run)
    else:
        run.append(RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None))
    return True


def _rescue_apart(run: Run) -> None:
    process = start_process(_rescue, run)
    process.join()


def _train(run: Run) -> None:
    if hasattr(os, "nice"):
        # Alone on the machine it is as fast; beside a prediction or a page it gives way.
        os.nice(NICENESS)
    from emotion.training.session import train_run

    for _ in train_run(run):
        pass


def _rescue(run: Run) -> None:
    from emotion.training.session import rescue_run

    rescue_run(run)
