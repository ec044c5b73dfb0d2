"""What visitors do, each on its own with pauses as people make them, and the faults made on purpose meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from helpers.run_folder import ENDS, runs_in, status_of
from helpers.visitors import OddError, RefusedError, Visitor
from soak_place import AWAY, DONE, FILLED, SERVER_KILLED, Call, Place, Record, Sample, Server

FULL_SECONDS, LOOK_SECONDS, PAUSE_SECONDS = 3.0, 0.1, 2.0
# Beyond what a training has mapped when it is found: too little for what it does next.
STARVED_BYTES = 4_000_000
LONG_SECONDS, PACE_SECONDS = 120.0, 10.0
KEPT_RUNS = 12
TRAINING_SET, COMPARED_SETS = "given/human_train", ["given/human_eval", "given/dog_eval"]
# How often each is done, of a hundred, and what a visitor may be told; everything else is odd.
ACTIONS: dict[str, tuple[int, set[str]]] = {
    "predict": (34, {"run_unknown", "run_unusable"}),
    "look": (26, {"run_unknown"}),
    "compare": (7, {"run_unknown", "run_unusable"}),
    "train": (7, {"run_unusable", "refused"}),
    "stop": (5, {"run_unknown"}),
    "bring": (3, {"import_refused", "refused"}),
    "bring what is bad": (5, {"import_refused", "refused"}),
    "ask nonsense": (5, {"setting_invalid", "picture_set_unknown", "upload_missing", "picture_unreadable"}),
    "reload": (8, set()),
}
NONSENSE: list[tuple[str, list[Any]]] = [
    ("train", ["given/human_train", "Quick", "", 0, 8, "", 42, False]),
    ("train", ["../../etc", "Quick", "", 2, 8, "", 42, False]),
    ("compare", [["given/dog_eval"], "", "happy", "many", 42, False]),
    ("predict", [{"path": "/etc/passwd"}, ""]),
    ("import_pictures", [None, "mine", "", False]),
]


def predict(visitor: Visitor, picture: Path, run: str = "") -> dict[str, Any]:
    """Return what a run says of a picture."""
    said: dict[str, Any] = visitor.ask("predict", visitor.upload(picture.name, picture.read_bytes()), run)
    return said


@dataclass
class Person:
    """A visitor with a character: seeded choices, pauses of ``pause`` seconds on average, and runs of their own."""

    number: int
    seed: int
    pause: float
    place: Place
    server: Server
    record: Record
    ended: threading.Event
    runs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed}/{self.number}")
        self.visitor = Visitor(self.server.site.url, enters=False)

    def live(self) -> None:
        self.ended.wait(self.rng.uniform(0, self.pause))
        self.do("reload")
        if self.number % 3 == 0:
            self.do("train")
        while not self.ended.wait(self.rng.expovariate(1 / self.pause)):
            if self.server.is_up.wait(1.0):
                [action] = self.rng.choices(list(ACTIONS), weights=[weight for weight, _ in ACTIONS.values()])
                self.do(action)

    def do(self, action: str) -> None:
        """Do one thing and note how it went."""
        at, kills, outcome, is_odd = time.monotonic(), self.server.kills, DONE, False
        try:
            getattr(self, action.replace(" ", "_"))()
        except RefusedError as error:
            is_odd = error.code not in ACTIONS[action][1]
            outcome = str(error) if is_odd else error.code
        except (httpx.TransportError, OddError) as error:
            # A server that goes away in the middle of an answer may have said half of it.
            was_away = self.server.kills != kills or not self.server.is_up.is_set()
            outcome, is_odd = (AWAY, False) if was_away else (f"{type(error).__name__}: {error}", True)
        self.record.calls.append(Call(action, at, time.monotonic() - at, outcome, is_odd))

    def predict(self) -> None:
        predict(self.visitor, self.rng.choice(self.place.pictures), self._some_run() if self.rng.random() < 0.5 else "")

    def reload(self) -> None:
        self.visitor.reload()

    def look(self) -> None:
        if not self.runs:
            self.visitor.ask("runs")
            self.visitor.ask("picture_sets")
            return
        run = self.rng.choice(self.runs)
        if self.visitor.ask("run_status", run)["status"] == "finished":
            self.ask_again(run)

    def ask_again(self, run: str) -> None:
        """Hold what a run says of the reference picture against what it said before."""
        self.record.compare_with_before(run, predict(self.visitor, self.place.pictures[0], run)["scores"])

    def compare(self) -> None:
        size, seed = self.rng.randint(2, 6), self.rng.randint(0, 99)
        said = self.visitor.ask("compare", COMPARED_SETS, self._some_run(), "happy", size, seed, False)
        if [each["n"] for each in said["samples"]] != [size, size]:
            raise OddError(f"a comparison of {size} pictures has {said['samples']}")

    def train(self) -> None:
        is_long = self.rng.random() < 0.4
        epochs, depth = (15, "2") if is_long else (self.rng.randint(2, 6), "head")
        batch, seed = self.rng.choice([4, 8, 16, 24]), self.rng.randint(0, 999)
        said = self.visitor.ask("train", TRAINING_SET, "Quick", "", epochs, batch, depth, seed, False)
        self.runs.append(said["run"])

    def stop(self) -> None:
        if self.runs:
            self.stop_run(self.runs[-1])

    def stop_run(self, run: str) -> None:
        """Stop a run. Noted first: it may be stopped and the answer lost."""
        self.record.asked_to_stop.add(run)
        self.visitor.ask("stop", run)

    def bring(self) -> None:
        name = f"{self.number} {self.rng.choice(['Rosa', 'Üzüm', '犬'])} {self.rng.randint(0, 9)}"
        archive = self.visitor.upload("dogs.zip", self.place.good_zip)
        said = self.visitor.ask("import_pictures", archive, name, "dog", False)
        if said["pictures"] != len(self.place.pictures[::4]):
            raise OddError(f"a set of {len(self.place.pictures[::4])} pictures came in as {said}")

    def bring_what_is_bad(self) -> None:
        name, content = self.rng.choice(list(self.place.bad_zips.items()))
        self.visitor.ask("import_pictures", self.visitor.upload(name, content), f"bad {self.number}", "", False)
        raise OddError(f"{name} became a set")

    def ask_nonsense(self) -> None:
        endpoint, values = self.rng.choice(NONSENSE)
        said = self.visitor.ask(endpoint, *values)
        raise OddError(f"{endpoint} took {values} and said {said}")

    def own_runs(self, *statuses: str) -> list[str]:
        return [each["run"] for each in self.visitor.ask("runs") if each["status"] in statuses]

    def count_sets(self) -> None:
        """Note every set of one's own that does not hold what was brought."""
        for found in self.visitor.ask("picture_sets"):
            if found["key"].startswith("saved/") and sum(found["classes"].values()) != len(self.place.pictures[::4]):
                self.record.torn_sets.append(f"{found['key']} holds {found['classes']}")

    def _some_run(self) -> str:
        finished = [run for run in self.runs if run in self.record.said]
        return self.rng.choice(finished) if finished else ""


