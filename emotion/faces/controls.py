"""Controls that only drawn pictures allow: the same drawing again with one part neutral, or without its backdrop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from emotion.core.errors import PictureError
from emotion.faces.faces_set import MANIFEST, Drawing, read_manifest


@dataclass(frozen=True)
class DrawnControl:
    """A part of a drawing that is put back to neutral (one of ``expression.PARTS``) or left out, and what it asks."""

    name: str
    title: str
    asks: str
    neutral: str = ""
    plain: bool = False


_ALL = (
    DrawnControl("eyes_neutral", "Eyes neutral", "All the rest as drawn: does it need the eyes?", neutral="eyes"),
    DrawnControl("brows_neutral", "Brows neutral", "All the rest as drawn: does it need the brows?", neutral="brows"),
    DrawnControl("mouth_neutral", "Mouth neutral", "All the rest as drawn: does it need the mouth?", neutral="mouth"),
    DrawnControl(
        "background_removed", "Background removed", "One even colour behind the face: does it go by the backdrop?",
        plain=True,
    ),
)  # fmt: skip
DRAWN_CONTROLS: dict[str, DrawnControl] = {control.name: control for control in _ALL}


def is_redrawable(folder: str | Path) -> bool:
    """Whether a set's folder says how its pictures were drawn."""
    try:
        return bool(_drawings(Path(folder).absolute(), (Path(folder) / MANIFEST).stat().st_mtime_ns))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def drawing_of(picture: Path) -> Drawing:
    """Return what a picture of a drawn set, as ``set/class/file``, is made of.

    Raises:
        PictureError: it belongs to no drawn set.
    """
    folder = picture.absolute().parents[1]
    name = f"{picture.parent.name}/{picture.name}"
    try:
        drawing = _drawings(folder, (folder / MANIFEST).stat().st_mtime_ns).get(name)
    except (OSError, ValueError, KeyError, TypeError):
        drawing = None
    if drawing is None:
        raise PictureError(
            f"{name} is not a drawn picture that can be drawn again: use this control on the drawn sets only."
        )
    return drawing


def redrawn(picture: Path, control: DrawnControl | None = None) -> Image.Image:
    """Draw a picture of a drawn set again, changed as a control says; None draws it as it is.

    It is coded as the sets are, so that nothing but the part differs from the file: without a change the same pixels.

    Raises:
        PictureError: it belongs to no drawn set.
    """
    drawing = drawing_of(picture)
    if control is not None and control.neutral:
        drawing = replace(drawing, expression=drawing.expression.without(control.neutral))
    data = drawing.encoded(plain=control is not None and control.plain)
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB")


@lru_cache(maxsize=8)
def _drawings(folder: Path, written: int) -> dict[str, Drawing]:
    return {drawing.file: drawing for drawing, _ in read_manifest(folder)}
