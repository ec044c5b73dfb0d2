"""A disk cache of features: the frozen layers' output, reused by later trainings. Importing it imports no torch.

Each recipe has a folder, which holds files of rows named by picture content. A row with a wrong checksum is computed
again; the least recently used files are deleted first. A deleted file stays readable for processes that have it mapped,
so no lock is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import uuid
import zlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from emotion.core.config import Augmentation
from emotion.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

# Raise this when decoding, variation or pooling gives different results: it invalidates the cache.
VERSION = 3
DEFAULT_GIGABYTES = 2.0
KEY_DIGITS = 16
SUFFIX, PRIVATE = ".safetensors", ".private-"
# A file that is still private after this time belongs to a process that died.
ABANDONED_SECONDS = 600.0
_UNREADABLE = (OSError, SafetensorError, ValueError, KeyError, TypeError)


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
class Rows:
    """Rows of one recipe: ``places`` maps each name to its row in ``values``, (N, …), which may be memory-mapped."""

    values: Tensor
    places: dict[str, int]


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

    def find(self, recipe: Recipe, names: Collection[str]) -> list[Rows]:
        """Return the cached rows of these names. Deletes damaged files."""
        wanted, found = set(names), list[Rows]()
        for path in sorted((self.folder / recipe.key).glob(f"[!.]*{SUFFIX}")) if self.limit else []:
            if not wanted:
                break
            try:
                rows = open_rows(path, recipe=recipe, wanted=wanted)
            except _UNREADABLE:
                path.unlink(missing_ok=True)
                continue
            if rows.places:
                # The modification time records the last use: the least recently used file is deleted first.
                with contextlib.suppress(OSError):
                    os.utime(path)
                found.append(rows)
                wanted -= set(rows.places)
        return found

    def write(self, recipe: Recipe, names: Sequence[str], values: Tensor, *, keep: bool) -> Path:
        """Write (N, …) rows into a file and return its path; without ``keep`` the file is private and short-lived.
        Raises OSError where the disk is full or cannot be written.
        """
        import torch
        from safetensors.torch import save

        about = {"recipe": json.dumps(asdict(recipe)), "names": json.dumps(list(names))}
        sums = torch.tensor([_sum(row) for row in values])
        path = self.folder / recipe.key / f"{PRIVATE}{uuid.uuid4().hex}{SUFFIX}"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tidy()
        try:
            # Serialised in memory first, so that a full disk raises an ordinary OSError.
            path.write_bytes(save({"rows": values.contiguous(), "sums": sums}, about))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        if not keep or not self._make_room(path.stat().st_size):
            return path
        return path.rename(path.with_name(path.name.removeprefix(PRIVATE)))

    def entries(self) -> list[Entry]:
        """Return the cached entries, most recently used first."""
        entries: dict[str, Entry] = {}
        for path, size, used in self._files():
            try:
                with safe_open(path, framework="numpy") as file:
                    about = file.metadata()
                recipe, rows = json.loads(about["recipe"]), len(json.loads(about["names"]))
            except _UNREADABLE:
                continue  # The next training that reads it deletes it.
            old = entries.get(path.parent.name, Entry(recipe, 0, 0, 0.0))
            entries[path.parent.name] = Entry(recipe, old.rows + rows, old.size + size, max(old.last_used, used))
        return sorted(entries.values(), key=lambda entry: -entry.last_used)

    def size(self) -> int:
        """Return the size of the cache in bytes."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> int:
        """Delete the whole cache and return the number of bytes freed."""
        freed = sum(self._drop(path, size) for path, size, _ in self._files())
        self._tidy()
        for folder in self._folders():
            with contextlib.suppress(OSError):
                folder.rmdir()
        return freed

    def _files(self) -> list[tuple[Path, int, float]]:
        """Return each cached file, with its size in bytes and the time of its last use."""
        found = []
        for folder in self._folders():
            for path in folder.glob(f"[!.]*{SUFFIX}"):
                with contextlib.suppress(OSError):
                    found.append((path, path.stat().st_size, path.stat().st_mtime))
        return found

    def _make_room(self, size: int) -> bool:
        files = sorted(self._files(), key=lambda file: file[2])
        total = sum(size for _, size, _ in files)
        for path, freed, _ in files:
            if total + size <= self.limit:
                break
            total -= self._drop(path, freed)
        return total + size <= self.limit

    def _drop(self, path: Path, size: int) -> int:
        try:
            path.unlink()
        except OSError:
            return 0
        return size

    def _tidy(self) -> None:
        """Delete the private files of processes that died."""
        for folder in self._folders():
            for path in folder.glob(f"{PRIVATE}*"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                        path.unlink()

    def _folders(self) -> list[Path]:
        """Return the recipes' folders. Anything else in this folder must not be deleted."""
        return [path for path in self.folder.glob("[0-9a-f]" * KEY_DIGITS) if path.is_dir() and not path.is_symlink()]


def open_rows(path: Path, *, recipe: Recipe, wanted: Collection[str]) -> Rows:
    """Return the ``wanted`` rows of a file whose checksum is right, memory-mapped.
    Raises OSError, SafetensorError, ValueError, KeyError, TypeError where it is missing, damaged or of another recipe.
    """
    with safe_open(path, framework="pt") as file:
        about, values, sums = file.metadata(), file.get_tensor("rows"), file.get_tensor("sums").tolist()
    names = json.loads(about["names"])
    if json.loads(about["recipe"]) != asdict(recipe) or not len(names) == len(values) == len(sums):
        raise ValueError("of another recipe")
    places = {name: place for place, name in enumerate(names) if name in wanted and _sum(values[place]) == sums[place]}
    return Rows(values, places)


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


def _sum(row: Tensor) -> int:
    import torch

    return zlib.crc32(row.contiguous().view(torch.uint8).numpy().tobytes())
