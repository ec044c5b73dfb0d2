"""One file's content: is it a picture that can be kept, and how does it look? Knows nothing of where it came from."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from emotion.errors import PictureError
from emotion.pictures.decoding import FORMATS, MAX_PIXELS, open_picture, too_large
from emotion.pictures.duplicates import DRAFT, fingerprint
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
}

_ORIENTATION = 0x0112
# In one of these a PNG says which side is up.
_PNG_TURNED = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
# What damaged files have been seen to raise in Pillow.
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, struct.error,
)  # fmt: skip


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
        PictureError: it is no picture, or has more pixels than the limit; the text begins with "It".
    """
    try:
        kind, size, orientation = _look(content, limits)
        stripped = strip(content, kind=kind, orientation=orientation)
        if stripped is not None:
            width, height = size if orientation < 5 else size[::-1]
            return Kept(stripped, _SUFFIXES[kind], width, height)
        return _encoded(content)
    except MemoryError as error:
        raise PictureError("It needs more memory than there is: make it smaller.") from error
    except Image.DecompressionBombError as error:
        raise PictureError("It is too large to open safely: make it smaller.") from error
    except UnidentifiedImageError as error:
        raise PictureError("It is not a picture, whatever its name says.") from error
    except _BROKEN as error:
        raise PictureError("It is damaged: save it again or leave it out.") from error


def looks(content: bytes) -> tuple[bytes, bytes]:
    """Decode a picture to its end and return its fingerprint and its mirror image's, 32 bytes each.

    Raises:
        PictureError: it cannot be decoded; the text begins with "It".
    """
    image = decoded(content, draft=DRAFT)
    return _packed(image), _packed(ImageOps.mirror(image))


def decoded(content: bytes, *, draft: tuple[int, int] | None = None) -> Image.Image:
    """Decode what ``kept_form`` returned to its end, as ``open_picture`` does.

    Raises:
        PictureError: it cannot be decoded; the text begins with "It".
    """
    try:
        return open_picture(io.BytesIO(content), name="It", draft=draft)
    except MemoryError as error:
        raise PictureError("It needs more memory than there is: make it smaller.") from error
    except _BROKEN as error:
        raise PictureError("It is damaged: save it again or leave it out.") from error


def _look(content: bytes, limits: Limits) -> tuple[str, tuple[int, int], int]:
    """Return format, size in pixels as coded, and EXIF orientation of a picture, without decoding its pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if limits.pixels < MAX_PIXELS and image.width * image.height > limits.pixels:
                raise PictureError(
                    f"It has {image.width} x {image.height} pixels: "
                    f"the limit is {limits.pixels / 1e6:g} megapixels, make it smaller."
                )
            if why := too_large(image):
                raise PictureError(f"It {why}.")
            # Pillow decodes a PNG to its end for this, in case that it comes late.
            may_be_turned = image.format != "PNG" or any(word in content for word in _PNG_TURNED)
            orientation = image.getexif().get(_ORIENTATION, 1) if may_be_turned else 1
            return str(image.format), image.size, orientation if orientation in range(1, 9) else 1


def _encoded(content: bytes) -> Kept:
    image = open_picture(io.BytesIO(content), name="It")
    # A new image, so that none of the old one's metadata is written along.
    plain = Image.frombytes("RGB", image.size, image.tobytes())
    buffer = io.BytesIO()
    plain.save(buffer, "PNG")
    return Kept(buffer.getvalue(), ".png", image.width, image.height)


def _packed(image: Image.Image) -> bytes:
    return np.packbits(fingerprint(image)).tobytes()
