"""How much runs, picture sets and cache take up on the disk, and whether more may come. Standard library only."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from emotion.errors import RefusedError

# To walk through everything takes a moment, and visitors ask often.
SECONDS_BETWEEN_LOOKS = 20.0


class Room:
    """The room that some folders share, in bytes; measured anew at most every so many seconds of ``clock``."""

    def __init__(self, folders: Sequence[Path], *, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._folders = folders
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: tuple[float, int] | None = None

    def require(self, more: int = 0) -> None:
        """Let pass who needs so many bytes more, of which nothing is known but that they are at least these.

        Raises:
            RefusedError: there is no room for them.
        """
        if self.used() + more >= self._limit:
            raise RefusedError(
                f"All visitors' runs and pictures together may take {self._limit / 1e9:g} GB on this public server: "
                "they do, so delete some of yours, or try again tomorrow."
            )

    def used(self) -> int:
        """Return how many bytes the folders hold."""
        with self._lock:
            if self._looked is None or self._clock() > self._looked[0] + SECONDS_BETWEEN_LOOKS:
                self._looked = (self._clock(), sum(map(size_of, self._folders)))
            return self._looked[1]


def size_of(folder: Path) -> int:
    """Return how many bytes the files under a folder hold; what vanishes meanwhile holds none. Follows no link."""
    size, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as items:
                for item in items:
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                    else:
                        size += item.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return size
