"""What visitors of a soak do, with pauses as people make them, and the faults made meanwhile."""

import contextlib
import os
import random
import resource
import shutil
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from helpers.pictures import zip_bytes
from helpers.processes import children_of, holder_of
from helpers.run_folder import runs_in, status_of
from helpers.serving import ROOT, Site
from helpers.visitors import OddError, RefusedError, Visitor
from helpers.waiting import until

DONE, KEPT_RUNS, FULL_SECONDS = "done", 12, 3.0
# Beyond what a training has mapped when it is found: too little for what it does next.
STARVED_BYTES = 4_000_000
PICTURES = sorted((ROOT / "assets" / "faces" / "dog_eval").rglob("*.webp"))[::4]
GOOD = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in PICTURES[::4]}
BAD = [{"../../happy/1.webp": b"", "sad/1.webp": b""}, {"a/1.png": bytes(200_000_000)}, {"a/1.jpg": b"Sir"}, {}]
TRAINING_SET, COMPARED_SETS = "given/human_train", ["given/human_eval", "given/dog_eval"]
NONSENSE: list[tuple[str, list[Any]]] = [
    ("train", [TRAINING_SET, "Quick", "", 0, 8, "", 42, False]),
    ("train", ["../../etc", "Quick", "", 2, 8, "", 42, False]),
    ("compare", [COMPARED_SETS, "", "happy", "many", 42, False]),
    ("predict", [{"path": "/etc/passwd"}, ""]),
    ("import_pictures", [None, "mine", "", False]),
]
# How often each is done, of a hundred, and what a visitor may be told; everything else is odd.
ACTIONS: dict[str, tuple[int, str]] = {
    "predict": (34, "run_unknown run_unusable"),
    "look": (26, "run_unknown"),
    "compare": (7, "run_unknown run_unusable"),
    "train": (7, "run_unusable refused"),
    "stop": (5, "run_unknown"),
    "bring": (3, "import_refused refused"),
    "bring_what_is_bad": (5, "import_refused refused"),
    "ask_nonsense": (5, "setting_invalid picture_set_unknown upload_missing picture_unreadable"),
    "reload": (8, ""),
    "watched_prediction": (0, ""),
}


class Call(NamedTuple):
    """One thing that a visitor did, when and for how many seconds; ``outcome`` is DONE or what was said."""

    action: str
    at: float
    seconds: float
    outcome: str


