"""Decode a picture file into an upright RGB image: the only reader in the program."""

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
from emotion.data.limits import MAX_BYTES, MAX_PIXELS

# Formats opened besides HEIC, whatever a file is called; a phone's MPO counts as JPEG. No others are tried: Pillow
# passes PostScript to another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# A plain JPEG can be decoded at half its width and height; the decoders of the last three formats use 7, 9 and 16 bytes
# a pixel, and must stay within 300 MB too.
MAX_JPEG_PIXELS = 178_000_000  # Pillow's limit
_FEWER_PIXELS = {"HEIF": 40_000_000, "AVIF": 30_000_000, "WEBP": 18_000_000}
# A progressive JPEG has about ten scans; each is a pass over the whole picture.
MAX_SCANS = 50
# Limits for data before the pixels: Pillow joins all of it in memory, a GIF's comments in quadratic time.
MAX_HEAD_BYTES, MAX_HEAD_PIECES = 16_000_000, 4_000
# The largest ratio of the longer to the shorter side: models resize a picture by its shorter side.
MAX_RATIO = 100
LARGE_PIXELS, LARGE_BYTES = 13_000_000, 10_000_000
# Errors that odd and damaged files raise in Pillow.
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, struct.error, zlib.error,
)  # fmt: skip

# The parts of a PNG (W3C, third edition) and of a JPEG (ITU-T T.81, annex B).
PNG = b"\x89PNG\r\n\x1a\n"
_SOS = b"\xff\xda"
# Millions of empty chunks would take more memory than any picture; the largest metadata chunk, in bytes.
_MOST_PARTS, _MOST_BESIDE = 100_000, 1 << 20
# The transposition that makes a picture upright, by EXIF orientation.
_TURNS = dict(zip(range(2, 9), map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), strict=True))
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
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
    turn = _TURNS.get(orientation(image))
    picture = _as_rgb(image, factor=_factor(image, side) if side else 1)
    return picture if turn is None else picture.transpose(turn)


def reduced(picture: Image.Image, *, side: int) -> Image.Image:
    """Reduce a picture in memory as ``open_picture`` does for this side."""
    factor = _factor(picture, side)
    return picture.reduce(factor) if factor > 1 else picture


@contextmanager
def opened(source: Path | IO[bytes], *, name: str = "") -> Iterator[ImageFile.ImageFile]:
    """Open a picture within the limits without decoding it; errors of Pillow inside the block become PictureError.

    Of a PNG only the pixel chunks and the orientation are read: text, profiles and their checksums do not matter.
    Raises PictureError where it is not a picture of ``FORMATS`` or HEIC, or beyond a limit; the text begins with
    ``name``.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    try:
        with ExitStack() as stack:
            # Pillow warns where we raise, and about odd metadata that changes no pixel.
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
    except _BROKEN as error:
        why = " ".join(str(error).split())
        raise PictureError(f"{shown} cannot be read ({why}): save it again or leave it out.") from error


def orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) where it cannot be read."""
    try:
        # Pillow's PNG method would decode the whole picture, in case EXIF follows the pixels.
        found = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    except _BROKEN:
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def is_large(picture: Path | IO[bytes], *, name: str = "") -> bool:
    """Whether a picture is slow to decode: more than a phone's usual 12 megapixels. Decodes nothing.
    Raises PictureError where it is not a picture, or beyond a limit.
    """
    with opened(picture, name=name) as image:
        is_big_file = isinstance(picture, Path) and picture.stat().st_size > LARGE_BYTES
        return is_big_file or image.width * image.height > LARGE_PIXELS


def _opened(file: IO[bytes], *, shown: str) -> ImageFile.ImageFile:
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    # AVIF has the same header box as HEIC, with its own brand in it.
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF and b"avi" not in head[8 : int.from_bytes(head[:4])]:
        # Not registered with Pillow: its list of openers is global.
        from pi_heif import HeifImageFile

        return cast(ImageFile.ImageFile, HeifImageFile(file))
    if head.startswith(PNG):
        return Image.open(_pixels_of_png(file), formats=FORMATS)
    metered = _Metered(file, shown=shown)
    try:
        image: ImageFile.ImageFile = Image.open(cast(IO[bytes], metered), formats=FORMATS)
    except UnidentifiedImageError:
        # If Pillow fails on a JPEG's metadata, it may open the file without it.
        if not head.startswith(b"\xff\xd8"):
            raise
        file.seek(0)
        return Image.open(io.BytesIO(jpeg_without_metadata(file.read())), formats=FORMATS)
    metered.is_counted = False
    return image


