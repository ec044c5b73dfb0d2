"""Decode a picture file into an upright RGB image, also in the form that sets keep: the only reader in the program."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

from pi_heif import register_heif_opener
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.data.limits import MAX_BYTES, MAX_PIXELS
from emotion.data.metadata import PNG, count_scans, is_clean, jpeg_pixels, png_pixels

register_heif_opener()
# Formats opened, whatever a file is called; a phone's MPO counts as JPEG. No others are tried: Pillow passes PostScript
# to another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
# A plain JPEG can be decoded at half its width and height; the decoders of the last three formats use 7, 9 and 16 bytes
# a pixel, and must stay within 300 MB too.
MAX_JPEG_PIXELS = 178_000_000  # Pillow's limit
_FEWER_PIXELS = {"HEIF": 40_000_000, "AVIF": 30_000_000, "WEBP": 18_000_000}
# A progressive JPEG has about ten scans; each is a pass over the whole picture.
MAX_SCANS = 50
# The largest ratio of the longer to the shorter side: models resize a picture by its shorter side.
MAX_RATIO = 100
LARGE_PIXELS, LARGE_BYTES = 13_000_000, 10_000_000
# The longest side in pixels of a picture in a set, and the quality of its JPEG.
KEPT_SIDE, _KEPT_QUALITY = 1024, 95
# Errors that odd and damaged files raise in Pillow.
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, struct.error, zlib.error,
)  # fmt: skip
# The transposition that makes a picture upright, by EXIF orientation.
_TURNS = dict(zip(range(2, 9), map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), strict=True))
# Rows converted to RGB at once, so that there is never a second copy of a large picture.
_ROWS = 512


def open_picture(source: Path | IO[bytes], *, name: str = "", side: int | None = None) -> Image.Image:
    """Decode a picture as upright RGB (by its EXIF orientation), without alpha.

    Transparent parts become white; the first frame of an animation is used. Grey of more than eight bits is scaled by
    its type, not its content: 16 bits by 65535, 32 bits by 2**31 - 1 (2**32 - 1 unsigned), floats by 1.

    With ``side`` the picture is reduced, but each side stays at least twice that many pixels: a JPEG while it is
    decoded, several times as fast, other formats by averaging whole squares of pixels. A JPEG of more than
    ``MAX_PIXELS`` always has its width and height halved.
    Raises PictureError as ``opened``, and where the file is cut short, or its grey exceeds its scale or becomes black.
    """
    with opened(source, name=name) as image:
        return decoded(image, side=side)


def decoded(image: ImageFile.ImageFile, *, side: int | None = None) -> Image.Image:
    """Decode a picture from ``opened`` in the same way as ``open_picture``."""
    halved = 2 if image.width * image.height > MAX_PIXELS else 1
    width, height = (min(part // halved, 2 * side if side else part) for part in image.size)
    image.draft("RGB", (width, height))
    image.load()
    turn = _TURNS.get(_orientation(image))
    picture = _as_rgb(image, factor=_factor(image, side) if side else 1)
    return picture if turn is None else picture.transpose(turn)


def reduced(picture: Image.Image, *, side: int) -> Image.Image:
    """Reduce a picture in memory as ``open_picture`` does for this side."""
    factor = _factor(picture, side)
    return picture.reduce(factor) if factor > 1 else picture


def kept_form(content: bytes) -> tuple[bytes, str, Image.Image]:
    """Return the form of a picture file that a set keeps, its suffix, and the upright picture.

    The same content always gives the same result. A small, upright file without metadata is unchanged. Any other is
    encoded again with its longer side at most ``KEPT_SIDE`` pixels: as PNG if it is small and its format lossless, else
    as JPEG. Raises PictureError as ``open_picture``; the text begins with "It".
    """
    with opened(io.BytesIO(content), name="It") as image:
        kind, is_small, is_upright = str(image.format), max(image.size) <= KEPT_SIDE, _orientation(image) == 1
        picture = decoded(image, side=None if is_small else KEPT_SIDE // 2)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    if is_small and is_upright and is_clean(content, kind=kind):
        return content, {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[kind], picture
    buffer = io.BytesIO()
    # A new image, so that no metadata is written.
    plain = Image.frombytes("RGB", picture.size, picture.tobytes())
    if is_small and kind not in ("JPEG", "MPO", "HEIF", "AVIF"):
        plain.save(buffer, "PNG", compress_level=1)  # four times as fast as by default, and a fifth larger
        return buffer.getvalue(), ".png", picture
    plain.save(buffer, "JPEG", quality=_KEPT_QUALITY, subsampling=0)
    return buffer.getvalue(), ".jpg", picture


def read_file(source: Path | IO[bytes], *, name: str = "", most: int = MAX_BYTES) -> bytes:
    """Return the content of a picture's file; ``most`` is in bytes, ``name`` is what the error calls it.
    Raises PictureError where it is missing or too large.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            file.seek(0)
            content = file.read(most + 1)
    except OSError as error:
        raise PictureError(f"{shown} cannot be read ({error.strerror}): check its path.") from error
    if len(content) > most:
        raise PictureError(f"{shown} has more than {megabytes(most)}, the limit of one picture: make it smaller.")
    return content


