"""Limits for the size of pictures and imports: generous defaults for a local machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from emotion.core.errors import PictureError
from emotion.core.format import megabytes

# Of a picture that is decoded: 200 MB in Pillow.
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class Limits:
    """The limits of an import; a single picture beyond ``picture_bytes`` is left out instead."""

    pictures: int = 100_000
    files: int = 400_000  # of any kind, folders too
    bytes: int = 50_000_000_000  # of all pictures, unpacked
    picture_bytes: int = MAX_BYTES  # of one file
    depth: int = 32  # folders within folders
    seconds: float = 86_400.0  # for the whole import

    def check(self, title: str, *, files: int = 0, pictures: int = 0, size: int = 0) -> None:
        """Raise ``PictureError`` where a source called ``title`` holds more; ``size`` is in bytes."""
        if files > self.files:
            raise PictureError(f"{title} holds too many files: the limit is {self.files:,}.")
        if pictures > self.pictures:
            raise PictureError(f"{title} holds {pictures:,} pictures: the limit is {self.pictures:,}.")
        if size > self.bytes:
            held, most = megabytes(size), megabytes(self.bytes)
            raise PictureError(f"{title} holds pictures of {held}: the limit is {most}.")


def refuse_late(deadline: float, limits: Limits) -> None:
    """Raise ``PictureError`` after ``deadline``, a ``time.monotonic()`` in seconds."""
    if time.monotonic() > deadline:
        raise PictureError(f"The import takes more than {limits.seconds:g} seconds, the limit: import fewer pictures.")