class _Metered:
    """A picture's file that limits how many bytes, in how many pieces, are read while it is opened."""

    def __init__(self, file: IO[bytes], *, shown: str) -> None:
        self._file, self._shown, self.is_counted = file, shown, True
        self._pieces, self._bytes = MAX_HEAD_PIECES, MAX_HEAD_BYTES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        # Reading all at once, as for WebP, is allowed.
        if self.is_counted and size >= 0:
            self._pieces, self._bytes = self._pieces - 1, self._bytes - len(data)
            if self._pieces < 0 or self._bytes < 0:
                raise PictureError(f"{self._shown} carries too much beside its pixels: save it again without that.")
        return data


def _too_large(image: ImageFile.ImageFile, file: IO[bytes]) -> str:
    """Return why a picture is too large to decode, as "has … : …"; empty where it is not."""
    scans, most = 1, _FEWER_PIXELS.get(str(image.format), MAX_PIXELS)
    if image.format in ("JPEG", "MPO"):
        here = file.tell()
        file.seek(0)
        scans = _count_scans(file.read())
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


def jpeg_without_metadata(content: bytes) -> bytes:
    """Return a JPEG without EXIF, comments, profiles and thumbnail before the pixels.
    Raises ValueError, IndexError, struct.error where the file breaks the standard.
    """
    kept, at, marker = [content[:2]], 2, 0
    while marker != _SOS[1]:
        if content[at] != 0xFF or len(kept) > _MOST_PARTS:
            raise ValueError("no marker, or too many")
        marker, end = content[at + 1], at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        segment = content[at + 4 : end]
        is_jfif = marker == 0xE0 and segment.startswith(b"JFIF\0") and len(segment) == 14
        is_adobe = marker == 0xEE and segment.startswith(b"Adobe") and len(segment) == 12
        is_beside = 0xE0 <= marker <= 0xEF or marker == 0xFE
        kept.append(content[at:end] if is_jfif or is_adobe or not is_beside else b"")
        at = end
    return b"".join([*kept, content[at:]])


def _count_scans(content: bytes) -> int:
    """Return the number of scans of a JPEG, without those of a thumbnail in its header; never too few."""
    at = 2
    # Where the file breaks the standard, counting begins early.
    while content[at : at + 1] == b"\xff" and content[at : at + 2] != _SOS and at + 4 <= len(content):
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return max(content.count(_SOS, at), 1)


def _pixels_of_png(file: IO[bytes]) -> IO[bytes]:
    """Return a PNG's pixel chunks, and its EXIF chunk moved before them, which holds the orientation.

    A file with pixel chunks only is returned itself, so that a large one is not copied.
    """
    found = list(png_chunks(file))
    pixels = [(start, end) for kind, start, end in found if kind[:1].isupper() or kind == b"tRNS"]
    turned = [(start, end) for kind, start, end in found if kind == b"eXIf"][:1]
    parts = [(0, len(PNG)), *pixels[:1], *turned, *pixels[1:]]
    is_plain = not turned and sum(end - start for start, end in parts) == file.seek(0, os.SEEK_END)
    kept = file if is_plain else io.BytesIO(b"".join(_part(file, start, end) for start, end in parts))
    kept.seek(0)
    return kept


def png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk of a PNG; metadata chunks only if small and with a valid checksum.
    Raises ValueError where there are more chunks than any picture has.
    """
    start = len(PNG)
    for _ in range(_MOST_PARTS):
        head = _part(file, start, start + 8)
        kind, end = head[4:], start + 12 + int.from_bytes(head[:4])
        beside = b"" if kind[:1].isupper() or end - start > _MOST_BESIDE else _part(file, start, end)
        if kind[:1].isupper() or (beside and zlib.crc32(beside[4:-4]) == int.from_bytes(beside[-4:])):
            yield kind, start, end
        if len(head) < 8 or kind == b"IEND":
            return
        start = end
    raise ValueError("too many parts")


def _part(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
