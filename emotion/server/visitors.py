"""Visitors of a public server: the room that each may fill, whose turn it is, and when what they left is deleted."""

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
from emotion.runs.folder import empty_trash, list_runs
from emotion.runs.run import GUEST, Run
from emotion.server.limits import ADDRESS_FACTOR, PublicLimits
from emotion.server.logs import log, log_unexpected

GOING_ON = ("queued", "running", "stopping")
SECONDS_BETWEEN_CLEANINGS = 60.0
# To walk through everything takes a moment, and visitors ask often.
SECONDS_BETWEEN_LOOKS = 20.0
# Of all room, what one visitor may take, and what several from one address may take together, as of a school.
VISITORS_SHARE = 1 / 8
ADDRESS_SHARE = ADDRESS_FACTOR * VISITORS_SHARE
# Whoever is told from nobody still is a guest.
NOBODY = "nobody"
# Predictions that wait for their turn, of one visitor and of one address.
MOST_WAITING = (5, ADDRESS_FACTOR * 5)


def as_seen_by(visitor: str | None, run: Run, *, owner: Owner | None = None) -> Run:
    """Return a run as a visitor may use it: as its own, or as a guest. Its ``owner`` is read where it is not given.

    Raises:
        RunError: the visitor may not see it.
    """
    owner = owner or owner_of(run.path)
    if not owner.may_see(visitor):
        raise RunError("That run is gone: choose another one.")
    return Run(run.path) if owner.may_change(visitor) else Run(run.path, guest=visitor or NOBODY)


class Room:
    """The room on the disk that some folders share: at most ``limit`` bytes, measured anew every 20 seconds at most.

    What lies right in one of the ``owned`` folders is the visitor's whose mark it bears; the ``others`` are nobody's.
    What is reserved or has come since the last look counts too.
    """

    def __init__(self, owned: Sequence[Path], others: Sequence[Path], *, limit: float) -> None:
        self.limit = limit
        self._owned, self._others = owned, others
        self._lock = threading.Lock()
        self._by_owner: Counter[str] = Counter()
        self._look_due = 0.0
        self._since = self._reserved = 0

    def require(self, more: int = 0) -> None:
        """Let pass who needs so many bytes more, of which nothing is known but that they are at least these.

        Raises:
            RefusedError: there is no room for them.
        """
        with self._lock:
            self._look()
            self._compare(more)

    def require_share(self, visitors: Collection[str], *, share: float) -> None:
        """Let pass visitors who together have not filled their share of all room.

        Raises:
            RefusedError: they have.
        """
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
        """Keep so many bytes for whoever is about to write, and then look anew.

        Raises:
            RefusedError: there is no room for them.
        """
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
        """Count bytes that have just been written; looks at no disk.

        Raises:
            RefusedError: there was no room for them.
        """
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
    """Return how many bytes a file, or those under a folder, hold; what vanishes holds none. Follows no link."""
    files = [path] if path.is_file() else (Path(at, name) for at, _, names in os.walk(path) for name in names)
    size = 0
    for file in files:
        with contextlib.suppress(OSError):
            size += file.lstat().st_size
    return size


class Turns:
    """One prediction of each visitor at a time: many pictures of one never stand before another's."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._turns: dict[str, threading.Lock] = {}

    @contextmanager
    def one_of(self, visitor: str | None, *, address: str) -> Iterator[None]:
        """Wait for the visitor's own turn; on one's own machine, where it is None, there are none.

        Raises:
            RefusedError: too many of the visitor's own wait already, or of the address.
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
    """Start a thread that deletes every minute what has expired, as long as this process lives."""

    def work() -> None:
        while True:
            try:
                deleted: dict[str, Any] = delete_expired(runs, sets, uploads, limits=limits)
                empty_trash(runs)
                if deleted:
                    log("cleaned", **deleted)
            except Exception as error:  # noqa: BLE001  # one folder that cannot be read must not end the cleaning
                log_unexpected(error, what="cleaning")
            time.sleep(SECONDS_BETWEEN_CLEANINGS)

    threading.Thread(target=work, name="cleaner", daemon=True).start()


def delete_expired(runs: Path, sets: Path, uploads: Path, *, limits: PublicLimits) -> dict[str, int]:
    """Delete what visitors left longer ago than the limits keep it, and return how many of each kind, where any.

    A run's age counts from its last event, that of a thrown one from when it was thrown away, a set's from its last
    change. What goes on stays, with the set that it is trained on; a training that takes too long is asked to stop.
    What lies in ``uploads`` was sent, cut off, or packed to be fetched.
    """
    now = time.time()
    before = now - limits.kept_hours * 3600
    found = list_runs(runs)
    going = [run for run in found if run.status() in GOING_ON]
    in_use = set(_trained_on(going))
    left = [run for run in found if run not in going and _is_left(run.path, before, "events.jsonl")]
    spare = [each for each in list_sets(sets) if _is_left(each.folder, before, *FILES)]
    of_guests = [path for run in found for path in _in(run.path / "comparisons") if path.name.startswith(GUEST)]
    half_made = [*runs.glob(".new-*"), *runs.glob(".gone-*")]
    late = [run for run in going if _takes_longer(run, limits.training_minutes * 60, now)]
    for run in late:
        run.request_stop()
    with contextlib.suppress(EmotionError), alone(sets):
        pass  # which deletes half a set that a killed process left
    counts = {
        "runs": sum(_delete_run(run) for run in left),
        "sets": sum(_delete_set(each) for each in spare if each.folder.resolve() not in in_use),
        "thrown": sum(_delete(path) for path in _in(runs / TRASH) if owner_of(path).owner and _modified(path) < before),
        "leftovers": sum(_delete(path) for path in [*of_guests, *half_made] if _modified(path) < before),
        "uploads": sum(_delete(path) for path in _in(uploads) if _newest(path) < before),
        "stopped": len(late),
    }
    return {kind: count for kind, count in counts.items() if count}


def _is_left(folder: Path, before: float, *files: str) -> bool:
    """Whether a folder is a visitor's and was last touched before a time."""
    is_visitors = bool(owner_of(folder).owner)
    return is_visitors and max(_modified(folder / file) for file in (*files, FILE)) < before


def _trained_on(going: list[Run]) -> Iterator[Path]:
    for run in going:
        with contextlib.suppress(EmotionError):
            yield Path(run.config().pictures).resolve()


def _takes_longer(run: Run, seconds: float, now: float) -> bool:
    """Whether a visitor's training has gone on for so long; while it says nothing, time passes too."""
    last = run.last_event() if run.status() == "running" and owner_of(run.path).owner else None
    return last is not None and last.elapsed_seconds + now - _modified(run.path / "events.jsonl") > seconds


def _delete_run(run: Run) -> bool:
    beside = run.path.parent / f".gone-{run.name}"
    try:
        # Whoever trains it holds the lock; moved first, so that nobody sees half a run.
        with run.lock():
            run.path.rename(beside)
    except (EmotionError, OSError):
        return False
    return _delete(beside)


def _delete_set(found: SavedSet) -> bool:
    with contextlib.suppress(EmotionError):
        delete_set(found)
        return True
    return False


def _in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _delete(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    return not path.exists()


def _newest(path: Path) -> float:
    """Return when a file, or the last one in a folder, was written."""
    return max([_modified(path), *map(_modified, path.rglob("*"))])


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
