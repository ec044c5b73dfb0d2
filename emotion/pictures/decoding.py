"""Turn a picture file into an upright RGB image. Knows nothing of labels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from emotion.errors import PictureError

# What is opened, whatever a file is called; a phone's MPO is a JPEG. Nothing else is tried: Pillow hands PostScript to
# another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# Of what has to be decoded: 150 MB as RGB. Half of a plain JPEG's width and height can be left out while it is decoded.
MAX_PIXELS = 50_000_000
MAX_JPEG_PIXELS = 4 * MAX_PIXELS
MAX_BYTES = 200_000_000
# A progressive JPEG has about ten; each is a pass over all of it.
MAX_SCANS = 50
LARGE_PIXELS, LARGE_BYTES = 13_000_000, 10_000_000


def open_picture(source: Path | IO[bytes], *, name: str = "", draft: tuple[int, int] | None = None) -> Image.Image:
    """Decode a picture, turned as its EXIF orientation says, without alpha, as RGB.

    Transparent parts become white, the first frame of an animation counts, 16-bit grey is scaled to 8. A JPEG is
    decoded at a smaller size, not below ``draft``, where one is given, several times as fast; one of more than
    ``MAX_PIXELS`` at half its width and height.

    Raises:
        PictureError: it is no picture of ``FORMATS``, is cut short, or is beyond one of the limits above.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    try:
        with warnings.catch_warnings():
            # Pillow warns where we refuse, and about odd metadata that changes no pixel.
            warnings.simplefilter("ignore")
            with Image.open(source, formats=FORMATS) as image:
                if why := too_large(image):
                    raise PictureError(f"{shown} {why}.")
                if draft is not None:
                    image.draft("RGB", draft)
                elif image.width * image.height > MAX_PIXELS:
                    image.draft("RGB", (image.width // 2, image.height // 2))
                return _as_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise PictureError(f"There is no picture {shown}: check its path.") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{shown} is not a picture: use a .jpg, .png or .webp file.") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"{shown} is too large to open safely: make it smaller.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's decoders raise any of these for a damaged file.
        raise PictureError(f"{shown} cannot be read ({error}): save it again or leave it out.") from error


def is_large(picture: Path, *, name: str = "") -> bool:
    """Whether a picture takes long to decode: more than a phone's usual 12 megapixels. Decodes nothing.

    Raises:
        PictureError: it is beyond a limit, and never decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(picture, formats=FORMATS) as image:
                if why := too_large(image):
                    raise PictureError(f"{name or picture.name} {why}.")
                return image.width * image.height > LARGE_PIXELS or picture.stat().st_size > LARGE_BYTES
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return False  # That is said by whoever opens it.


def too_large(image: ImageFile.ImageFile) -> str:
    """Return why a picture that has been opened may not be decoded, as "has … : …"; empty where it may."""
    is_jpeg, is_progressive = image.format in ("JPEG", "MPO"), bool(image.info.get("progressive"))
    most = MAX_JPEG_PIXELS if is_jpeg and not is_progressive else MAX_PIXELS
    if image.width * image.height > most:
        limit = f"make it smaller than {most // 1_000_000} megapixels"
        return f"has {image.width} x {image.height} pixels: {limit}"
    assert image.fp is not None  # It has only been opened.
    here = image.fp.tell()
    size = image.fp.seek(0, os.SEEK_END)
    image.fp.seek(0)
    scans = image.fp.read().count(b"\xff\xda") if is_jpeg and is_progressive and size <= MAX_BYTES else 1
    image.fp.seek(here)
    if size > MAX_BYTES:
        return f"has {size / 1e6:,.0f} MB: make it smaller than {MAX_BYTES // 1_000_000} MB"
    return f"has {scans} scans: save it again, with {MAX_SCANS} at most" if scans > MAX_SCANS else ""


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        extrema: tuple[float, float] = image.getextrema()  # type: ignore[assignment]  # one band
        top = 65535 if extrema[1] > 255 else 255
        image = image.convert("F").point(lambda value: value * 255 / top).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
