"""Turn a picture file into an upright RGB image: the one reader for every path into the program."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from PIL import ExifTags, Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from emotion.core.errors import PictureError
from emotion.data.containers import PNG, count_scans, jpeg_without_metadata, pixels_of_png
from emotion.data.limits import MAX_BYTES, MAX_PIXELS

# What is opened, whatever a file is called, besides HEIC; a phone's MPO is a JPEG. Nothing else is tried: Pillow hands
# PostScript to another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# Half of a plain JPEG's width and height can be left out while it is decoded; the decoders of the last three hold 7, 9
# and 16 bytes a pixel, and are to stay within 300 MB too.
MAX_JPEG_PIXELS = 178_000_000  # more is too much for Pillow
_FEWER_PIXELS = {"HEIF": 40_000_000, "AVIF": 30_000_000, "WEBP": 18_000_000}
# A progressive JPEG has about ten; each is a pass over all of it.
MAX_SCANS = 50
# Of what stands before the pixels: Pillow joins and keeps all of it, a GIF's comment in quadratic time.
MAX_HEAD_BYTES, MAX_HEAD_PIECES = 16_000_000, 4_000
# Of the longer side to the shorter: models resize a picture by its shorter side.
MAX_RATIO = 100
LARGE_PIXELS, LARGE_BYTES = 13_000_000, 10_000_000
# What odd and damaged files have been seen to raise in Pillow.
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, struct.error, zlib.error,
)  # fmt: skip

# How a picture is turned upright, by EXIF's number of which side is up.
_TURNS = dict(zip(range(2, 9), map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), strict=True))
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
# As many rows are made RGB at once, so that no second copy of a large picture is held.
_ROWS = 512


def open_picture(source: Path | IO[bytes], *, name: str = "", side: int | None = None) -> Image.Image:
    """Decode a picture, turned as its EXIF orientation says, without alpha, as RGB.

    Transparent parts become white, the first frame of an animation counts. Grey of more than eight bits is scaled by
    its type, whatever is in it: 16 bits by 65535, 32 bits by 2**31 - 1 (2**32 - 1 unsigned), floats by 1.

    With ``side`` both sides are shortened as far as each stays at least twice as many pixels: a JPEG while it is
    decoded, several times as fast, anything else by the mean of whole squares of pixels. A JPEG of more than
    ``MAX_PIXELS`` has half its width and height in any case.
    Raises PictureError as ``opened``, or it is cut short, or its grey lies outside its scale or would be black by it.
    """
    with opened(source, name=name) as image:
        return decoded(image, side=side)


def decoded(image: ImageFile.ImageFile, *, side: int | None = None) -> Image.Image:
    """Return a picture that is ``opened`` as ``open_picture`` does."""
    halved = 2 if image.width * image.height > MAX_PIXELS else 1
    width, height = (min(part // halved, 2 * side if side else part) for part in image.size)
    image.draft("RGB", (width, height))
    image.load()
    turn = _TURNS.get(orientation(image))
    picture = _as_rgb(image, factor=_factor(image, side) if side else 1)
    return picture if turn is None else picture.transpose(turn)


def reduced(picture: Image.Image, *, side: int) -> Image.Image:
    """Return a picture that is in memory as ``open_picture`` would give it for this side."""
    factor = _factor(picture, side)
    return picture.reduce(factor) if factor > 1 else picture


@contextmanager
def opened(source: Path | IO[bytes], *, name: str = "") -> Iterator[ImageFile.ImageFile]:
    """Open a picture that is within the limits, and decode nothing of it yet; what Pillow raises meanwhile is told.

    Of a PNG nothing is read but what bears on its pixels and which side is up: no text, no profile and none of their
    checksums has a say.
    Raises PictureError where it is no picture of ``FORMATS`` and no HEIC, or beyond a limit; the text begins with
    ``name``.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    try:
        with ExitStack() as stack:
            # Pillow warns where we refuse, and about odd metadata that changes no pixel.
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
            if (size := file.seek(0, os.SEEK_END)) > MAX_BYTES:
                most = f"{MAX_BYTES // 1_000_000} MB"
                raise PictureError(f"{shown} has {size / 1e6:,.0f} MB: make it smaller than {most}.")
            image = stack.enter_context(_opened(file, shown=shown))
            if why := _too_large(image, file):
                raise PictureError(f"{shown} {why}.")
            yield image
    except FileNotFoundError as error:
        raise PictureError(f"There is no picture {shown}: check its path.") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{shown} is not a picture: use a .jpg, .png or .webp file.") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise PictureError(f"{shown} is too large to open safely: make it smaller.") from error
    except ImportError as error:
        raise PictureError(f"{shown} is HEIC: install pi-heif, which reads it, or save it as .jpg.") from error
    except _BROKEN as error:
        why = " ".join(str(error).split())
        raise PictureError(f"{shown} cannot be read ({why}): save it again or leave it out.") from error


