"""What a server has started, and who trains a run: seen from outside, as the system sees it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from helpers.run_folder import epochs_of, events_of, status_of
from helpers.waiting import until


def children_of(pid: int) -> list[psutil.Process]:
    """Return every living process that a process has started, and what those have started."""
    return psutil.Process(pid).children(recursive=True)


def trainer_of(run: Path, pid: int) -> psutil.Process:
    """Await the process at or below ``pid`` that trains a run, told by the lock file that it has open."""
    return until(lambda: holder_of(run, pid), seconds=300, what=f"somebody who trains {run.name}")


@contextlib.contextmanager
def frozen(run: Path, pid: int) -> Iterator[psutil.Process]:
    """Let the training of a run, at or below ``pid``, stand still when an epoch is kept, as one that hangs does."""
    # What a training goes on from is written after the event that tells of its epoch.
    until(lambda: epochs_of(run) > 1 or status_of(run) == "failed", what=f"the second epoch of {run.name}")
    assert epochs_of(run) > 1, events_of(run)
    trainer = trainer_of(run, pid)
    with held(trainer):
        yield trainer


@contextlib.contextmanager
def held(*processes: psutil.Process) -> Iterator[None]:
    """Let processes stand still, so that what they do is not over meanwhile, however slow all else is."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.Error):  # It may be killed by now.
                process.resume()


def giving_way(pid: int) -> list[psutil.Process]:
    """Return the Python processes below one that give way to others; a browser has such of its own."""
    niceness = psutil.Process(pid).nice()
    below = [each for each in children_of(pid) if each.name().startswith("python")]
    return [each for each in below if each.nice() > niceness]


def holder_of(run: Path, pid: int) -> psutil.Process | None:
    """Return the process at or below ``pid`` that has a run's lock open."""
    lock = str((run / "lock").resolve())
    for process in [*children_of(pid), psutil.Process(pid)]:  # A server itself looks at locks too, for a moment.
        with contextlib.suppress(psutil.Error):
            if lock in {file.path for file in process.open_files()}:
                return process
    return None
