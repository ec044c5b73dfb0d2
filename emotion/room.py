"""How much runs, picture sets, cache and uploads take up on the disk, whose that is, and whether more may come."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from emotion.errors import RefusedError
from emotion.owners import owner_of
from emotion.public import ADDRESS_FACTOR

# To walk through everything takes a moment, and visitors ask often.
SECONDS_BETWEEN_LOOKS = 20.0
# Of all room, what one visitor may take, and what several from one address may take together, as of a school.
VISITORS_SHARE = 1 / 8
ADDRESS_SHARE = ADDRESS_FACTOR * VISITORS_SHARE


class Room:
    """The room that some folders share, in bytes; measured anew at most every so many seconds of ``clock``.

    What lies right in one of the ``owned`` folders is the visitor's whose mark it bears; the ``others`` are nobody's.
    What is promised or has come since the last look counts too.
    """

    def __init__(
        self,
        owned: Sequence[Path],
        others: Sequence[Path],
        *,
        limit: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owned, self._others = owned, others
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = -SECONDS_BETWEEN_LOOKS
        self._by_owner: Counter[str] = Counter()
        self._since = self._promised = 0

    def require(self, more: int = 0) -> None:
        """Let pass who needs so many bytes more, of which nothing is known but that they are at least these.

        Raises:
            RefusedError: there is no room for them.
        """
        with self._lock:
            self._require(more)

    def require_share(self, visitors: Collection[str], *, share: float) -> None:
        """Let pass visitors who together have not filled their share of all room.

        Raises:
            RefusedError: they have.
        """
        with self._lock:
            self._look()
            used = sum(self._by_owner[visitor] for visitor in visitors)
        if used >= share * self.limit:
            whose = "Your" if len(visitors) < 2 else "The"
            where = "" if len(visitors) < 2 else " from your address"
            raise RefusedError(
                f"{whose} runs and pictures{where} may take {share * self.limit / 1e9:.2g} GB on this public server: "
                "they do, so delete some of yours."
            )

    @contextmanager
    def promised(self, size: int) -> Iterator[None]:
        """Keep so many bytes for whoever is about to write, and then look anew.

        Raises:
            RefusedError: there is no room for them.
        """
        with self._lock:
            self._require(size)
            self._promised += size
        try:
            yield
        finally:
            with self._lock:
                self._promised -= size
                self._looked_at = -SECONDS_BETWEEN_LOOKS

    def note(self, size: int) -> None:
        """Count bytes that have just been written; looks at no disk.

        Raises:
            RefusedError: there was no room for them.
        """
        with self._lock:
            self._since += size
            self._compare(0)

    def _require(self, more: int) -> None:
        self._look()
        self._compare(more)

    def _compare(self, more: int) -> None:
        if self._by_owner.total() + self._since + self._promised + more >= self.limit:
            raise RefusedError(
                f"All visitors' runs and pictures together may take {self.limit / 1e9:g} GB on this public server: "
                "they do, so delete some of yours, or try again tomorrow."
            )

    def _look(self) -> None:
        if self._clock() < self._looked_at + SECONDS_BETWEEN_LOOKS:
            return
        self._by_owner = Counter({"": sum(map(size_of, self._others))})
        for folder in self._owned:
            for each in _children(folder):
                self._by_owner[owner_of(each).owner] += size_of(each)
        self._looked_at, self._since = self._clock(), 0


def _bytes(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def size_of(folder: Path) -> int:
    """Return how many bytes a file, or those under a folder, hold; what vanishes holds none. Follows no link."""
    if folder.is_file():
        return _bytes(folder)
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
