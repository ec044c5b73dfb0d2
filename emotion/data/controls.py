"""Controls that remove something from a picture, to test whether a model needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageOps

# Without a face detector, the middle counts as the face: this share of each side.
MIDDLE = 0.64
# The mean colour of ImageNet, which is close to a neutral input for a network.
COVER = (124, 116, 104)
# Blur radius as a share of the shorter side: it leaves colours and removes shapes.
BLUR = 0.06


@dataclass(frozen=True)
class PictureControl:
    """A change to an upright RGB picture, and the question it answers."""

    name: str
    title: str
    asks: str
    change: Callable[[Image.Image], Image.Image]


def middle_of(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the middle of a picture as left, top, right, bottom in pixels."""
    width, height = picture.size
    left, top = round(width * (1 - MIDDLE) / 2), round(height * (1 - MIDDLE) / 2)
    return left, top, max(width - left, left + 1), max(height - top, top + 1)


def _border_blurred(picture: Image.Image) -> Image.Image:
    blurred = picture.filter(ImageFilter.GaussianBlur(max(1.0, min(picture.size) * BLUR)))
    box = middle_of(picture)
    blurred.paste(picture.crop(box), box)
    return blurred


def _covered(picture: Image.Image, *, top: bool) -> Image.Image:
    covered, half = picture.copy(), picture.height // 2
    covered.paste(COVER, (0, 0, picture.width, half) if top else (0, half, *picture.size))
    return covered


_ALL: tuple[tuple[str, str, str, Callable[[Image.Image], Image.Image]], ...] = (
    ("centre_crop", "Centre crop", "The middle alone, enlarged: does it need what is around the face?",
     lambda each: each.crop(middle_of(each))),
    ("border_blurred", "Border blurred", "Sharp only in the middle: does it read the surroundings?", _border_blurred),
    ("top_covered", "Top half covered", "Does it need the eyes and brows?", lambda each: _covered(each, top=True)),
    ("bottom_covered", "Bottom half covered", "Does it need the mouth?", lambda each: _covered(each, top=False)),
    ("grey", "Grey", "Does it go by colour?", lambda each: each.convert("L").convert("RGB")),
    ("mirrored", "Mirrored", "Left and right say nothing of an emotion: does it stay?", ImageOps.mirror),
    # As in studies of turned faces (Yin 1969, doi 10.1037/h0027474).
    ("upside_down", "Upside down", "All is there, no face stands upright: does it read faces or patches?",
     lambda each: each.transpose(Image.Transpose.ROTATE_180)),
)  # fmt: skip
PICTURE_CONTROLS = {name: PictureControl(name, title, asks, change) for name, title, asks, change in _ALL}
