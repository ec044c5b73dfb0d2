"""Visitors of a public server: their disk space, their turns, and the deletion of their expired data."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emotion.core.errors import EmotionError, RefusedError, RunError
from emotion.core.owners import FILE, Owner, owner_of
from emotion.data.sets import FILES, alone, delete_set, list_sets
from emotion.runs.folder import FOLDER as TRASH
from emotion.runs.folder import list_runs, throw_away
from emotion.runs.run import GUEST, Run
from emotion.server.limits import ADDRESS_FACTOR, PublicLimits, require_share
from emotion.server.logs import log, log_unexpected

GOING_ON = ("queued", "running", "stopping")
SECONDS_BETWEEN_CLEANINGS = 60.0
# Measuring the disk takes a moment, and visitors ask often.
SECONDS_BETWEEN_LOOKS = 20.0
# Shares of all room: of one visitor, and of all visitors of one address, such as a school's.
VISITORS_SHARE = 1 / 8
ADDRESS_SHARE = ADDRESS_FACTOR * VISITORS_SHARE
# The guest name of a visitor without a cookie.
NOBODY = "nobody"
# Waiting predictions of one visitor, and of one address.
MOST_WAITING = (5, ADDRESS_FACTOR * 5)


def as_seen_by(visitor: str | None, run: Run, *, owner: Owner | None = None) -> Run:
    """Return a run as a visitor may use it: as its owner or as a guest. ``owner`` is read from the folder by default.
    Raises RunError if the visitor may not see it.
    """
    owner = owner or owner_of(run.path)
    if not owner.may_see(visitor):
        raise RunError("That run is gone: choose another one.")
    return Run(run.path) if owner.may_change(visitor) else Run(run.path, guest=visitor or NOBODY)


class Room:
    """The disk space that some folders share: at most ``limit`` bytes, measured every 20 seconds at most.

    Each entry of the ``owned`` folders belongs to the visitor whose mark it has; the ``others`` have no owner.
    """

    def __init__(self, owned: Sequence[Path], others: Sequence[Path], *, limit: float) -> None:
        self.limit = limit
        self._owned, self._others = owned, others
        self._lock = threading.RLock()
        self._by_owner: Counter[str] = Counter()
        self._look_due = 0.0
        self._reserved = self._written = 0

    def require(self, more: int = 0, *, visitor: str = "", near: Collection[str] = ()) -> None:
        """Check that there is room for ``more`` bytes, and that neither a visitor nor all those ``near``, of the same
        address, have used up their share. Raises RefusedError if not.
        """
        with self._lock:
            self._look()
            used = {owner: size / 1e9 for owner, size in self._by_owner.items() if owner}
            used[NOBODY] = (self._by_owner[""] + self._reserved + more) / 1e9
        in_all = self.limit / 1e9
        require_share("GB of runs and pictures", used, visitor, near, most=VISITORS_SHARE * in_all, in_all=in_all)

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        """Reserve ``size`` bytes for the caller's writing; they count until it was measured.
        Raises RefusedError if there is no room for them.
        """
        with self._lock:
            self.require(size)
            self._reserved += size
        try:
            yield
        finally:
            with self._lock:
                self._written += size

    def _look(self) -> None:
        if time.monotonic() < self._look_due:
            return
        self._reserved, self._written = self._reserved - self._written, 0
        self._by_owner = Counter({"": sum(map(size_of, self._others))})
        for path in (path for folder in self._owned for path in folder.glob("*")):
            self._by_owner[owner_of(path).owner] += size_of(path)
        self._look_due = time.monotonic() + SECONDS_BETWEEN_LOOKS


def size_of(path: Path) -> int:
    """Return the size in bytes of a file or of a folder's files, without following links; a vanished file counts 0."""
    files = [path] if path.is_file() else (Path(at, name) for at, _, names in os.walk(path) for name in names)
    size = 0
    for file in files:
        with contextlib.suppress(OSError):
            size += file.lstat().st_size
    return size


