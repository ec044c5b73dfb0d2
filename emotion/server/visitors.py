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
from emotion.data.sets import FILES, SavedSet, alone, delete_set, list_sets
from emotion.runs.folder import FOLDER as TRASH
from emotion.runs.folder import empty_trash, list_runs, throw_away
from emotion.runs.run import GUEST, Run
from emotion.server.limits import ADDRESS_FACTOR, PublicLimits
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
    Reserved bytes and bytes written since the last measurement count too. What does not fit is a RefusedError.
    """

    def __init__(self, owned: Sequence[Path], others: Sequence[Path], *, limit: float) -> None:
        self.limit = limit
        self._owned, self._others = owned, others
        self._lock = threading.Lock()
        self._by_owner: Counter[str] = Counter()
        self._look_due = 0.0
        self._since = self._reserved = 0

    def require(self, more: int = 0) -> None:
        """Check that there is room for ``more`` bytes."""
        with self._lock:
            self._look()
            self._compare(more)

    def require_share(self, visitors: Collection[str], *, share: float) -> None:
        """Check that visitors have together not used up a share of all room."""
        with self._lock:
            self._look()
            used = sum(self._by_owner[visitor] for visitor in visitors)
        if used >= share * self.limit:
            whose, where = ("Your", "") if len(visitors) < 2 else ("The", " from your address")
            raise RefusedError(
                f"{whose} runs and pictures{where} may take {share * self.limit / 1e9:.2g} GB on this public server: "
                "they do, so delete some of yours."
            )

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        """Reserve ``size`` bytes for the caller's writing, then measure again."""
        with self._lock:
            self._look()
            self._compare(size)
            self._reserved += size
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= size
                self._look_due = 0.0

    def note(self, size: int) -> None:
        """Count bytes just written, without measuring."""
        with self._lock:
            self._since += size
            self._compare(0)

    def _compare(self, more: int) -> None:
        if self._by_owner.total() + self._since + self._reserved + more >= self.limit:
            raise RefusedError(
                f"All visitors' runs and pictures together may take {self.limit / 1e9:g} GB on this public server: "
                "they do, so delete some of yours, or try again tomorrow."
            )

    def _look(self) -> None:
        if time.monotonic() < self._look_due:
            return
        self._by_owner = Counter({"": sum(map(size_of, self._others))})
        for each in (path for folder in self._owned for path in _in(folder)):
            self._by_owner[owner_of(each).owner] += size_of(each)
        self._look_due, self._since = time.monotonic() + SECONDS_BETWEEN_LOOKS, 0


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
        self._changing = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._turns: dict[str, threading.Lock] = {}

    @contextmanager
    def one_of(self, visitor: str | None, *, address: str) -> Iterator[None]:
        """Wait for the visitor's turn; None, on one's own machine, does not wait.
        Raises RefusedError if too many predictions of the visitor or of the address are waiting.
        """
        if visitor is None:
            yield
            return
        names = (visitor, f"at {address}")
        with self._changing:
            if any(self._waiting[name] > most for name, most in zip(names, MOST_WAITING, strict=True)):
                raise RefusedError("Your last pictures are not judged yet: wait a moment, then give the next one.")
            self._waiting.update(names)
            turn = self._turns.setdefault(visitor, threading.Lock())
        try:
            with turn:
                yield
        finally:
            with self._changing:
                self._waiting.subtract(names)
                self._waiting = +self._waiting
                if not self._waiting[visitor]:
                    del self._turns[visitor]


def keep_clean(runs: Path, sets: Path, uploads: Path, *, limits: PublicLimits) -> None:
    """Start a thread that deletes expired data every minute."""

    def work() -> None:
        while True:
            try:
                done: dict[str, Any] = delete_expired(runs, sets, uploads, limits=limits)
                empty_trash(runs)
                if any(done.values()):
                    log("cleaned", **done)
            except Exception as error:  # noqa: BLE001  # one folder that cannot be read must not end the cleaning
                log_unexpected(error, what="cleaning")
            time.sleep(SECONDS_BETWEEN_CLEANINGS)

    threading.Thread(target=work, name="cleaner", daemon=True).start()


def delete_expired(runs: Path, sets: Path, uploads: Path, *, limits: PublicLimits) -> dict[str, int]:
    """Delete visitors' data older than the limits allow; return how many of each kind.

    Age counts from a run's last event, from a deleted run's deletion, and from a set's last change. Queued and running
    trainings stay, with their sets; a training that takes too long is asked to stop. ``uploads`` holds uploads, partial
    ones too, and downloads.
    """
    now = time.time()
    before = now - limits.kept_hours * 3600
    found = list_runs(runs)
    going = [run for run in found if run.status() in GOING_ON]
    in_use = {folder for run in going if (folder := _trained_on(run))}
    old_runs = [run for run in found if run not in going and _is_left(run.path, before, "events.jsonl")]
    old_sets = [each for each in list_sets(sets) if _is_left(each.folder, before, *FILES)]
    half_made = [*runs.glob(".new-*"), *(path for run in found for path in run.path.glob(f"comparisons/{GUEST}*"))]
    late = [run for run in going if _takes_longer(run, limits.training_minutes * 60, now)]
    for run in late:
        run.request_stop()
    with contextlib.suppress(EmotionError), alone(sets):
        pass  # entering it deletes a partial set of a killed process
    return {
        "runs": sum(map(_delete_run, old_runs)),
        "sets": sum(_delete_set(each) for each in old_sets if each.folder.resolve() not in in_use),
        "thrown": sum(_delete(path) for path in _in(runs / TRASH) if _is_left(path, before, ".")),
        "leftovers": sum(_delete(path) for path in half_made if _modified(path) < before),
        "uploads": sum(_delete(path) for path in _in(uploads) if _newest(path) < before),
        "stopped": len(late),
    }


def _is_left(folder: Path, before: float, *files: str) -> bool:
    """Whether a folder belongs to a visitor, and these files and its sharing were last changed before a time."""
    return bool(owner_of(folder).owner) and max(_modified(folder / file) for file in (*files, FILE)) < before


def _trained_on(run: Run) -> Path | None:
    with contextlib.suppress(EmotionError):
        return Path(run.config().pictures).resolve()
    return None


def _takes_longer(run: Run, seconds: float, now: float) -> bool:
    """Whether a visitor's training has run longer than ``seconds``, counting time without events."""
    last = run.last_event() if run.status() == "running" and owner_of(run.path).owner else None
    return last is not None and last.elapsed_seconds + now - _modified(run.path / "events.jsonl") > seconds


def _delete_run(run: Run) -> bool:
    with contextlib.suppress(EmotionError):
        # Moved first, so that no one sees half a run; a training that has begun meanwhile stays.
        throw_away(run)
        return _delete(run.path.parent / TRASH / run.name)
    return False


def _delete_set(found: SavedSet) -> bool:
    with contextlib.suppress(EmotionError):
        delete_set(found)
        return True
    return False


def _in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _delete(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    return not path.exists()


def _newest(path: Path) -> float:
    """Return the modification time of a file, or of a folder's newest file."""
    return max([_modified(path), *map(_modified, path.rglob("*"))])


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
