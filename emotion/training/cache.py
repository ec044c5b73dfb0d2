"""A disk cache of features, which the frozen layers compute, for later trainings. Importing it imports no torch.

Each recipe has a folder of files, and each file a few rows by picture content. A file is named after the hash of what
it holds and never changes, so what is torn or foreign is passed over and computed again; the least recently used files
are deleted first. A deleted file stays readable for processes that have it mapped, so no lock is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from emotion.core.errors import ConfigError
from emotion.core.files import hash_file, write_files

if TYPE_CHECKING:
    from torch import Tensor

KEY_DIGITS = 16


# How a picture becomes a row, as JSON values; recipes that differ in any of them share no rows.
Recipe = Mapping[str, str | int]


@dataclass(frozen=True)
class Entry:
    """What is cached for one recipe, as JSON values; ``last_used`` is a Unix time, ``size`` is in bytes."""

    recipe: Recipe
    rows: int
    size: int
    last_used: float


@dataclass(frozen=True)
class Cache:
    """A folder of cached rows, at most ``limit`` bytes in total."""

    folder: Path
    limit: int

    def find(self, recipe: Recipe, names: Collection[str]) -> dict[str, Tensor]:
        """Return the cached rows of these names, memory-mapped."""
        found: dict[str, Tensor] = {}
        for path in sorted(self._place(recipe).glob("*")) if self.limit else []:
            if rows := read_rows(path, names):
                found |= rows
                # The modification time records the last use.
                with contextlib.suppress(OSError):
                    os.utime(path)
        return found

    def write(self, recipe: Recipe, rows: dict[str, Tensor]) -> Path:
        """Write rows into a file of their own and return its path.
        Raises OSError where the disk is full or cannot be written.
        """
        from safetensors.torch import save

        content = save(rows, {"recipe": json.dumps(recipe)})
        path = self._place(recipe) / hashlib.sha256(content).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never over a file that another process has mapped: what it reads would be cut off.
        write_files(path.parent, {path.name: content})
        return path

    def trim(self) -> None:
        """Delete the least recently used files until the others are within the limit."""
        files = sorted(self._files().items(), key=lambda file: -file[1].st_mtime)
        total = sum(stat.st_size for _, stat in files)
        while total > self.limit:
            path, stat = files.pop()
            path.unlink(missing_ok=True)
            total -= stat.st_size

    def entries(self) -> list[Entry]:
        """Return the cached entries, most recently used first."""
        entries: dict[Path, Entry] = {}
        for path, stat in self._files().items():
            with contextlib.suppress(OSError, SafetensorError, ValueError, KeyError, TypeError):
                with safe_open(path, framework="numpy") as file:
                    recipe, rows = json.loads(file.metadata()["recipe"]), len(file.keys())
                old = entries.get(path.parent, Entry(recipe, 0, 0, 0.0))
                size, used = old.size + stat.st_size, max(old.last_used, stat.st_mtime)
                entries[path.parent] = Entry(recipe, old.rows + rows, size, used)
        return sorted(entries.values(), key=lambda entry: -entry.last_used)

    def size(self) -> int:
        return sum(stat.st_size for stat in self._files().values())

    def clear(self) -> int:
        """Delete the whole cache and return the number of bytes freed."""
        before = self.size()
        for path in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
                path.parent.rmdir()  # Fails until it is empty.
        return before - self.size()

    def _place(self, recipe: Recipe) -> Path:
        return self.folder / hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]

    def _files(self) -> dict[Path, os.stat_result]:
        """Return the files of all recipes, old ones too. Anything else in the folder is never touched."""
        found = {}
        for path in self.folder.glob(f"{'[0-9a-f]' * KEY_DIGITS}/*"):
            with contextlib.suppress(OSError):
                found[path] = path.stat()
        return found


def read_rows(path: Path, names: Collection[str]) -> dict[str, Tensor]:
    """Return the rows of these names in a file of the cache, memory-mapped; none where it is not what was written."""
    try:
        with safe_open(path, framework="pt") as file:
            wanted = [name for name in file.keys() if name in names]  # noqa: SIM118  # it is no dictionary
            return {name: file.get_tensor(name) for name in wanted} if wanted and hash_file(path) == path.name else {}
    except (OSError, SafetensorError):
        return {}


def cache_folder() -> Path:
    """Return the folder for data that can be recomputed: ``$EMOTION_CACHE``, else ``./cache``."""
    return Path(os.environ.get("EMOTION_CACHE") or "cache").absolute()


def open_cache() -> Cache:
    """Return the cache in ``cache_folder()``, limited to ``$EMOTION_CACHE_GB`` gigabytes (default 2).
    Raises ConfigError where the limit is not a number.
    """
    text = os.environ.get("EMOTION_CACHE_GB") or "2"
    with contextlib.suppress(ValueError, OverflowError):
        if (limit := int(float(text) * 1e9)) >= 0:
            return Cache(cache_folder(), limit)
    raise ConfigError(f"EMOTION_CACHE_GB is {text!r}: set it to a number of gigabytes, 0 for none.")