class Faults:
    """Makes one fault after another in seeded disorder until the soak ends."""

    def __init__(self, place: Place, server: Server, record: Record, *, seed: int, ended: threading.Event) -> None:
        self._place, self._server, self._record, self._ended = place, server, record, ended
        self._rng = random.Random(f"{seed}/faults")

    def live(self, *, seconds: float) -> None:
        for at, fault in self._plan(seconds):
            if self._ended.wait(max(0.0, self._record.began + at - time.monotonic())):
                return
            fault()
            self.make_room()
        self._ended.wait(max(0.0, self._record.began + seconds - time.monotonic()))

    def _plan(self, seconds: float) -> list[tuple[float, Callable[[], None]]]:
        """Return when what goes wrong: the server early, so that what comes after lasts long enough to be measured."""
        if seconds < LONG_SECONDS:
            faults = (self.fill_disk, self.kill_training, self.kill_server, self.starve_training)
            return list(zip([share * seconds for share in (0.15, 0.3, 0.45, 0.8)], faults, strict=True))
        plan = [(self._rng.uniform(0.1, 0.3) * seconds, self.kill_server) for _ in range(2)]
        fills = max(1, int(seconds / 150))
        plan += [(seconds * (number + 0.5) / fills, self.fill_disk) for number in range(fills)]
        at = PACE_SECONDS
        while at < seconds - PACE_SECONDS:
            plan.append((at, self._rng.choice([self.kill_training, self.kill_training, self.starve_training])))
            at += self._rng.uniform(0.6, 1.4) * PACE_SECONDS
        return sorted(plan, key=lambda each: each[0])

    def kill_server(self) -> None:
        self._record.fault(SERVER_KILLED)
        self._server.end(signal.SIGKILL)
        self._server.start()
        self._record.starts.append(time.monotonic())

    def kill_training(self) -> None:
        for process, run in self._trainer():
            self._record.hurt.add(run)
            process.kill()
            self._record.fault("killed a training")

    def starve_training(self) -> None:
        """Let the training in hand have hardly any more memory."""
        for process, run in self._trainer():
            # It may be over by now. Only the soft limit is set: one starved before may be given a higher one again.
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                limit = process.memory_info().vms + STARVED_BYTES
                self._record.hurt.add(run)
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_AS)
                resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, hard))
                self._record.fault("took the memory from a training")

    def fill_disk(self) -> None:
        if not self._place.is_limited:
            return
        filler, end = self._place.disk / "filler", time.monotonic() + FULL_SECONDS
        self._record.fault(FILLED)
        with filler.open("wb") as file:
            while not self._ended.wait(LOOK_SECONDS) and time.monotonic() < end:
                disk = os.statvfs(self._place.disk)
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + disk.f_bavail * disk.f_bsize)
        filler.unlink()

    def make_room(self) -> None:
        runs = [run for run in runs_in(self._server.site.runs) if (run / "owner.json").exists()]
        for run in [run for run in runs if status_of(run) in (*ENDS.values(), "interrupted")][KEPT_RUNS:]:
            aside = run.with_name(f".gone-{run.name}")
            with contextlib.suppress(OSError):
                run.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
                self._record.retired += 1

    def _trainer(self) -> list[tuple[psutil.Process, str]]:
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline and not self._ended.wait(LOOK_SECONDS):
            # The page and the predictor look at locks too, for a moment.
            with contextlib.suppress(psutil.Error, AssertionError):
                if found := self._server.trainer():
                    return [found]
        return []


