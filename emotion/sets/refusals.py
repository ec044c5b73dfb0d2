"""What an import is refused for as a whole, each in one sentence. Reads no picture and writes nothing."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from emotion.errors import PictureError
from emotion.sets.entries import HIDDEN, NO_PICTURE
from emotion.sets.layout import Layout
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped
from emotion.sets.naming import plain_text, shown
from emotion.sets.saved import taken
from emotion.words import megabytes

MAX_SPECIES = 40


def checked_species(species: str) -> str:
    """Return a species in one line and small letters; empty where none is given.

    Raises:
        PictureError: it is too long.
    """
    plain = plain_text(species)
    if len(plain) > MAX_SPECIES:
        raise PictureError(f"The species has {len(plain)} characters: use at most {MAX_SPECIES}.")
    return plain.casefold()


def refuse_taken(folder: Path) -> None:
    """Raise ``PictureError`` where another set has this folder, for some file system."""
    there = taken(folder.name, root=folder.parent)
    if there is not None:
        raise PictureError(f"There is a picture set {there.name!r} already: choose another name, or delete that one.")


def refuse_beyond(laid: Layout, title: str, limits: Limits) -> None:
    """Raise ``PictureError`` where there are more pictures, or larger ones, than the limits allow."""
    if len(laid.labelled) > limits.pictures:
        raise PictureError(f"{title} holds {len(laid.labelled):,} pictures: the limit is {limits.pictures:,} a set.")
    size = sum(entry.size for entry, _ in laid.labelled)
    if size > limits.bytes:
        raise PictureError(
            f"{title} holds pictures of {megabytes(size)}: the limit is {megabytes(limits.bytes)} a set."
        )


def refuse_late(deadline: float, limits: Limits) -> None:
    """Raise ``PictureError`` after ``deadline``, a ``time.monotonic()``."""
    if time.monotonic() > deadline:
        raise PictureError(f"The import takes more than {limits.seconds:g} seconds, the limit: import fewer pictures.")


def refuse_full(root: Path, size: int) -> None:
    """Raise ``PictureError`` where so many bytes find no room."""
    there = next((folder for folder in (root, *root.absolute().parents) if folder.is_dir()), root)
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(there).free
        if size > free:
            raise PictureError(
                f"The set needs {megabytes(size)} in {root}, where {megabytes(free)} are free: make room."
            )


def nothing_left(title: str, skipped: Sequence[Skipped]) -> PictureError:
    """Return the error that says why no picture of a source is left."""
    wanted = "put .jpg, .png or .webp files into one folder per class."
    # What is no picture by its name explains nothing where pictures are there and cannot be used.
    told = [each for each in skipped if each.reason not in (HIDDEN, NO_PICTURE)]
    if not told:
        return PictureError(f"There are no pictures in class folders in {title}: {wanted}")
    first = told[0]
    return PictureError(
        f"No picture in {title} can be used; the first of {len(told):,} left out is "
        f"{shown(first.original)}: {first.reason}"
    )
