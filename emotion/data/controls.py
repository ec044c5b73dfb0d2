"""Controls of what in a picture a model needs: the same picture with something taken away. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageOps

# The middle that counts as the face where no detector is asked: this share of each side.
MIDDLE = 0.64
# The mean of ImageNet's pictures, which is about what a network takes for nothing.
COVER = (124, 116, 104)
# Of the shorter side: what is blurred by as much keeps its colours and loses its shapes.
BLUR = 0.06
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PictureControl:
    """A change to any upright RGB picture, and what is asked by it."""

    name: str
    title: str
    asks: str
    change: Callable[[Image.Image], Image.Image]


def middle_of(picture: Image.Image) -> Box:
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


_ALL = (
    PictureControl(
        "centre_crop", "Centre crop", "The middle alone, enlarged: does it need what is around the face?",
        lambda picture: picture.crop(middle_of(picture)),
    ),
    PictureControl(
        "border_blurred", "Border blurred", "Sharp only in the middle: does it read the surroundings?", _border_blurred
    ),
    PictureControl(
        "top_covered", "Top half covered", "Does it need the eyes and brows?", lambda each: _covered(each, top=True)
    ),
    PictureControl(
        "bottom_covered", "Bottom half covered", "Does it need the mouth?", lambda each: _covered(each, top=False)
    ),
    PictureControl("grey", "Grey", "Does it go by colour?", lambda each: each.convert("L").convert("RGB")),
    PictureControl("mirrored", "Mirrored", "Left and right say nothing of an emotion: does it stay?", ImageOps.mirror),
    # As in studies of turned faces (Yin 1969, doi 10.1037/h0027474).
    PictureControl(
        "upside_down", "Upside down", "All is there, no face stands upright: does it read faces or patches?",
        lambda each: each.transpose(Image.Transpose.ROTATE_180),
    ),
)  # fmt: skip
PICTURE_CONTROLS: dict[str, PictureControl] = {control.name: control for control in _ALL}
