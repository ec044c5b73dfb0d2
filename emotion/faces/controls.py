"""Controls for drawn pictures: the same drawing with one part neutral, or without its backdrop."""

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
    """A part of a drawing to make neutral (one of ``expression.PARTS``) or leave out, and the question it answers."""

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
    """Whether a set's folder records how its pictures were drawn."""
    try:
        return bool(_drawings(Path(folder).absolute(), (Path(folder) / MANIFEST).stat().st_mtime_ns))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def drawing_of(picture: Path) -> Drawing:
    """Return the parameters of a picture of a drawn set, ``set/class/file``.
    Raises PictureError where it belongs to no drawn set.
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
    """Redraw a picture of a drawn set with a control's change; None draws it unchanged.

    It is encoded as in the sets, so that only the part differs from the file: without a control the pixels are equal.
    Raises PictureError where it belongs to no drawn set.
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
