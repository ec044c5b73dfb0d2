"""A split's pictures and labels as rows that can be read in any order, none of which is held. Knows no Hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from emotion.errors import PictureError

SCHEMA = pa.schema({"content": pa.large_binary(), "path": pa.string(), "label": pa.string()})


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a split, counted from 0 as on the Hub's pages.

    ``label`` is empty where there is none; ``path`` is the name that its picture came with; ``size`` is the picture's
    in bytes, None where there is no picture.
    """

    number: int
    label: str
    path: str
    size: int | None


class Rows(Protocol):
    """The rows of a split."""

    def __iter__(self) -> Iterator[Row]:
        """Yield every row."""

    def __len__(self) -> int:
        """Return how many there are."""

    def read(self, number: int) -> bytes:
        """Return a row's picture.

        Raises:
            PictureError: it cannot be read; the text begins with "It".
        """

    def close(self) -> None:
        """Let go of what is open."""


class Mapped:
    """An Arrow file of ``SCHEMA``, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self._file = pa.memory_map(str(path))
        self._table = pa.ipc.open_file(self._file).read_all()

    def __iter__(self) -> Iterator[Row]:
        """Yield every row, without a look at its picture."""
        number = 0
        for batch in self._table.to_batches():
            sizes = pc.binary_length(batch.column("content")).to_pylist()
            paths, labels = batch.column("path").to_pylist(), batch.column("label").to_pylist()
            for size, path, label in zip(sizes, paths, labels, strict=True):
                yield Row(number, label or "", path or "", size)
                number += 1

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self._table.num_rows)

    def read(self, number: int) -> bytes:
        """Return a row's picture."""
        content = self._table.column("content")[number].as_py()
        if not isinstance(content, bytes):
            raise PictureError("It has no picture.")
        return content

    def close(self) -> None:
        """Close the file."""
        del self._table
        self._file.close()


class Listed:
    """Picture files with their labels."""

    def __init__(self, files: Sequence[tuple[Path | None, str]]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[Row]:
        """Yield every row, without a look into its file."""
        for number, (path, label) in enumerate(self._files):
            plain = path is not None and path.is_file() and not path.is_symlink()
            size = path.stat().st_size if path is not None and plain else None
            yield Row(number, label, path.name if path else "", size)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._files)

    def read(self, number: int) -> bytes:
        """Return a row's picture."""
        path = self._files[number][0]
        if path is None:
            raise PictureError("It has no picture.")
        try:
            return path.read_bytes()
        except OSError as error:
            raise PictureError(f"It cannot be read ({error.strerror}).") from error

    def close(self) -> None:
        """Nothing is open."""
