"""Turn a picture file into an upright RGB image. Knows nothing of labels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from emotion.errors import PictureError

# A 20,000 x 20,000 picture would need 1.2 GB as RGB; phones stay under 110 megapixels.
MAX_PIXELS = 120_000_000


def open_picture(source: Path | IO[bytes], *, name: str = "", draft: tuple[int, int] | None = None) -> Image.Image:
    """Decode a picture, turned as its EXIF orientation says, without alpha, as RGB.

    Transparent parts become white, the first frame of an animation counts, 16-bit grey is scaled to 8. A JPEG is
    decoded at a smaller size, not below ``draft``, where one is given: several times as fast.

    Raises:
        PictureError: it is no picture, is cut short, or is larger than ``MAX_PIXELS``.
    """
    shown = name or (source.name if isinstance(source, Path) else "the picture")
    try:
        with warnings.catch_warnings():
            # Pillow warns where we refuse, and about odd metadata that changes no pixel.
            warnings.simplefilter("ignore")
            with Image.open(source) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PictureError(
                        f"{shown} has {image.width} x {image.height} pixels: "
                        f"make it smaller than {MAX_PIXELS // 1_000_000} megapixels."
                    )
                if draft is not None:
                    image.draft("RGB", draft)
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