class Turns:
    """Allows one prediction of each visitor at a time, so that one visitor's pictures never delay another's."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._served: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def one_of(self, visitor: str, *, address: str) -> Iterator[None]:
        """Wait for the visitor's turn.
        Raises RefusedError if too many predictions of the visitor or of the address are waiting.
        """
        names = (visitor, f"at {address}")
        with self._changed:
            if any(self._asked[name] > most for name, most in zip(names, MOST_WAITING, strict=True)):
                raise RefusedError("Your last pictures are not judged yet: wait a moment, then give the next one.")
            self._asked.update(names)
            self._changed.wait_for(lambda: visitor not in self._served)
            self._served.add(visitor)
        try:
            yield
        finally:
            with self._changed:
                self._asked.subtract(names)
                self._asked = +self._asked
                self._served.discard(visitor)
                self._changed.notify_all()


def keep_clean(runs: Path, sets: Path, uploads: Path, *, limits: PublicLimits) -> None:
    """Start a thread that deletes expired data every minute."""

    def work() -> None:
        while True:
            try:
                if gone := delete_expired(runs, sets, uploads, limits=limits):
                    log("cleaned", **dict[str, Any](gone))
            except Exception as error:  # noqa: BLE001  # one folder that cannot be read must not end the cleaning
                log_unexpected(error, what="cleaning")
            time.sleep(SECONDS_BETWEEN_CLEANINGS)

    threading.Thread(target=work, name="cleaner", daemon=True).start()


def delete_expired(runs: Path, sets: Path, uploads: Path, *, limits: PublicLimits) -> Counter[str]:
    """Delete visitors' data older than the limits allow; return how many of each kind.

    Age counts from a run's last event, from a deleted run's deletion, and from a set's last change. Queued and running
    trainings stay, with their sets; a training that takes too long is asked to stop. ``uploads`` holds uploads, partial
    ones too, and downloads.
    """
    before, gone, in_use = time.time() - limits.kept_hours * 3600, Counter[str](), set[Path]()
    for run in list_runs(runs):
        with contextlib.suppress(EmotionError):
            if run.status() in GOING_ON:
                if _training_seconds(run) > limits.training_minutes * 60:
                    run.request_stop()
                    gone["stopped"] += 1
                in_use.add(Path(run.config().pictures).resolve())
            elif _is_left(run.path, before, "events.jsonl"):
                # Moved first, so that no one sees half a run; a training that has begun meanwhile stays.
                throw_away(run)
                shutil.rmtree(runs / TRASH / run.name, ignore_errors=True)
                gone["runs"] += 1
    for found in list_sets(sets):
        with contextlib.suppress(EmotionError):
            if found.folder.resolve() not in in_use and _is_left(found.folder, before, *FILES):
                delete_set(found)
                gone["sets"] += 1
    with contextlib.suppress(EmotionError), alone(sets):
        pass  # entering it deletes a partial set of a killed process
    others = [path for path in (runs / TRASH).glob("*") if owner_of(path).owner]
    others += [*runs.glob(f"*/comparisons/{GUEST}*"), *uploads.glob("*")]
    for path in others:
        if max(map(_modified, (path, *path.rglob("*")))) < before:
            gone["others"] += 1
            shutil.rmtree(path, ignore_errors=True)
            if path.is_file():
                path.unlink()
    return gone


def _is_left(folder: Path, before: float, *files: str) -> bool:
    """Whether a folder belongs to a visitor, and these files and its sharing were last changed before a time."""
    return bool(owner_of(folder).owner) and max(_modified(folder / file) for file in (*files, FILE)) < before


def _training_seconds(run: Run) -> float:
    """Return how long a visitor's training has run, counting time without events; 0 for another run."""
    last = run.last_event() if run.status() == "running" and owner_of(run.path).owner else None
    return last.elapsed_seconds + time.time() - _modified(run.path / "events.jsonl") if last else 0.0


def _modified(path: Path) -> float:
    """Return when a file was modified, as a Unix time; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
