"""One file's content: is it a picture that can be kept, and how does it look? Knows nothing of where it came from."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from emotion.errors import PictureError
from emotion.pictures.decoding import MAX_PIXELS, open_picture, opened, orientation
from emotion.pictures.duplicates import LOOKED_AT, fingerprint
from emotion.sets.limits import Limits
from emotion.sets.stripping import strip

# The formats that are opened, whatever a file is called, and the suffix they are kept under.
_SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".png",
    "GIF": ".png",
    "TIFF": ".png",
    "AVIF": ".png",
    "HEIF": ".png",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture file as it is kept: its content, its suffix, and its upright size in pixels."""

    content: bytes
    suffix: str
    width: int
    height: int


def kept_form(content: bytes, *, limits: Limits) -> Kept:
    """Return a picture file without metadata: its own bytes where it has none, its own pixels in any case.

    JPEG, PNG and WebP keep their coded pixels; what cannot be stripped, and any other format, becomes a PNG of what
    ``open_picture`` makes of it. The same content always gives the same.

    Raises:
        PictureError: as ``open_picture``, or it has more pixels than the limit; the text begins with "It".
    """
    try:
        with opened(io.BytesIO(content), name="It") as image:
            kind, (width, height), turn = str(image.format), image.size, orientation(image)
    except PictureError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise PictureError("It is not a picture, whatever its name says.") from error
        raise
    if width * height > limits.pixels and limits.pixels < MAX_PIXELS:
        most = f"{limits.pixels / 1e6:g} megapixels"
        raise PictureError(f"It has {width} x {height} pixels: the limit is {most}, make it smaller.")
    stripped = strip(content, kind=kind, orientation=turn)
    if stripped is None:
        return _encoded(content)
    return Kept(stripped, _SUFFIXES[kind], *((width, height) if turn < 5 else (height, width)))


def looks(content: bytes) -> tuple[bytes, bytes]:
    """Decode a picture to its end and return its fingerprint and its mirror image's, 32 bytes each.

    Raises:
        PictureError: it cannot be decoded; the text begins with "It".
    """
    image = open_picture(io.BytesIO(content), name="It", side=LOOKED_AT)
    return _packed(image), _packed(ImageOps.mirror(image))


def _encoded(content: bytes) -> Kept:
    image = open_picture(io.BytesIO(content), name="It")
    # A new image, so that none of the old one's metadata is written along.
    plain = Image.frombytes("RGB", image.size, image.tobytes())
    buffer = io.BytesIO()
    plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
    return Kept(buffer.getvalue(), ".png", image.width, image.height)


def _packed(image: Image.Image) -> bytes:
    return np.packbits(fingerprint(image)).tobytes()
