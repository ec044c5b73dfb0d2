"""The training queue: one training at a time, each in its own process, with owners taking turns."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from emotion.core import files as locks
from emotion.core.config import preset
from emotion.core.errors import EmotionError, RunError
from emotion.core.events import RunFailed, RunStopped
from emotion.core.owners import OF_THE_SERVER, owner_of
from emotion.data.drawn import DRAWN_FOLDER
from emotion.runs.folder import create_run, list_runs
from emotion.runs.run import About, Run
from emotion.server.logs import log, log_unexpected
from emotion.server.model_process import NICENESS, start_process
from emotion.server.visitors import GOING_ON

# Time limits of a training asked to stop, and of saving the best epoch of a killed one.
GRACE_SECONDS, RESCUE_SECONDS = 10.0, 600.0
# Validating a large set on a slow machine may take long without an event.
SILENT_SECONDS = 3_600.0
LOOK_SECONDS = 0.2
NEVER_BEGAN = (
    "Its process ended before it could begin, perhaps for want of memory or of room on the disk: make room, or choose "
    "a smaller backbone, and start it again."
)
HUNG = "It told nothing for {minutes:.0f} minutes and was ended: resume it, or start it again with less to do."


class TrainingQueue:
    """Trains runs in turn. Visitors' requests are stored in the run's folder, so that any server can take it up."""

    def __init__(self) -> None:
        self._waiting: list[Run] = []
        # When each owner's last training had its turn.
        self._served: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._training: BaseProcess | None = None
        threading.Thread(target=self._train_in_turn, name="trainer", daemon=True).start()

    def add(self, run: Run) -> None:
        """Queue a run, and return at once."""
        with self._changed:
            self._waiting.append(run)
            self._changed.notify()

    def take_up(self, folder: Path) -> None:
        """Queue the runs that an earlier server left queued in the folder of runs, oldest first."""
        for run in reversed(list_runs(folder)):
            if run.status() == "queued":
                self.add(run)

    def add_first_run(self, folder: Path) -> None:
        """Queue a run on the drawn people, unless the server has one of its own that can predict or is on its way.

        One that failed or was cut off goes on, so that repeated failed starts, say without a network, leave one folder.
        Of several servers that share a folder of runs, one starts it.
        Raises RunError if the folder of runs cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(BlockingIOError), locks.hold(folder / ".first-run"):
                own = [run for run in list_runs(folder) if owner_of(run.path) == OF_THE_SERVER]
                if not any(run.status() in GOING_ON or (run.checkpoint / "config.json").is_file() for run in own):
                    self.add(_first_run(folder, own))
        except OSError as error:
            raise RunError(f"No run can be written to {folder} ({error.strerror}): make room, start again.") from error

    def place(self, run: Run) -> int | None:
        """Return a queued run's place, from 1; None if it is not queued here."""
        with self._changed:
            waiting = self._in_turn()
        return waiting.index(run) + 1 if run in waiting else None

    def close(self) -> None:
        """End the current training; queued runs stay queued."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._training is not None:
            self._training.terminate()

    def _in_turn(self) -> list[Run]:
        """Return what waits in the order of its turns: owners alternate, and those served last come last."""
        rounds, turns = Counter[str](), dict[Run, tuple[int, float]]()
        for run in self._waiting:
            owner = owner_of(run.path).owner
            turns[run] = (rounds[owner], self._served.get(owner, 0.0))
            rounds[owner] += 1
        return sorted(turns, key=turns.__getitem__)

    def _train_in_turn(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                run = self._in_turn()[0]
                self._waiting.remove(run)
                owner = owner_of(run.path).owner
                self._served[owner] = time.monotonic()
            try:
                # It may have been withdrawn meanwhile, or trained on the command line.
                if run.stop_requested():
                    _withdraw(run)
                elif run.status() == "queued":
                    self._train(run, owner)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next run has its turn
                log_unexpected(error, what="training")
                with contextlib.suppress(OSError):
                    _fail(run, NEVER_BEGAN)

    def _train(self, run: Run, owner: str) -> None:
        began = time.monotonic()
        log("training started", visitor=owner, run=run.name)
        self._training = start_process(_train, run, niceness=NICENESS)
        if self._closing:
            # Closed while it started.
            self._training.terminate()
        hung = self._watch(self._training, run)
        self._training.join()
        if self._closing:
            return
        if run.stop_requested() and run.status() in ("queued", "interrupted"):
            # Killed after the grace period: a stop, not an accident, so its best epoch is saved.
            _keep_best(run)
        elif hung:
            _fail(run, HUNG.format(minutes=SILENT_SECONDS / 60))
        elif run.status() == "queued":
            _fail(run, NEVER_BEGAN)
        outcome = {"finished": "done", "stopped": "stopped"}.get(run.status(), "failed")
        seconds = round(time.monotonic() - began, 3)
        log("training ended", outcome=outcome, visitor=owner, run=run.name, seconds=seconds)

    def _watch(self, process: BaseProcess, run: Run) -> bool:
        """Wait until a training has ended; return whether it was killed because it was silent for too long.

        One that was asked to stop has a moment for it.
        """
        told, since, is_asked = run.last_event(), time.monotonic(), False
        while not wait([process.sentinel], timeout=LOOK_SECONDS):
            self._withdraw_waiting()
            last, now = run.last_event(), time.monotonic()
            if not is_asked and (last != told or run.stop_requested()):
                told, since, is_asked = last, now, run.stop_requested()
            if now > since + (GRACE_SECONDS if is_asked else SILENT_SECONDS):
                process.kill()
                return not is_asked
        return False

    def _withdraw_waiting(self) -> None:
        with self._changed:
            withdrawn = [run for run in self._waiting if run.stop_requested()]
            self._waiting = [run for run in self._waiting if run not in withdrawn]
        # Outside the lock: saving a best epoch takes a process of its own.
        for run in withdrawn:
            _withdraw(run)


def _first_run(folder: Path, own: list[Run]) -> Run:
    """Return the first run: one of the server's ``own`` to go on with, or a new one."""
    wanted = preset("Quick", pictures=str(DRAWN_FOLDER / "human_train"))
    for run in own:
        with contextlib.suppress(EmotionError):  # Perhaps of another version: make a new one.
            if run.can_resume() and run.config() == wanted:
                run.queue_again()
                return run
    run = create_run(wanted, root=folder)
    run.describe(About(note="Trained by this server itself when it started without a run."))
    return run


def _withdraw(run: Run) -> None:
    """Record that a queued run was stopped; a resumed one saves its best epoch."""
    if run.events():
        _keep_best(run)
    else:
        run.append(RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None))


def _keep_best(run: Run) -> None:
    """Record, in a process of its own, that a run was stopped, and save its best epoch if it has one."""
    process = start_process(_rescue, run)
    process.join(RESCUE_SECONDS)
    process.kill()


def _fail(run: Run, message: str) -> None:
    """Record why a run ended, unless its own events do."""
    last = run.last_event()
    if run.status() in ("queued", "interrupted"):
        run.append(RunFailed(elapsed_seconds=last.elapsed_seconds if last else 0.0, message=message))


def _train(run: Run) -> None:
    from emotion.training.session import train_run

    for _ in train_run(run):
        pass


def _rescue(run: Run) -> None:
    from emotion.training.session import rescue_run

    rescue_run(run)
