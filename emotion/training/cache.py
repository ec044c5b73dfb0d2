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
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from emotion.core.config import Augmentation
from emotion.core.errors import ConfigError
from emotion.core.files import hash_file, write_files

if TYPE_CHECKING:
    from torch import Tensor

# Raise this when decoding, variation or pooling gives different results, or files another form: it empties the cache.
VERSION = 4
DEFAULT_GIGABYTES = 2.0
KEY_DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture becomes a row; recipes that differ in any field share no rows.

    ``weights`` is the SHA-256 of the backbone's file, ``trained_blocks`` the number of blocks after the row (0 for
    features), ``processor`` its settings as JSON, ``packages`` the versions of the packages that decode and compute.
    """

    weights: str
    trained_blocks: int
    image_size: int
    precision: str
    device: str
    processor: str
    packages: str
    version: int = VERSION

    @property
    def key(self) -> str:
        """The first hexadecimal digits of the recipe's hash."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]


def row_key(sha256: str, *, view: int, augmentation: Augmentation) -> str:
    """Return the name of a picture's row: its content and its view (0 for the unchanged picture)."""
    return f"{sha256}/{augmentation}-{view}" if view else f"{sha256}/plain"


@dataclass(frozen=True)
class Entry:
    """What is cached for one recipe, as JSON values; ``last_used`` is a Unix time, ``size`` is in bytes."""

    recipe: dict[str, Any]
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
        for path in sorted((self.folder / recipe.key).glob("*")) if self.limit else []:
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

        content = save(rows, {"recipe": json.dumps(asdict(recipe))})
        path = self.folder / recipe.key / hashlib.sha256(content).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never over a file that another process has mapped: what it reads would be cut off.
        write_files(path.parent, {path.name: content})
        return path

    def trim(self) -> None:
        """Delete the least recently used files until the others are within the limit."""
        files = sorted(self._files(), key=lambda file: file[2])
        total = sum(size for _, size, _ in files)
        while total > self.limit:
            path, size, _ = files.pop(0)
            path.unlink(missing_ok=True)
            total -= size

    def entries(self) -> list[Entry]:
        """Return the cached entries, most recently used first."""
        entries: dict[str, Entry] = {}
        for path, size, used in self._files():
            try:
                with safe_open(path, framework="numpy") as file:
                    recipe, rows = json.loads(file.metadata()["recipe"]), len(file.keys())
            except (OSError, SafetensorError, ValueError, KeyError, TypeError):
                continue
            old = entries.get(path.parent.name, Entry(recipe, 0, 0, 0.0))
            entries[path.parent.name] = Entry(recipe, old.rows + rows, old.size + size, max(old.last_used, used))
        return sorted(entries.values(), key=lambda entry: -entry.last_used)

    def size(self) -> int:
        """Return the size of the cache in bytes."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> int:
        """Delete the whole cache and return the number of bytes freed."""
        before = self.size()
        for path, _, _ in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
        for folder in self._folders():
            with contextlib.suppress(OSError):
                folder.rmdir()
        return before - self.size()

    def _files(self) -> list[tuple[Path, int, float]]:
        """Return each cached file, those of older versions too, with its size in bytes and the time of its last use."""
        found = []
        for path in (path for folder in self._folders() for path in folder.glob("*")):
            with contextlib.suppress(OSError):
                found.append((path, path.stat().st_size, path.stat().st_mtime))
        return found

    def _folders(self) -> list[Path]:
        """Return the recipes' folders. Anything else in this folder must not be deleted."""
        return [path for path in self.folder.glob("[0-9a-f]" * KEY_DIGITS) if path.is_dir() and not path.is_symlink()]


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
    text = os.environ.get("EMOTION_CACHE_GB") or str(DEFAULT_GIGABYTES)
    try:
        limit = int(float(text) * 1e9)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise ConfigError(f"EMOTION_CACHE_GB is {text!r}: set it to a number of gigabytes, 0 for none.")
    return Cache(cache_folder(), limit)
