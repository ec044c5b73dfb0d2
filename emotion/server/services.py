"""What the page and the endpoints ask of other processes, with the visitor's rights, turns and limits."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import IO, TypeVar

from emotion.analysis import Comparison, Request
from emotion.analysis.study import Task
from emotion.core.config import TrainConfig
from emotion.core.errors import RefusedError, RunError
from emotion.core.owners import owner_of
from emotion.core.prediction import Prediction
from emotion.core.progress import Job, Progress, result_of
from emotion.data.decoding import is_large
from emotion.data.sets import sets_folder
from emotion.runs.folder import create_run, list_runs
from emotion.runs.run import Run
from emotion.runs.sweep import SweepMember
from emotion.server.limits import PublicLimits, require_share
from emotion.server.logs import log, logged
from emotion.server.model_process import NICENESS, PREDICTION_SECONDS, ModelProcess, carry_out, compare_sets, predict
from emotion.server.queue import TrainingQueue
from emotion.server.visitors import GOING_ON, Room, Turns, as_seen_by

R = TypeVar("R")
# About the most disk space that a run with a small backbone takes before its end.
RUN_BYTES = 250_000_000
NO_COOKIE = "This public server knows its visitors by a cookie, and yours sent none: allow cookies and reload the page."
NOT_OFFERED = "Those pictures are not offered to you here: choose one of the picture sets in the list."


class Services(contextlib.AbstractContextManager["Services"]):
    """Everything done outside the server's own process. A context manager: leaving it ends the processes.

    ``visitor`` and ``address`` return the current visitor and address; a visitor None is the user of the machine, who
    has access to everything. With the ``limits`` of a public server, only pictures in the folders of ``offered`` may be
    used, and runs, sets and the folders ``elsewhere`` share the disk's room.
    """

    def __init__(
        self,
        runs_folder: Path,
        *,
        limits: PublicLimits | None = None,
        visitor: Callable[[], str | None] = lambda: None,
        address: Callable[[], str] = lambda: "",
        offered: Callable[[], Iterable[Path]] = lambda: (),
        elsewhere: Sequence[Path] = (),
    ) -> None:
        self.runs_folder, self.queue = runs_folder, TrainingQueue()
        self._limits, self._visitor, self._address, self._offered = limits, visitor, address, offered
        self.room = Room([runs_folder, sets_folder()], elsewhere, limit=limits.disk_gigabytes * 1e9) if limits else None
        # No prediction waits for a slow file, a comparison or a study.
        self._predictor = ModelProcess()
        self._slow_predictor, self._comparer, self._student = (ModelProcess(niceness=NICENESS) for _ in range(3))
        self._processes = {self._predictor, self._slow_predictor, self._comparer, self._student}
        self._turns = Turns()
        self._is_closed = False
        # Held while trainings are counted and started.
        self._starting = threading.Lock()
        # Visitors who have started something, by address; lost at a restart.
        self._neighbours: defaultdict[str, set[str]] = defaultdict(set)

    def warm_up(self) -> None:
        """Start the predictor in the background, with the imports from which trainings are forked."""
        threading.Thread(target=self._predictor.start, name="warm-up", daemon=True).start()

    def start_training(self, config: TrainConfig, *, sweep: SweepMember | None = None) -> Run:
        """Create a run of the visitor's and queue its training; return at once. ``sweep`` is its place in a sweep.
        Raises EmotionError if it cannot be started or a limit is reached.
        """
        visitor = self._visitor()
        with self._starting:
            self._require_offered([Path(config.pictures)])
            self._require_turn(config, visitor)
            run = create_run(config, root=self.runs_folder, sweep=sweep, owner=visitor)
        self.queue.add(run)
        log("training queued", visitor=visitor, run=run.name, epochs=config.epochs)
        return run

    def resume_training(self, run: Run) -> None:
        """Queue the visitor's own interrupted run to be resumed; return at once.
        Raises EmotionError if it cannot be resumed, belongs to another visitor, or a limit is reached.
        """
        visitor = self._visitor()
        with self._starting:
            own = as_seen_by(visitor, run)
            own.require_own()
            self._require_turn(own.config(), visitor, is_new=False)
            try:
                own.queue_again()
            except OSError as error:
                raise RunError(f"{run.name} cannot be written ({error.strerror}): make room first.") from error
        self.queue.add(own)
        log("training resumed", visitor=visitor, run=run.name)

    def predict(self, run: Run, picture: Path | IO[bytes], *, name: str = "") -> Prediction:
        """Return a run's prediction for a picture; ``name`` is its name in error messages.
        Raises EmotionError if the picture or the run cannot be used, or too many predictions are waiting.
        """
        visitor = self._visitor()
        with contextlib.ExitStack() as stack:
            if isinstance(picture, Path):  # Those of a live camera would fill the log.
                stack.enter_context(logged("prediction", visitor=visitor, run=run.name))
            if visitor is not None:
                stack.enter_context(self._turns.one_of(visitor, address=self._address()))
            seen = as_seen_by(visitor, run)
            process = self._slow_predictor if is_large(picture, name=name) else self._predictor
            return result_of(process.stream(predict, seen, picture, name, seconds=PREDICTION_SECONDS))

    def comparing(self, run: Run, request: Request) -> Generator[Progress, None, tuple[Comparison, Path]]:
        """Score samples of sets that the visitor may use; return the comparison and its file. Closing it ends it.
        Raises EmotionError if a set, its sample or the run cannot be used.
        """
        visitor = self._visitor()
        with logged("comparison", visitor=visitor, run=run.name, sets=len(request.sets)):
            self._require_offered(request.sets.values())
            seen = as_seen_by(visitor, run)
            return (yield from self._comparer.stream(compare_sets, seen, request))

    def study(self, study: Task[R]) -> Generator[Progress, None, R]:
        """Carry out a study of a run that the visitor may use. Closing it ends the study.
        Raises EmotionError if it cannot be answered.
        """
        visitor = self._visitor()
        as_seen_by(visitor, study.run)
        with logged("study", visitor=visitor, run=study.run.name, what=getattr(study, "study", type(study).__name__)):
            result: R = yield from self._student.stream(carry_out, study)
            return result

    def do(self, job: Job[R]) -> Generator[Progress, None, R]:
        """Carry out a job in its own process, with room for what it may write. Closing it ends the job.
        Raises EmotionError if it fails, or there is no room.
        """
        visitor, process = self._visitor(), ModelProcess(niceness=NICENESS)
        with logged("job", visitor=visitor, what=type(job).__name__), contextlib.ExitStack() as stack:
            if self._limits and self.room:
                who, near = self._known(visitor)
                self.room.require(visitor=who, near=near)
                stack.enter_context(self.room.reserved(self._limits.set_megabytes * 1_000_000))
            self._processes.add(process)
            stack.callback(self._processes.discard, process)
            stack.callback(process.end)
            if self._is_closed:
                process.end()
            return (yield from process.stream(job.carry_out))

    def close(self) -> None:
        """End all processes; queued runs stay queued."""
        self.queue.close()
        self._is_closed = True
        for process in list(self._processes):
            process.end()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_offered(self, folders: Iterable[Path]) -> None:
        """Check that a public server offers these folders."""
        offered = {folder.absolute() for folder in self._offered()} if self._limits else set()
        if self._limits and not all(folder.absolute() in offered for folder in folders):
            raise RefusedError(NOT_OFFERED)

    def _require_turn(self, config: TrainConfig, visitor: str | None, *, is_new: bool = True) -> None:
        """Check that the limits of a public server, its queue and its disk allow the visitor another training."""
        if self._limits and self.room:
            self._limits.check(config)
            who, near = self._known(visitor)
            runs = [(owner_of(run.path).owner, run.status() in GOING_ON) for run in list_runs(self.runs_folder)]
            going, kept = Counter(owner for owner, goes_on in runs if goes_on), Counter(owner for owner, _ in runs)
            most, in_all = self._limits.queued, self._limits.queued_in_all
            require_share("trainings waiting or going on", going, who, near, most=most, in_all=in_all)
            if is_new:
                require_share("runs", kept, who, near, most=self._limits.runs)
            self.room.require(RUN_BYTES * (going.total() + 1), visitor=who, near=near)

    def _known(self, visitor: str | None) -> tuple[str, set[str]]:
        """Return the visitor, and all of the same address. Raises RefusedError for one without a cookie."""
        if not visitor:
            raise RefusedError(NO_COOKIE)
        near = self._neighbours[self._address()]
        near.add(visitor)
        return visitor, near
