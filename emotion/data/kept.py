"""A picture file as a set keeps it: upright, without metadata, and no larger than a model needs."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.data.containers import is_clean
from emotion.data.decoding import decoded, opened, orientation, reduced
from emotion.data.duplicates import LOOKED_AT, fingerprints
from emotion.data.limits import MAX_PIXELS, Limits

# Of the longer side, in pixels.
KEPT_SIDE = 1024
_QUALITY = 95
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_LOSSY = ("JPEG", "MPO", "HEIF", "AVIF")
# Where a plain file has been swapped for a pipe since it was listed: do not wait.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture as it is kept: its file, and what tells it from others.

    ``source_sha256`` is of the file that it came as, ``pixels`` the SHA-256 of the upright picture, ``prints`` its
    fingerprint and its mirror image's, 32 bytes each.
    """

    content: bytes
    suffix: str
    width: int
    height: int
    source_sha256: str
    pixels: bytes
    prints: tuple[bytes, bytes]


def read_file(path: Path, limits: Limits, *, listed: os.stat_result | None = None) -> bytes:
    """Return the content of a plain file, which is the one that was ``listed``.
    Raises PictureError where it is gone, is none, is too large or another one by now; the text begins with "It".
    """
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as file:
            here = os.fstat(file.fileno())
            if not stat.S_ISREG(here.st_mode):
                raise PictureError("It is no plain file.")
            if listed and (here.st_dev, here.st_ino, here.st_size) != (listed.st_dev, listed.st_ino, listed.st_size):
                raise PictureError("It changed while it was read.")
            if here.st_size > limits.picture_bytes:
                raise PictureError(f"It has more than {megabytes(limits.picture_bytes)}, the limit of one picture.")
            return file.read(limits.picture_bytes)
    except OSError as error:
        raise PictureError(f"It cannot be read ({error.strerror}).") from error


@contextmanager
def checked(content: bytes, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """Open a picture that is within the limits, as ``opened`` does.
    Raises PictureError as ``opened``, or it has more pixels than the limit; the text begins with "It".
    """
    try:
        with opened(io.BytesIO(content), name="It") as image:
            if image.width * image.height > limits.pixels and limits.pixels < MAX_PIXELS:
                most = f"the limit is {limits.pixels / 1e6:g} megapixels"
                raise PictureError(f"It has {image.width} x {image.height} pixels: {most}, make it smaller.")
            yield image
    except PictureError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise PictureError("It is not a picture, whatever its name says.") from error
        raise


def kept_form(content: bytes, limits: Limits) -> Kept:
    """Return a picture file as a set keeps it. The same content always gives the same.

    A small one that is upright and holds nothing beside its pixels stays as it is. Anything else is encoded anew with
    its longer side at ``KEPT_SIDE`` pixels at most: as PNG where it is small and its format is without loss, else as
    JPEG.
    Raises PictureError as ``checked``, or it cannot be decoded.
    """
    with checked(content, limits) as image:
        kind, is_small, is_upright = str(image.format), max(image.size) <= KEPT_SIDE, orientation(image) == 1
        picture = decoded(image, side=None if is_small else KEPT_SIDE // 2)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    if is_small and is_upright and is_clean(content, kind=kind):
        kept, suffix = content, _SUFFIXES[kind]
    else:
        suffix, buffer = ".png" if is_small and kind not in _LOSSY else ".jpg", io.BytesIO()
        # A new image, so that none of the old one's metadata is written along.
        plain = Image.frombytes("RGB", picture.size, picture.tobytes())
        if suffix == ".png":
            plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
        else:
            plain.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
        kept = buffer.getvalue()
    prints = fingerprints(reduced(picture, side=LOOKED_AT))
    pixels = hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()
    return Kept(kept, suffix, *picture.size, hashlib.sha256(content).hexdigest(), pixels, prints)
