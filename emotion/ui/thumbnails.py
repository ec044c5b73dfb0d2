"""Small upright copies of pictures as data URIs, so that nothing of a picture set is put into a public cache."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.labels import colour_of
from emotion.core.owners import may_see
from emotion.data.decoding import open_picture
from emotion.ui.visitor import current_visitor

# One transparent pixel stands where a picture has been moved or cannot be read.
EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def data_uri(picture: Path | Image.Image, *, side: int) -> str:
    """Return a picture as a WebP data URI with no side longer than ``side`` pixels.

    Raises:
        PictureError: it cannot be read.
    """
    image = open_picture(picture, side=side) if isinstance(picture, Path) else picture.copy()
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def data_uris(pictures: Sequence[Path], *, side: int) -> list[str]:
    """Return many pictures as data URIs; one that cannot be read, or not be seen by the visitor, becomes an empty one.

    A picture lies in a class folder of its set, and the set's folder says whose it is.
    """
    visitor = current_visitor()
    hidden = {folder for folder in {each.parent.parent for each in pictures} if not may_see(folder, visitor)}

    def convert(picture: Path) -> str:
        try:
            return EMPTY if picture.parent.parent in hidden else data_uri(picture, side=side)
        except PictureError:
            return EMPTY

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(convert, pictures))


def preview_strip(pictures: Mapping[str, Sequence[Path]], *, per_class: int = 2) -> str:
    """Return a row of pictures per class, with how many there are, as HTML."""
    rows = []
    for label, paths in pictures.items():
        stride = max(1, len(paths) // per_class)
        chosen = paths[::stride][:per_class]
        images = "".join(
            f'<img src="{uri}" alt="{html.escape(label)} picture {number}">'
            for number, uri in enumerate(data_uris(chosen, side=120), start=1)
        )
        name = html.escape(label)
        rows.append(
            f'<div class="strip-row"><div class="strip-label"><i style="background:{colour_of(label)}"></i>'
            f"<b>{name}</b><span>{len(paths):,}</span></div><div class='strip-pictures'>{images}</div></div>"
        )
    return f'<div class="strip">{"".join(rows)}</div>'
