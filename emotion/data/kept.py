"""The stored form of a picture in a set: upright, without metadata, and no larger than a model needs."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.data.containers import is_clean
from emotion.data.decoding import decoded, opened, orientation
from emotion.data.limits import Limits

# The longest side in pixels.
KEPT_SIDE = 1024
_QUALITY = 95
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_LOSSY = ("JPEG", "MPO", "HEIF", "AVIF")


def read_file(path: Path, limits: Limits) -> bytes:
    """Return a file's content. Raises PictureError where it is missing or too large; the text begins with "It"."""
    try:
        if path.stat().st_size > limits.picture_bytes:
            raise PictureError(f"It has more than {megabytes(limits.picture_bytes)}, the limit of one picture.")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"It cannot be read ({error.strerror}).") from error


def kept_form(content: bytes) -> tuple[bytes, str, Image.Image]:
    """Return the stored form of a picture file, its suffix, and the upright picture.

    The same content always gives the same result. A small, upright file without metadata is unchanged. Any other is
    encoded again with its longer side at most ``KEPT_SIDE`` pixels: as PNG if it is small and its format lossless, else
    as JPEG. Raises PictureError as ``open_picture``; the text begins with "It".
    """
    with opened(io.BytesIO(content), name="It") as image:
        kind, is_small, is_upright = str(image.format), max(image.size) <= KEPT_SIDE, orientation(image) == 1
        picture = decoded(image, side=None if is_small else KEPT_SIDE // 2)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    if is_small and is_upright and is_clean(content, kind=kind):
        return content, _SUFFIXES[kind], picture
    buffer = io.BytesIO()
    # A new image, so that no metadata is written.
    plain = Image.frombytes("RGB", picture.size, picture.tobytes())
    if is_small and kind not in _LOSSY:
        plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
        return buffer.getvalue(), ".png", picture
    plain.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue(), ".jpg", picture
