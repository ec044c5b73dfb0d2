"""A lock on a file that falls with the process which holds it, however that ends."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE_SECONDS = 1.0


@contextlib.contextmanager
def hold(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock for this process.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file cannot be written.
    """
    with path.open("a") as file:
        # An onlooker holds the lock for a moment, so one refusal proves nothing.
        deadline = time.monotonic() + patience_seconds
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise BlockingIOError(f"{path} is held by another process")
            time.sleep(0.02)
        yield


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with path.open("a") as file:
            return not try_lock(file.fileno(), is_onlooker=True)
    except OSError:
        return False


def try_lock(descriptor: int, *, is_onlooker: bool = False) -> bool:
    """Take the lock on an open file unless somebody has it, and say whether it was taken."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            # Onlookers share the lock: they would otherwise take each other for a training.
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_onlooker else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