@contextmanager
def opened(source: Path | IO[bytes], *, name: str = "") -> Iterator[ImageFile.ImageFile]:
    """Open a picture within the limits without decoding it; errors of Pillow inside the block become PictureError.

    Of a PNG only the pixel chunks and the orientation are read: text, profiles and their checksums do not matter.
    Raises PictureError where it is not a picture of ``FORMATS``, or beyond a limit; the text begins with ``name``.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    content = read_file(source, name=name)
    try:
        # Pillow warns where we raise, and about odd metadata that changes no pixel.
        with warnings.catch_warnings(action="ignore"), _opened(content) as image:
            if why := _too_large(image, content):
                raise PictureError(f"{shown} {why}.")
            yield image
    except UnidentifiedImageError as error:
        raise PictureError(f"{shown} is not a picture: use a .jpg, .png or .webp file.") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise PictureError(f"{shown} is too large to open safely: make it smaller.") from error
    except _BROKEN as error:
        why = " ".join(str(error).split())
        raise PictureError(f"{shown} cannot be read ({why}): save it again or leave it out.") from error


def is_large(picture: Path | IO[bytes], *, name: str = "") -> bool:
    """Whether a picture is slow to decode: more than a phone's usual 12 megapixels. Decodes nothing.
    Raises PictureError where it is not a picture, or beyond a limit.
    """
    with opened(picture, name=name) as image:
        is_big_file = isinstance(picture, Path) and picture.stat().st_size > LARGE_BYTES
        return is_big_file or image.width * image.height > LARGE_PIXELS


def _opened(content: bytes) -> ImageFile.ImageFile:
    file = _Metered(png_pixels(content) if content.startswith(PNG) else content)
    try:
        image: ImageFile.ImageFile = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        # If Pillow fails on a JPEG's metadata, it may open the file without it.
        if not content.startswith(b"\xff\xd8"):
            raise
        return Image.open(io.BytesIO(jpeg_pixels(content)), formats=FORMATS)
    file.is_opening = False
    return image


class _Metered(io.BytesIO):
    """A file of which at most ``left`` bytes are read while it ``is_opening``; each piece counts as more than it has.

    Pillow joins all that precedes the pixels in memory, a GIF's comments in quadratic time.
    """

    left, is_opening = 16_000_000, True

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.is_opening and size is not None and size >= 0:  # Reading all at once, as for WebP, is allowed.
            self.left -= len(data) + 4_000
            if self.left < 0:
                raise ValueError("it carries too much beside its pixels")
        return data


def _too_large(image: ImageFile.ImageFile, content: bytes) -> str:
    """Return why a picture is too large to decode, as "has … : …"; empty where it is not."""
    scans, most = 1, _FEWER_PIXELS.get(str(image.format), MAX_PIXELS)
    if image.format in ("JPEG", "MPO"):
        scans = count_scans(content)
        most = MAX_JPEG_PIXELS if scans == 1 and not image.info.get("progressive") else MAX_PIXELS
    tags = getattr(image, "tag_v2", {})
    tile = tags.get(TiffImagePlugin.TILEWIDTH, 0) * tags.get(TiffImagePlugin.TILELENGTH, 0)
    pixels = f"has {image.width} x {image.height} pixels"
    if max(image.width * image.height, tile) > most:
        return f"{pixels}: make it smaller than {most // 1_000_000} megapixels"
    if max(image.size) > MAX_RATIO * min(image.size):
        return f"{pixels}: cut it to less than {MAX_RATIO} times as long as wide"
    return f"has {scans} scans: save it again, with {MAX_SCANS} at most" if scans > MAX_SCANS else ""


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) where it cannot be read."""
    try:
        # Pillow's PNG method would decode the whole picture, in case EXIF follows the pixels.
        found = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    except _BROKEN:
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def _factor(image: Image.Image, side: int) -> int:
    return max(1, min(image.size) // (2 * side))


def _as_rgb(image: ImageFile.ImageFile, *, factor: int) -> Image.Image:
    """Return a decoded picture as RGB, reduced by the mean of each square of ``factor`` pixels."""
    white = _white(image)
    made = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    rows = -(-_ROWS // factor) * factor
    for start in range(0, image.height, rows):
        strip = image.crop((0, start, image.width, min(start + rows, image.height)))
        if white:
            strip = strip.convert("F").point(lambda value: value * 255 / white).convert("L")
        if strip.mode in ("RGBA", "LA", "PA") or "transparency" in strip.info:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        strip = strip.convert("RGB")
        made.paste(strip.reduce(factor) if factor > 1 else strip, (0, start // factor))
    return made


def _white(image: ImageFile.ImageFile) -> int:
    """Return the value of white in grey of more than eight bits, 0 for any other picture.
    Raises ValueError where values lie outside black and white, or all values of 32 bits would be black.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return 0
    tags = getattr(image, "tag_v2", {})
    bits, is_signed = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0], tags.get(TiffImagePlugin.SAMPLEFORMAT) == (2,)
    white: int = 1 if image.mode == "F" else (1 << bits - is_signed) - 1
    # Unsigned 16-bit values are always within the scale.
    lowest, highest = (0, white) if ";" in image.mode else cast(tuple[float, float], image.getextrema())
    if not 0 <= lowest <= highest <= white or (bits == 32 and 0 < highest < white / 256):
        raise ValueError(f"its grey goes from {lowest:g} to {highest:g}, where 0 is black and {white} white")
    return white