def sample(server: Server, record: Record, ended: threading.Event, *, every_seconds: float) -> None:
    """Take samples; a server that ends by itself ends the soak."""
    while not ended.wait(every_seconds):
        server.refuse_own_end()
        with contextlib.suppress(psutil.Error, OSError, AttributeError, AssertionError):
            process = psutil.Process(server.pid)
            own = process.memory_full_info().pss
            tree = own + sum(each.memory_full_info().pss for each in process.children(recursive=True))
            files, threads = process.num_fds(), process.num_threads()
            record.samples.append(Sample(time.monotonic(), server.kills, own, tree, files, threads))


def predict_alone(place: Place, server: Server, record: Record, run: str, *, count: int) -> None:
    """Take predictions while nobody else asks for anything."""
    with Visitor(server.site.url) as visitor:
        for picture in place.pictures[:count]:
            at = time.monotonic()
            predict(visitor, picture, run)
            record.idle.append(time.monotonic() - at)


def predict_under_load(place: Place, server: Server, record: Record, ended: threading.Event, run: str) -> None:
    """Take predictions while everybody does."""
    with Visitor(server.site.url) as visitor:
        for picture in itertools.cycle(place.pictures):
            if ended.wait(PAUSE_SECONDS):
                return
            at, kills, outcome, is_odd = time.monotonic(), server.kills, DONE, False
            try:
                predict(visitor, picture, run)
            except (httpx.TransportError, OddError, RefusedError) as error:
                if server.kills != kills or not server.is_up.is_set():
                    continue
                outcome, is_odd = f"{type(error).__name__}: {error}", True
            record.calls.append(Call("watched prediction", at, time.monotonic() - at, outcome, is_odd))
