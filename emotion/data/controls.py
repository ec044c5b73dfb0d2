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


def centre_crop(picture: Image.Image) -> Image.Image:
    """Return the middle alone."""
    return picture.crop(middle_of(picture))


def border_blurred(picture: Image.Image) -> Image.Image:
    """Return the picture with all but its middle blurred."""
    blurred = picture.filter(ImageFilter.GaussianBlur(max(1.0, min(picture.size) * BLUR)))
    box = middle_of(picture)
    blurred.paste(picture.crop(box), box)
    return blurred


def top_covered(picture: Image.Image) -> Image.Image:
    """Return the picture with its upper half in one even colour."""
    return _covered(picture, (0, 0, picture.width, picture.height // 2))


def bottom_covered(picture: Image.Image) -> Image.Image:
    """Return the picture with its lower half in one even colour."""
    return _covered(picture, (0, picture.height // 2, picture.width, picture.height))


def grey(picture: Image.Image) -> Image.Image:
    """Return the picture without its colours, as RGB."""
    return picture.convert("L").convert("RGB")


def upside_down(picture: Image.Image) -> Image.Image:
    """Return the picture turned by half a turn, as in studies of turned faces (Yin 1969, doi 10.1037/h0027474)."""
    return picture.transpose(Image.Transpose.ROTATE_180)


def _covered(picture: Image.Image, box: Box) -> Image.Image:
    covered = picture.copy()
    covered.paste(COVER, box)
    return covered


_ALL = (
    PictureControl(
        "centre_crop", "Centre crop", "The middle alone, enlarged: does it need what is around the face?", centre_crop
    ),
    PictureControl(
        "border_blurred", "Border blurred", "Sharp only in the middle: does it read the surroundings?", border_blurred
    ),
    PictureControl("top_covered", "Top half covered", "Does it need the eyes and brows?", top_covered),
    PictureControl("bottom_covered", "Bottom half covered", "Does it need the mouth?", bottom_covered),
    PictureControl("grey", "Grey", "Does it go by colour?", grey),
    PictureControl("mirrored", "Mirrored", "Left and right say nothing of an emotion: does it stay?", ImageOps.mirror),
    PictureControl(
        "upside_down",
        "Upside down",
        "All is there, no face stands upright: does it read faces or patches?",
        upside_down,
    ),
)
PICTURE_CONTROLS: dict[str, PictureControl] = {control.name: control for control in _ALL}
