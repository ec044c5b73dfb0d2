"""The stored form of a picture in a set: upright, without metadata, and no larger than a model needs."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.data.decoding import PNG, decoded, jpeg_without_metadata, opened, orientation, png_chunks
from emotion.data.limits import Limits

# The longest side in pixels.
KEPT_SIDE = 1024
_QUALITY = 95
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
# The chunks that change how a PNG is displayed, except those of animations.
_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP"}
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
    if is_small and is_upright and _is_clean(content, kind=kind):
        return content, _SUFFIXES[kind], picture
    buffer = io.BytesIO()
    # A new image, so that no metadata is written.
    plain = Image.frombytes("RGB", picture.size, picture.tobytes())
    if is_small and kind not in _LOSSY:
        plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
        return buffer.getvalue(), ".png", picture
    plain.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue(), ".jpg", picture


def _is_clean(content: bytes, *, kind: str) -> bool:
    """Whether a file of Pillow's format ``kind`` holds a single picture and no metadata (WebP: RFC 9649)."""
    try:
        if kind == "JPEG":
            # At worst, coded pixels contain an end marker by chance, and a clean file counts as not clean.
            is_whole = content.find(b"\xff\xd9", content.rindex(b"\xff\xda")) == len(content) - 2
            return is_whole and jpeg_without_metadata(content) == content
        if kind == "PNG":
            chunks = list(png_chunks(io.BytesIO(content)))
            size = len(PNG) + sum(end - start for _, start, end in chunks)
            return size == len(content) and all(kind in _PIXELS for kind, _, _ in chunks)
        if kind == "WEBP":
            simple = content[12:16] in (b"VP8 ", b"VP8L")
            return simple and 20 + sum(struct.unpack_from("<I", content, 16)) + content[16] % 2 == len(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads many files that break the standard.
    return False