@dataclass
class Soak:
    """The server, killed and started again at one address, and what happened, noted by all threads."""

    site: Site
    is_limited: bool  # Runs, sets and cache lie on a small file system of their own.
    is_up: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    calls: list[Call] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    # When, after how many starts, and the bytes, open files and threads of the server.
    samples: list[tuple[float, int, tuple[float, ...]]] = field(default_factory=list)
    asked_to_stop: set[str] = field(default_factory=set)
    hurt: set[str] = field(default_factory=set)
    said: dict[str, Any] = field(default_factory=dict)
    # What was found that should not be.
    odd: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        assert self.site.process is not None
        return self.site.process.pid

    def start(self) -> None:
        self.site.start()
        self.starts.append(time.monotonic())
        self.is_up.set()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the server, note what of it is still there after a while, and return its exit code."""
        self.is_up.clear()
        children, code = children_of(self.pid), self.site.end(how)
        self.left += [f"process {each.pid}" for each in psutil.wait_procs(children, 60)[1]]
        return code

    def sample(self) -> None:
        """Note what the server needs until the end; one that ends by itself ends the soak."""
        while not self.ended.wait(0.5):
            if self.is_up.is_set() and self.site.process and self.site.process.poll() is not None:
                raise RuntimeError(f"The server ended by itself: {self.site.log.read_text()[-2000:]}")
            with contextlib.suppress(psutil.Error, OSError, AssertionError):
                server = psutil.Process(self.pid)
                needs = (server.memory_full_info().pss, server.num_fds(), server.num_threads())
                self.samples.append((time.monotonic(), len(self.starts), needs))


class Person:
    """A visitor with a character: seeded choices, pauses of ``pause`` seconds on average, and runs of their own."""

    def __init__(self, soak: Soak, number: int, seed: int, pause: float) -> None:
        self.soak, self.number, self.pause, self.runs = soak, number, pause, list[str]()
        self.rng, self.visitor = random.Random(f"{seed}/{number}"), Visitor(soak.site.url, enters=False)

    def live(self) -> None:
        self.soak.ended.wait(self.rng.uniform(0, self.pause))
        for action in ("reload", "train")[: 1 + (self.number % 3 == 0)]:
            self.do(action)
        while not self.soak.ended.wait(self.rng.expovariate(1 / self.pause)):
            if self.soak.is_up.wait(1.0):
                self.do(*self.rng.choices(list(ACTIONS), weights=[weight for weight, _ in ACTIONS.values()]))

    def watch(self) -> None:
        """Take one prediction after another while everybody does something."""
        while not self.soak.ended.wait(2.0):
            self.do("watched_prediction")

    def do(self, action: str) -> None:
        """Do one thing and note how it went."""
        at, starts, outcome = time.monotonic(), len(self.soak.starts), DONE
        try:
            getattr(self, action)()
        except RefusedError as error:
            outcome = error.code
            if outcome not in ACTIONS[action][1].split():
                self.soak.odd.append(f"{action}: {error}")
        except (httpx.TransportError, OddError) as error:
            outcome = "the server was away"
            # A server that goes away in the middle of an answer may have said half of it.
            if len(self.soak.starts) == starts and self.soak.is_up.is_set():
                self.soak.odd.append(f"{action}: {type(error).__name__}: {error}")
        self.soak.calls.append(Call(action, at, time.monotonic() - at, outcome))

    def ask_for(self, picture: Path, run: str) -> Any:
        """Return what a run says of a picture."""
        return self.visitor.ask("predict", self.visitor.upload(picture.name, picture.read_bytes()), run)["scores"]

    def ask_again(self, run: str) -> None:
        """Hold what a run says of one picture against what it said first."""
        scores = self.ask_for(PICTURES[0], run)
        if self.soak.said.setdefault(run, scores) != scores:
            self.soak.changed.append(run)

    def some_run(self) -> str:
        return self.rng.choice(["", *(run for run in self.runs if run in self.soak.said)])

    def predict(self) -> None:
        self.ask_for(self.rng.choice(PICTURES), self.some_run())

    def watched_prediction(self) -> None:
        self.ask_for(self.rng.choice(PICTURES), self.runs[0])

    def reload(self) -> None:
        self.visitor.reload()

    def look(self) -> None:
        self.visitor.ask("picture_sets")
        for run in self.rng.sample(self.runs, min(1, len(self.runs))):
            if self.visitor.ask("run_status", run)["status"] == "finished":
                self.ask_again(run)

    def compare(self) -> None:
        size, seed = self.rng.randint(2, 6), self.rng.randint(0, 99)
        said = self.visitor.ask("compare", COMPARED_SETS, self.some_run(), "happy", size, seed, False)
        if [each["n"] for each in said["samples"]] != [size, size]:
            raise OddError(f"a comparison of {size} pictures has {said['samples']}")

    def train(self) -> None:
        epochs, depth = (15, "2") if self.rng.random() < 0.4 else (self.rng.randint(2, 6), "head")
        batch, seed = self.rng.choice([4, 8, 16, 24]), self.rng.randint(0, 999)
        said = self.visitor.ask("train", TRAINING_SET, "Quick", "", epochs, batch, depth, seed, False)
        self.runs.append(said["run"])

    def stop(self, *runs: str) -> None:
        for run in runs or self.runs[-1:]:
            self.soak.asked_to_stop.add(run)  # First: it may be stopped and the answer lost.
            self.visitor.ask("stop", run)

    def bring(self) -> None:
        name = f"{self.number} {self.rng.choice(['Rosa', 'Üzüm', '犬'])} {self.rng.randint(0, 9)}"
        self.visitor.ask("import_pictures", self.visitor.upload("dogs.zip", zip_bytes(GOOD)), name, "dog", False)

    def bring_what_is_bad(self) -> None:
        bad = [*map(zip_bytes, BAD), zip_bytes(GOOD)[:1000], PICTURES[0].read_bytes()]
        archive = self.visitor.upload("bad.zip", self.rng.choice(bad))
        raise OddError(f"became a set: {self.visitor.ask('import_pictures', archive, f'bad {self.number}', '', False)}")

    def ask_nonsense(self) -> None:
        endpoint, values = self.rng.choice(NONSENSE)
        raise OddError(f"{endpoint} took {values} and said {self.visitor.ask(endpoint, *values)}")

    def leave(self) -> None:
        """Stop what goes on of one's own, ask each finished run again, and count the pictures of each set."""
        for each in self.visitor.ask("runs"):
            if each["status"] in ("queued", "running", "stopping"):
                self.stop(each["run"])
            elif each["status"] == "finished":
                self.ask_again(each["run"])
                self.ask_again(each["run"])
        for each in self.visitor.ask("picture_sets"):
            if each["key"].startswith("saved/") and sum(each["classes"].values()) != len(GOOD):
                self.soak.torn.append(f"{each['key']} holds {each['classes']}")


def fill_disk(soak: Soak) -> None:
    """Leave no byte on the disk for a while."""
    if not soak.is_limited:
        return
    soak.faults["filled the disk"] += 1
    filler, end = soak.site.runs.parent / "filler", time.monotonic() + FULL_SECONDS
    with filler.open("wb") as file:
        while not soak.ended.wait(0.1) and time.monotonic() < end:
            disk = os.statvfs(filler)
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + disk.f_bavail * disk.f_bsize)
    filler.unlink()


def kill_server(soak: Soak) -> None:
    soak.faults["killed the server"] += 1
    soak.end(signal.SIGKILL)
    soak.start()


def hurt_training(soak: Soak, *, kills: bool) -> None:
    """Kill the process that trains next, or let it have hardly any more memory."""

    def in_training() -> tuple[Path, psutil.Process] | None:
        running = (run for run in runs_in(soak.site.runs) if status_of(run) == "running")
        return next(((run, process) for run in running if (process := holder_of(run, soak.pid))), None)

    # It may be over by now, and the page and the model process look at locks too, for a moment.
    with contextlib.suppress(psutil.Error, OSError, AssertionError):
        run, trainer = until(in_training, seconds=5)  # type: ignore[misc]
        soak.hurt.add(run.name)
        if kills:
            trainer.kill()
        else:
            limit = trainer.memory_info().vms + STARVED_BYTES
            _, hard = resource.prlimit(trainer.pid, resource.RLIMIT_AS)
            resource.prlimit(trainer.pid, resource.RLIMIT_AS, (limit, hard))
        soak.faults["killed a training" if kills else "took the memory from a training"] += 1


def make_room(soak: Soak) -> None:
    """Delete the oldest runs of visitors, as their owners might."""
    ended = [run for run in runs_in(soak.site.runs) if status_of(run) not in ("queued", "running")]
    for run in [run for run in ended if (run / "owner.json").exists()][KEPT_RUNS:]:
        with contextlib.suppress(OSError):
            shutil.rmtree(run.rename(run.with_name(f".gone-{run.name}")), ignore_errors=True)
