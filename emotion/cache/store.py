"""The folder of shards: what is known, what may stay, what has to go. Bounded, and safe under several processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emotion import locks
from emotion.cache.recipe import Recipe
from emotion.cache.shard import INDEX, PRIVATE, ForeignShard, Shard, ShardWriter, open_shard
from emotion.errors import ConfigError

DEFAULT_GIGABYTES = 2.0
# A training that checks many activations holds the folder for about a second.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Entry:
    """What the cache holds of one recipe, given as JSON values; ``last_used`` is a Unix time, ``size`` in bytes."""

    recipe: dict[str, Any]
    rows: int
    size: int
    last_used: float


@dataclass(frozen=True)
class Cache:
    """A folder that keeps at most ``limit`` bytes of activations from one training to the next.

    Whoever looks at a shard's lock or changes the folder holds the folder's own lock for that moment.
    """

    folder: Path
    limit: int

    def find(self, recipe: Recipe, names: Iterable[str]) -> list[Shard]:
        """Open the shards that hold any of the named rows; each row is in one of them at most.

        A shard that is torn, or was put there by something else, is thrown away.
        """
        wanted = set(names)
        found: list[Shard] = []
        if not self.limit:
            return found
        with self._changing():
            for folder in sorted(_shards(self.folder / recipe.key)):
                if not wanted:
                    break
                try:
                    shard = open_shard(folder, recipe=recipe, wanted=wanted)
                except ForeignShard:
                    _evict(folder)
                    continue
                if shard is not None:
                    found.append(shard)
                    wanted -= set(shard.rows)
        return found

    def has_room(self, size: int) -> bool:
        """Whether ``size`` bytes more can stay once everything is evicted that nobody uses."""
        with self._changing():
            return size + sum(_size(folder) for folder in _all_shards(self.folder) if _is_used(folder)) <= self.limit

    def write(self, recipe: Recipe) -> ShardWriter:
        """Begin a shard, which is private until ``keep``. What killed trainings left behind is deleted first.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._changing():
            self._tidy()
            return ShardWriter(self.folder / recipe.key, recipe)

    def keep(self, shard: Shard) -> Shard:
        """Let a private shard stay for later trainings, in one rename; least recently used ones make room for it.

        Where what is in use leaves no room, it stays private.
        """
        with self._changing():
            if not self._make_room(_size(shard.folder)):
                return shard
            kept = shard.folder.with_name(shard.folder.name.removeprefix(PRIVATE))
            shard.folder.rename(kept)
        return replace(shard, folder=kept)

    def entries(self) -> list[Entry]:
        """Return what is kept, the last used first."""
        entries: dict[str, Entry] = {}
        for folder in _all_shards(self.folder):
            try:
                index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
                recipe, rows = dict(index["recipe"]), len(index["rows"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # Torn or foreign: the next training that comes by throws it away.
            old = entries.get(folder.parent.name, Entry(recipe, 0, 0, 0.0))
            entries[folder.parent.name] = Entry(
                recipe, old.rows + rows, old.size + _size(folder), max(old.last_used, _last_used(folder))
            )
        return sorted(entries.values(), key=lambda entry: -entry.last_used)

    def size(self) -> int:
        """Return how many bytes are kept."""
        return sum(map(_size, _all_shards(self.folder)))

    def clear(self) -> int:
        """Delete what nobody uses and return how many bytes that were."""
        with self._changing():
            freed = sum(_evict(folder) for folder in _all_shards(self.folder))
            self._tidy()
            for recipe in _folders(self.folder):
                with contextlib.suppress(OSError):
                    recipe.rmdir()
        return freed

    def _make_room(self, size: int) -> bool:
        folders = sorted(_all_shards(self.folder), key=_last_used)
        total = sum(map(_size, folders))
        for folder in folders:
            if total + size <= self.limit:
                break
            total -= _evict(folder)
        return total + size <= self.limit

    def _tidy(self) -> None:
        for recipe in _folders(self.folder):
            for folder in recipe.glob(f"{PRIVATE}*"):
                _evict(folder)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with locks.hold(self.folder / ".lock", patience_seconds=PATIENCE_SECONDS):
            yield


def cache_folder() -> Path:
    """Return the folder of what can be computed again: ``$EMOTION_CACHE``, else ``./cache``."""
    return Path(os.environ.get("EMOTION_CACHE") or "cache").absolute()


def open_cache() -> Cache:
    """Return the cache in ``$EMOTION_CACHE``, else ``./cache``, of ``$EMOTION_CACHE_GB`` gigabytes, else 2.

    Raises:
        ConfigError: the limit is no number.
    """
    text = os.environ.get("EMOTION_CACHE_GB") or str(DEFAULT_GIGABYTES)
    try:
        limit = int(float(text) * 1e9)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise ConfigError(f"EMOTION_CACHE_GB is {text!r}: set it to a number of gigabytes, 0 for none.")
    return Cache(cache_folder(), limit)


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _shards(recipe: Path) -> Iterator[Path]:
    return (folder for folder in _folders(recipe) if not folder.name.startswith("."))


def _all_shards(root: Path) -> Iterator[Path]:
    return (folder for recipe in _folders(root) for folder in _shards(recipe))


def _size(folder: Path) -> int:
    try:
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    except OSError:
        return 0


def _last_used(folder: Path) -> float:
    try:
        return (folder / INDEX).stat().st_mtime
    except OSError:
        return 0.0


def _is_used(folder: Path) -> bool:
    try:
        with (folder / INDEX).open("r+") as file:
            return not locks.try_lock(file.fileno())
    except OSError:
        return False


def _evict(folder: Path) -> int:
    """Delete a shard unless somebody uses it; return how many bytes that freed."""
    size = _size(folder)
    try:
        with (folder / INDEX).open("r+") as file:
            if not locks.try_lock(file.fileno()):
                return 0
            shutil.rmtree(folder)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return 0
    return size
