"""Faults made on purpose: killed and starved trainings, a full disk, a killed server; and room made for more runs."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from soak_place import Place
from soak_record import FILLED, SERVER_KILLED, Record
from soak_server import Server

from emotion.run import Run
from emotion.runs import list_runs

FULL_SECONDS = 3.0
# Beyond what a training has mapped when it is found: too little for what it does next.
STARVED_BYTES = 4_000_000
LOOK_SECONDS = 0.1
LONG_SECONDS, PACE_SECONDS = 120.0, 10.0
KEPT_RUNS = 12
ENDED = ("finished", "stopped", "failed", "interrupted")


class Faults:
    """Makes one fault after another in seeded disorder until the soak ends."""

    def __init__(self, place: Place, server: Server, record: Record, *, seed: int, ended: threading.Event) -> None:
        self._place, self._server, self._record, self._ended = place, server, record, ended
        self._rng = random.Random(f"{seed}/faults")

    def live(self, *, seconds: float) -> None:
        """Make one fault after another."""
        for at, fault in self._plan(seconds):
            if self._ended.wait(max(0.0, self._record.began + at - time.monotonic())):
                return
            fault()
            self.make_room()

    def _plan(self, seconds: float) -> list[tuple[float, Callable[[], None]]]:
        """Return when what goes wrong: the server early, so that what comes after lasts long enough to be measured."""
        if seconds < LONG_SECONDS:
            return [
                (0.15 * seconds, self.fill_disk),
                (0.3 * seconds, self.kill_training),
                (0.45 * seconds, self.kill_server),
                (0.8 * seconds, self.starve_training),
            ]
        plan = [(self._rng.uniform(0.1, 0.3) * seconds, self.kill_server) for _ in range(2)]
        fills = max(1, int(seconds / 150))
        plan += [(seconds * (number + 0.5) / fills, self.fill_disk) for number in range(fills)]
        at = PACE_SECONDS
        while at < seconds - PACE_SECONDS:
            plan.append((at, self._rng.choice([self.kill_training, self.kill_training, self.starve_training])))
            at += self._rng.uniform(0.6, 1.4) * PACE_SECONDS
        return sorted(plan, key=lambda each: each[0])

    def kill_server(self) -> None:
        """Kill the server and start it again."""
        self._record.fault(SERVER_KILLED)
        self._server.kill()
        self._server.start()
        self._record.starts.append(time.monotonic())

    def kill_training(self) -> None:
        """Kill the training in hand, if one comes along in time."""
        for process, run in self._trainer():
            self._record.killed.add(run)
            process.kill()
            self._record.fault("killed a training")

    def starve_training(self) -> None:
        """Let the training in hand have hardly any more memory."""
        for process, run in self._trainer():
            limit = process.memory_info().vms + STARVED_BYTES
            self._record.starved.add(run)
            # It may be over by now. Only the soft limit is set: one starved before may be given a higher one again.
            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_AS)
                resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, hard))
                self._record.fault("took the memory from a training")

    def fill_disk(self) -> None:
        """Fill the disk for some seconds."""
        if not self._place.is_limited:
            return
        filler = self._place.disk / "filler"
        end = time.monotonic() + FULL_SECONDS
        self._record.fault(FILLED)
        try:
            with filler.open("wb", buffering=0) as file:
                while not self._ended.wait(LOOK_SECONDS) and time.monotonic() < end:
                    for size in (1 << 22, 1 << 12, 1):
                        with contextlib.suppress(OSError):
                            while True:
                                file.write(bytes(size))
        finally:
            filler.unlink()

    def make_room(self) -> None:
        """Delete the oldest runs that have ended, as a person does who tidies up."""
        ended = [
            run for run in list_runs(self._place.runs) if run.status() in ENDED and (run.path / "owner.json").exists()
        ]
        for run in ended[KEPT_RUNS:]:
            aside = self._place.runs / f".gone-{run.name}"
            with contextlib.suppress(OSError):
                run.path.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
                self._record.retired += 1

    def _trainer(self) -> list[tuple[psutil.Process, str]]:
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline and not self._ended.wait(LOOK_SECONDS):
            with contextlib.suppress(psutil.Error):
                found = [(process, name) for process, name in self._server.trainers() if self._is_at_it(name)]
                if found:
                    return found[:1]
        return []

    def _is_at_it(self, name: str) -> bool:
        # The predictor and the page look at locks too, for a moment.
        return Run(Path(self._place.runs / name)).status() == "running"
