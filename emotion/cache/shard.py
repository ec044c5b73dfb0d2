"""One file of activations with its index: written beside and renamed, trusted only after its checksums. No torch."""

from __future__ import annotations

import json
import math
import mmap
import os
import shutil
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from emotion import locks
from emotion.cache.recipe import Recipe

SCHEMA = 1
VALUE_BYTES = {"float32": 4, "bfloat16": 2}
ROWS, INDEX = "rows.bin", "index.json"
# The name of a folder that is not whole yet, or that belongs to one training alone.
PRIVATE = ".private-"


class ForeignShard(Exception):
    """A folder is no shard of this recipe, or is torn."""


@dataclass(frozen=True)
class Shard:
    """Activations of one recipe. ``rows`` maps each name to its place in ``file``; ``lock`` is held meanwhile."""

    folder: Path
    dtype: str
    shape: tuple[int, ...]
    rows: dict[str, int]
    lock: IO[str]

    @property
    def file(self) -> Path:
        """Where the values lie, row after row."""
        return self.folder / ROWS

    def close(self) -> None:
        """Let others evict it; a private one is deleted."""
        self.lock.close()
        if self.folder.name.startswith(PRIVATE):
            shutil.rmtree(self.folder, ignore_errors=True)


class ShardWriter:
    """Takes rows one by one into a private folder, which nobody trusts before ``finish``."""

    def __init__(self, parent: Path, recipe: Recipe) -> None:
        self.folder = parent / f"{PRIVATE}{uuid.uuid4().hex}"
        self.size = 0
        self._recipe = recipe
        self._sums: dict[str, int] = {}
        self._dtype = ""
        self._shape: tuple[int, ...] = ()
        self.folder.mkdir(parents=True)
        # Held from the start: whoever tidies up leaves alone what is still written.
        self._lock = (self.folder / INDEX).open("a+", encoding="utf-8")
        locks.try_lock(self._lock.fileno(), is_onlooker=True)
        self._file = (self.folder / ROWS).open("wb")

    @property
    def rows(self) -> int:
        """How many rows it has so far."""
        return len(self._sums)

    def add(self, name: str, row: bytes, *, dtype: str, shape: tuple[int, ...]) -> None:
        """Append a row.

        Raises:
            OSError: the disk is full.
        """
        self._dtype, self._shape = dtype, shape
        self._file.write(row)
        self._sums[name] = zlib.crc32(row)
        self.size += len(row)

    def finish(self) -> Shard:
        """Write the index and return the shard, open and still private.

        Raises:
            OSError: the disk is full.
        """
        self._file.close()
        index = {
            "schema": SCHEMA,
            "recipe": self._recipe.to_json(),
            "dtype": self._dtype,
            "shape": self._shape,
            "rows": self._sums,
        }
        json.dump(index, self._lock)
        self._lock.flush()
        places = {name: place for place, name in enumerate(self._sums)}
        return Shard(self.folder, self._dtype, self._shape, places, self._lock)

    def discard(self) -> None:
        """Drop what was written."""
        self._file.close()
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def open_shard(folder: Path, *, recipe: Recipe, wanted: Iterable[str]) -> Shard | None:
    """Open a shard and return it with its ``wanted`` rows; None where it has none of them, or is just being evicted.

    Raises:
        ForeignShard: it is torn, of another recipe, or no shard at all.
    """
    lock: IO[str] | None = None
    try:
        lock = (folder / INDEX).open(encoding="utf-8")
        if not locks.try_lock(lock.fileno(), is_onlooker=True):
            lock.close()
            return None
        index = _read_index(lock, recipe)
        row_size, places = _sizes(index, (folder / ROWS).stat().st_size)
        kept = [name for name in wanted if name in places]
        _check(folder / ROWS, {name: index["rows"][name] for name in kept}, places=places, row_size=row_size)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if lock is not None:
            lock.close()
        raise ForeignShard(str(folder)) from error
    if not kept:
        lock.close()
        return None
    # The time of the last use: what is evicted first is what nobody has used for longest.
    os.utime(folder / INDEX)
    return Shard(folder, index["dtype"], tuple(index["shape"]), {name: places[name] for name in kept}, lock)


def _read_index(file: IO[str], recipe: Recipe) -> dict[str, Any]:
    index: dict[str, Any] = json.load(file)
    if index["schema"] != SCHEMA or index["recipe"] != recipe.to_json():
        raise ValueError("of another recipe")
    return index


def _sizes(index: dict[str, Any], file_size: int) -> tuple[int, dict[str, int]]:
    places = {name: place for place, name in enumerate(index["rows"])}
    row_size = math.prod(index["shape"]) * VALUE_BYTES[index["dtype"]]
    if not places or file_size != row_size * len(places):
        raise ValueError("cut short")
    return row_size, places


def _check(file: Path, sums: dict[str, int], *, places: dict[str, int], row_size: int) -> None:
    if not sums:
        return
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name, expected in sums.items():
            begin = places[name] * row_size
            with memoryview(content)[begin : begin + row_size] as row:
                if zlib.crc32(row) != expected:
                    raise ValueError(f"{name} is damaged")
