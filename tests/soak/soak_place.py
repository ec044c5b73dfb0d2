"""Where a soak works and what it notes: folders on a disk that can be filled, zips, the server, and the record."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from helpers.processes import children_of, holder_of
from helpers.run_folder import runs_in, status_of
from helpers.serving import ROOT, Site

SETS, PER_CLASS = ("human_train", "human_eval", "dog_eval", "cat_eval"), 12
DISK_MEGABYTES = 3000
DONE, AWAY = "done", "the server was away"
FILLED, SERVER_KILLED = "filled the disk", "killed the server"


@dataclass(frozen=True)
class Place:
    """``disk`` holds runs, imported sets and cache; ``is_limited`` says that it is a small file system of its own."""

    folder: Path
    disk: Path
    is_limited: bool
    pictures: list[Path] = field(repr=False)
    good_zip: bytes = field(repr=False)
    bad_zips: dict[str, bytes] = field(repr=False)


@contextlib.contextmanager
def soak_place() -> Iterator[Place]:
    """Make the folders, and delete all of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="emotion-soak-") as text, contextlib.ExitStack() as stack:
        folder, disk, is_limited = Path(text), Path(text) / "disk", False
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", disk]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(mount, check=True, capture_output=True)
            stack.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
            is_limited = True
        for name in SETS:
            for label in sorted((ROOT / "assets" / "faces" / name).glob("*/")):
                (folder / "pictures" / name / label.name).mkdir(parents=True)
                for path in sorted(label.iterdir())[:PER_CLASS]:
                    shutil.copy(path, folder / "pictures" / name / label.name)
        pictures = sorted((folder / "pictures" / "dog_eval").rglob("*.webp"))
        good = _zipped([(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in pictures[::4]])
        yield Place(folder, disk, is_limited, pictures, good, _bad_zips(good, pictures[0].read_bytes()))


def _zipped(files: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(name, content)
    return buffer.getvalue()


def _bad_zips(good: bytes, content: bytes) -> dict[str, bytes]:
    return {
        "cut.zip": good[: len(good) // 2],
        "slip.zip": _zipped([("../../happy/1.webp", content), ("sad/1.webp", content)]),
        "bomb.zip": _zipped([("happy/1.png", bytes(200_000_000))]),
        "letters.zip": _zipped([("happy/1.txt", b"dear Sir"), ("sad/1.jpg", b"dear Madam")]),
        "empty.zip": _zipped([]),
        "none.zip": content,
    }


class Server:
    """The dashboard, killed and started again at one address. ``is_up`` is set while it can be asked."""

    def __init__(self, place: Place) -> None:
        environment = {
            "EMOTION_PICTURES": str(place.folder / "pictures"),
            "EMOTION_LOG": str(place.folder / "events.jsonl"),
        }
        self.site = Site(place.folder / "site", environment=environment, public=True)
        self.site.runs, self.site.sets, self.site.cache = (place.disk / name for name in ("runs", "sets", "cache"))
        self.is_up, self.kills, self.left = threading.Event(), 0, list[str]()

    @property
    def pid(self) -> int:
        assert self.site.process is not None
        return self.site.process.pid

    def start(self) -> None:
        self.site.start()
        self.is_up.set()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, note what of it is still there after a while, and return its exit code."""
        self.is_up.clear()
        children = children_of(self.pid)
        code = self.site.end(how)
        self.kills += 1
        self.left += [f"process {each.pid} outlived its server" for each in psutil.wait_procs(children, 60)[1]]
        return code

    def refuse_own_end(self) -> None:
        """Raise a RuntimeError where it has ended, and nobody has ended it."""
        if self.is_up.is_set() and self.site.process is not None and self.site.process.poll() is not None:
            raise RuntimeError(f"The server ended by itself: {self.site.log.read_text()[-2000:]}")

    def trainer(self) -> tuple[psutil.Process, str] | None:
        """Return the process that trains at this moment, with the run's name."""
        for run in runs_in(self.site.runs):
            if status_of(run) == "running" and (process := holder_of(run, self.pid)):
                return process, run.name
        return None


@dataclass(frozen=True)
class Call:
    """One thing that a visitor did: ``outcome`` is DONE, AWAY, a code, or what should never be."""

    action: str
    at: float
    seconds: float
    outcome: str
    is_odd: bool = False


@dataclass(frozen=True)
class Sample:
    """What the server needs at ``at``; ``server`` and ``tree`` are PSS in bytes, ``tree`` that of all processes."""

    at: float
    incarnation: int
    server: int
    tree: int
    files: int
    threads: int


@dataclass
class Record:
    """What happened, shared by all threads. Times are those of ``time.monotonic()``; runs are told by name."""

    began: float = field(default_factory=time.monotonic)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    asked_to_stop: set[str] = field(default_factory=set)
    hurt: set[str] = field(default_factory=set)
    said: dict[str, dict[str, float]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    torn_sets: list[str] = field(default_factory=list)
    retired: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, text: str) -> None:
        self.faults.append((time.monotonic(), text))

    def compare_with_before(self, run: str, scores: dict[str, float]) -> None:
        """Hold what a run says of the reference picture against what it said first."""
        with self._lock:
            first = self.said.setdefault(run, scores)
        if first != scores:
            apart = max(abs(first[label] - scores[label]) for label in first)
            self.changed.append(f"{run} says otherwise than before: a probability moved by {apart:.2g}")

    def outcomes(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for call in self.calls:
            found[call.action][call.outcome] += 1
        return dict(sorted(found.items()))

    def seconds_of(self, action: str) -> list[float]:
        return [call.seconds for call in self.calls if call.action == action and call.outcome == DONE]
