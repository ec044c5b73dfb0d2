"""What visitors left on a public server goes by its age. Leaves alone what goes on, and what is the server's own."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from emotion import owners
from emotion.data.sets import BEGUN, FILES, GONE, SavedSet, alone, delete_set, list_sets
from emotion.errors import EmotionError
from emotion.logs import log, log_unexpected
from emotion.public import Public
from emotion.run import GUEST, Run
from emotion.runs import list_runs
from emotion.trash import FOLDER as TRASH
from emotion.trash import empty_trash

GOING_ON = ("queued", "running", "stopping")
SECONDS_BETWEEN = 60.0


@dataclass(frozen=True)
class Cleaned:
    """How many of each kind were deleted; ``stopped`` are trainings that took too long and were asked to stop."""

    runs: int = 0
    sets: int = 0
    thrown: int = 0
    comparisons: int = 0
    leftovers: int = 0
    uploads: int = 0
    stopped: int = 0


def clean(runs: Path, sets: Path, uploads: Path, *, limits: Public, now: float) -> Cleaned:
    """Delete what visitors left longer ago than the limits keep it; ``now`` is a Unix time.

    A run's age counts from its last event, a set's from its last change. A set that is being trained on stays. What
    lies in ``uploads`` was sent, cut off, or packed to be fetched.
    """
    before = now - limits.kept_hours * 3600
    found = list_runs(runs)
    going = [run for run in found if run.status() in GOING_ON]
    return Cleaned(
        runs=sum(_delete_run(run) for run in found if run not in going and _is_left(run.path, before, "events.jsonl")),
        sets=sum(_delete_set(each) for each in list_sets(sets) if _is_spare(each, going, before)),
        thrown=sum(_delete(path) for path in _in(runs / TRASH) if _is_left(path, before)),
        comparisons=sum(_delete(path) for run in found for path in _of_guests(run) if _modified(path) < before),
        leftovers=_delete_leftovers(runs, sets, before),
        uploads=sum(_delete(path) for path in _in(uploads) if _newest(path) < before),
        stopped=sum(_stop(run) for run in going if _takes_longer(run, limits.training_minutes * 60)),
    )


def keep_clean(
    runs: Path,
    sets: Path,
    uploads: Path,
    *,
    limits: Public,
    ended: threading.Event,
    clock: Callable[[], float] = time.time,
    every_seconds: float = SECONDS_BETWEEN,
) -> threading.Thread:
    """Start a thread that cleans again and again until ``ended`` is set, and return it."""

    def work() -> None:
        while not ended.is_set():
            try:
                done = clean(runs, sets, uploads, limits=limits, now=clock())
                empty_trash(runs)
                if done != Cleaned():
                    log("cleaned", **vars(done))
            except Exception as error:  # noqa: BLE001  # one folder that cannot be read must not end the cleaning
                log_unexpected(error, what="cleaning")
            ended.wait(every_seconds)

    thread = threading.Thread(target=work, name="cleaner", daemon=True)
    thread.start()
    return thread


def _is_left(folder: Path, before: float, *files: str) -> bool:
    """Whether a folder is a visitor's and was last touched before a time."""
    is_visitors = bool(owners.owner_of(folder).owner)
    return is_visitors and max(_modified(folder / file) for file in (*files, owners.FILE)) < before


def _is_spare(found: SavedSet, going: list[Run], before: float) -> bool:
    return _is_left(found.folder, before, *FILES) and found.folder.resolve() not in set(_trained_on(going))


def _trained_on(going: list[Run]) -> Iterator[Path]:
    for run in going:
        with contextlib.suppress(EmotionError):
            yield Path(run.config().pictures).resolve()


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


def _delete_leftovers(runs: Path, sets: Path, before: float) -> int:
    left = [*runs.glob(".new-*"), *runs.glob(".gone-*")]
    count = sum(_delete(path) for path in left if _modified(path) < before)
    begun = [path for path in (sets / GONE, *sets.glob(f"{BEGUN}*")) if path.is_dir() and _modified(path) < before]
    with contextlib.suppress(EmotionError):
        if begun:
            with alone(sets):
                count += len(begun)
    return count


def _stop(run: Run) -> bool:
    run.request_stop()
    return True


def _takes_longer(run: Run, seconds: float) -> bool:
    last = run.last_event() if run.status() == "running" and owners.owner_of(run.path).owner else None
    return last is not None and last.elapsed_seconds > seconds


def _of_guests(run: Run) -> list[Path]:
    return [path for path in _in(run.path / "comparisons") if path.name.startswith(GUEST)]


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
