"""The stored form of a picture in a set: upright, without metadata, and no larger than a model needs."""

from __future__ import annotations

import hashlib
import io
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

# The longest side in pixels.
KEPT_SIDE = 1024
_QUALITY = 95
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_LOSSY = ("JPEG", "MPO", "HEIF", "AVIF")


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture in its stored form: its file, and what identifies it.

    ``source_sha256`` is that of the original file, ``pixels`` the SHA-256 of the upright picture, ``prints`` the
    fingerprints of it and of its mirror image, 32 bytes each.
    """

    content: bytes
    suffix: str
    width: int
    height: int
    source_sha256: str
    pixels: bytes
    prints: tuple[bytes, bytes]


def read_file(path: Path, limits: Limits) -> bytes:
    """Return a file's content. Raises PictureError where it is missing or too large; the text begins with "It"."""
    try:
        if path.stat().st_size > limits.picture_bytes:
            raise PictureError(f"It has more than {megabytes(limits.picture_bytes)}, the limit of one picture.")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"It cannot be read ({error.strerror}).") from error


@contextmanager
def checked(content: bytes, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """Open a picture within the limits, as ``opened`` does.
    Raises PictureError as ``opened``, and where it has more pixels than the limit; the text begins with "It".
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
    """Return the stored form of a picture file. The same content always gives the same result.

    A small, upright file without metadata is unchanged. Any other is encoded again with its longer side at most
    ``KEPT_SIDE`` pixels: as PNG if it is small and its format lossless, else as JPEG.
    Raises PictureError as ``checked``, and where it cannot be decoded.
    """
    with checked(content, limits) as image:
        kind, is_small, is_upright = str(image.format), max(image.size) <= KEPT_SIDE, orientation(image) == 1
        picture = decoded(image, side=None if is_small else KEPT_SIDE // 2)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    if is_small and is_upright and is_clean(content, kind=kind):
        kept, suffix = content, _SUFFIXES[kind]
    else:
        suffix, buffer = ".png" if is_small and kind not in _LOSSY else ".jpg", io.BytesIO()
        # A new image, so that no metadata is written.
        plain = Image.frombytes("RGB", picture.size, picture.tobytes())
        if suffix == ".png":
            plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
        else:
            plain.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
        kept = buffer.getvalue()
    prints = fingerprints(reduced(picture, side=LOOKED_AT))
    pixels = hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()
    return Kept(kept, suffix, *picture.size, hashlib.sha256(content).hexdigest(), pixels, prints)