def orientation(image: ImageFile.ImageFile) -> int:
    """Return which side is up as EXIF numbers it, 1 to 8; 1, for upright, where that cannot be read."""
    try:
        # Pillow's own for PNG decodes all of it, in case that something stands behind the pixels.
        found = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    except _BROKEN:
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def is_large(picture: Path, *, name: str = "") -> bool:
    """Whether a picture takes long to decode: more than a phone's usual 12 megapixels. Decodes nothing.
    Raises PictureError where it is no picture, or beyond a limit, so that nobody has to decode it.
    """
    with opened(picture, name=name) as image:
        return image.width * image.height > LARGE_PIXELS or picture.stat().st_size > LARGE_BYTES


def _opened(file: IO[bytes], *, shown: str) -> ImageFile.ImageFile:
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    # AVIF has the same box as HEIC, with a brand of its own in it.
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF and b"avi" not in head[8 : int.from_bytes(head[:4])]:
        # Not by way of Pillow's list of openers, which is everybody's.
        from pi_heif import HeifImageFile

        return cast(ImageFile.ImageFile, HeifImageFile(file))
    if head.startswith(PNG):
        return Image.open(pixels_of_png(file), formats=FORMATS)
    metered = _Metered(file, shown=shown)
    try:
        image: ImageFile.ImageFile = Image.open(cast(IO[bytes], metered), formats=FORMATS)
    except UnidentifiedImageError:
        # Of a JPEG with a part that Pillow stumbles over there may be one without it.
        if not head.startswith(b"\xff\xd8"):
            raise
        file.seek(0)
        return Image.open(io.BytesIO(jpeg_without_metadata(file.read())), formats=FORMATS)
    metered.is_counted = False
    return image


class _Metered:
    """A picture's file, of which so much may be read in so many pieces while it is opened."""

    def __init__(self, file: IO[bytes], *, shown: str) -> None:
        self._file, self._shown, self.is_counted = file, shown, True
        self._pieces, self._bytes = MAX_HEAD_PIECES, MAX_HEAD_BYTES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        # All at once, as WebP is read, it may be.
        if self.is_counted and size >= 0:
            self._pieces, self._bytes = self._pieces - 1, self._bytes - len(data)
            if self._pieces < 0 or self._bytes < 0:
                raise PictureError(f"{self._shown} carries too much beside its pixels: save it again without that.")
        return data


def _too_large(image: ImageFile.ImageFile, file: IO[bytes]) -> str:
    """Return why a picture may not be decoded, as "has … : …"; empty where it may."""
    scans, most = 1, _FEWER_PIXELS.get(str(image.format), MAX_PIXELS)
    if image.format in ("JPEG", "MPO"):
        here = file.tell()
        file.seek(0)
        scans = count_scans(file.read())
        file.seek(here)
        most = MAX_JPEG_PIXELS if scans == 1 and not image.info.get("progressive") else MAX_PIXELS
    tags = getattr(image, "tag_v2", {})
    tile = tags.get(TiffImagePlugin.TILEWIDTH, 0) * tags.get(TiffImagePlugin.TILELENGTH, 0)
    pixels = f"has {image.width} x {image.height} pixels"
    if max(image.width * image.height, tile) > most:
        return f"{pixels}: make it smaller than {most // 1_000_000} megapixels"
    if max(image.size) > MAX_RATIO * min(image.size):
        return f"{pixels}: cut it to less than {MAX_RATIO} times as long as wide"
    return f"has {scans} scans: save it again, with {MAX_SCANS} at most" if scans > MAX_SCANS else ""


def _factor(image: Image.Image, side: int) -> int:
    return max(1, min(image.size) // (2 * side))


def _as_rgb(image: ImageFile.ImageFile, *, factor: int) -> Image.Image:
    """Return a decoded picture as RGB, each square of ``factor`` pixels as their mean."""
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
    """Return which number is white in grey of more than eight bits, 0 for any other picture.
    Raises ValueError where it has numbers beyond black and white, or 32 bits and none that would not be black.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return 0
    tags = getattr(image, "tag_v2", {})
    bits, is_signed = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0], tags.get(TiffImagePlugin.SAMPLEFORMAT) == (2,)
    white: int = 1 if image.mode == "F" else (1 << bits - is_signed) - 1
    # Sixteen bits without a sign cannot lie outside.
    lowest, highest = (0, white) if ";" in image.mode else cast(tuple[float, float], image.getextrema())
    if not 0 <= lowest <= highest <= white or (bits == 32 and 0 < highest < white / 256):
        raise ValueError(f"its grey goes from {lowest:g} to {highest:g}, where 0 is black and {white} white")
    return white
