"""Kept features: what a frozen part made of pictures, on disk from one training to the next. Imports no torch itself.

A folder a recipe, in it files of rows by the pictures' content. A file is written beside and renamed, so that it is
whole; a row whose checksum is wrong is computed again; what nobody has used for longest makes room. A file that is
deleted while a process has it mapped stays readable there, so no lock is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from emotion.core.config import Augmentation
from emotion.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

# Raised whenever decoding, variation or pooling comes out otherwise than before: what is kept is then void.
VERSION = 3
DEFAULT_GIGABYTES = 2.0
SUFFIX, PRIVATE = ".safetensors", ".private-"
# A file that is still private after this time was left behind by a process that is gone.
ABANDONED_SECONDS = 600.0
_UNREADABLE = (OSError, SafetensorError, ValueError, KeyError, TypeError)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture becomes a row: two that differ in anything share nothing.

    ``weights`` is the SHA-256 of the backbone's file, ``trained_blocks`` how many blocks come after the row (0 for
    features), ``processor`` the image processor's settings as JSON, ``packages`` the versions of what decodes and
    computes.
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
        """Sixteen hexadecimal digits that stand for the recipe."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def row_key(sha256: str, *, view: int, augmentation: Augmentation) -> str:
    """Return the name of a picture's row: its content and its view, 0 for the picture as it is."""
    return f"{sha256}/{augmentation}-{view}" if view else f"{sha256}/plain"


@dataclass(frozen=True)
class Rows:
    """Rows of one recipe: ``places`` has the place of each name in ``values``, (N, …), which may lie on disk."""

    values: Tensor
    places: dict[str, int]


@dataclass(frozen=True)
class Entry:
    """What is kept of one recipe, given as JSON values; ``last_used`` is a Unix time, ``size`` in bytes."""

    recipe: dict[str, Any]
    rows: int
    size: int
    last_used: float


@dataclass(frozen=True)
class Cache:
    """A folder that keeps at most ``limit`` bytes of rows."""

    folder: Path
    limit: int

    def find(self, recipe: Recipe, names: Collection[str]) -> list[Rows]:
        """Return the rows that are kept of these names. A file that is torn is deleted."""
        wanted, found = set(names), list[Rows]()
        for path in sorted((self.folder / recipe.key).glob(f"*{SUFFIX}")) if self.limit else []:
            if not wanted or path.name.startswith("."):
                continue
            try:
                rows = open_rows(path, recipe=recipe, wanted=wanted)
            except FileNotFoundError:
                continue
            except _UNREADABLE:
                path.unlink(missing_ok=True)
                continue
            if rows.places:
                # The time of the last use: what is dropped first is what nobody has used for longest.
                os.utime(path)
                found.append(rows)
                wanted -= set(rows.places)
        return found

    def write(self, recipe: Recipe, names: Sequence[str], values: Tensor, *, keep: bool) -> Path:
        """Write (N, …) rows into a file and return where it lies; what is not to be kept is private, and soon gone.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        import torch
        from safetensors.torch import save

        about = {"recipe": json.dumps(asdict(recipe)), "names": json.dumps(list(names))}
        sums = torch.tensor([_sum(row) for row in values])
        path = self.folder / recipe.key / f"{PRIVATE}{uuid.uuid4().hex}{SUFFIX}"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tidy()
        try:
            # Serialised in memory, so that a full disk is an OSError like any other.
            path.write_bytes(save({"rows": values.contiguous(), "sums": sums}, about))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        if not keep or not self._make_room(path.stat().st_size):
            return path
        return path.rename(path.with_name(path.name.removeprefix(PRIVATE)))

    def entries(self) -> list[Entry]:
        """Return what is kept, the last used first."""
        entries: dict[str, Entry] = {}
        for path, size, used in self._files():
            try:
                with safe_open(path, framework="numpy") as file:
                    about = file.metadata()
                recipe, rows = json.loads(about["recipe"]), len(json.loads(about["names"]))
            except _UNREADABLE:
                continue  # The next training that comes by deletes it.
            old = entries.get(path.parent.name, Entry(recipe, 0, 0, 0.0))
            entries[path.parent.name] = Entry(recipe, old.rows + rows, old.size + size, max(old.last_used, used))
        return sorted(entries.values(), key=lambda entry: -entry.last_used)

    def size(self) -> int:
        """Return how many bytes are kept."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> int:
        """Delete all that is kept and return how many bytes that were."""
        freed = sum(self._drop(path, size) for path, size, _ in self._files())
        self._tidy()
        for folder in _folders(self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()
        return freed

    def _files(self) -> list[tuple[Path, int, float]]:
        """Return each file that is kept, with its size in bytes and when it was last used."""
        found = []
        for folder in _folders(self.folder):
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
        """Delete what killed processes and older versions left behind."""
        for folder in _folders(self.folder):
            for path in folder.iterdir():
                with contextlib.suppress(OSError):
                    if path.is_dir():
                        shutil.rmtree(path)
                    elif path.name.startswith(PRIVATE) and path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                        path.unlink()


def open_rows(path: Path, *, recipe: Recipe, wanted: Collection[str]) -> Rows:
    """Return the ``wanted`` rows of a file, memory-mapped: those whose checksum is right.

    Raises:
        OSError, SafetensorError, ValueError, KeyError, TypeError: it is gone, torn, or of another recipe.
    """
    with safe_open(path, framework="pt") as file:
        about, values, sums = file.metadata(), file.get_tensor("rows"), file.get_tensor("sums").tolist()
    names = json.loads(about["names"])
    if json.loads(about["recipe"]) != asdict(recipe) or not len(names) == len(values) == len(sums):
        raise ValueError("of another recipe")
    places = {name: place for place, name in enumerate(names) if name in wanted and _sum(values[place]) == sums[place]}
    return Rows(values, places)


def cache_folder() -> Path:
    """Return the folder of what can be computed again: ``$EMOTION_CACHE``, else ``./cache``."""
    return Path(os.environ.get("EMOTION_CACHE") or "cache").absolute()


def open_cache() -> Cache:
    """Return the cache in ``cache_folder()``, of ``$EMOTION_CACHE_GB`` gigabytes, else 2.

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


def _folders(parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(parent)):
            if entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _sum(row: Tensor) -> int:
    import torch

    return zlib.crc32(row.contiguous().view(torch.uint8).numpy().tobytes())
