"""The pictures of a report: what was left out of the samples, and the few that a visitor ticked to be shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection
from pathlib import Path

from PIL import Image

from emotion.analysis.blocks import Block, Cell, Gallery, Row, Section, Shown, Table, Text
from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.core.format import capital, count, listed, percent
from emotion.core.labels import colour_of_set
from emotion.core.scored import SampleResult, ScoredPicture
from emotion.data.decoding import open_picture
from emotion.data.folders import within
from emotion.report.material import Material

SIDE = 176


def left_out(material: Material) -> Section:
    """Return which pictures were left out of the samples: those that were trained on, and those that are unreadable."""
    comparison = material.comparison
    pooled = {name: comparison.pooled(name) for name in comparison.sets}
    twins = sum(len(each.near_duplicates) for each in pooled.values())
    unreadable = sum(len(each.unreadable) for each in pooled.values())
    checked = (
        f"Each sample was held against {count(comparison.checked, 'picture')} that the run was trained or validated "
        "on, by content and by look, mirrored or not."
        if comparison.checked
        else "The training pictures were not where they had been, so that at most equal files could be found."
    )
    blocks: list[Block] = []
    found = count(twins, "near-duplicate") + (" was" if twins == 1 else " were") if twins else "No near-duplicate was"
    replaced = " and left out; the next pictures in the seeded order took their places" if twins else ""
    blocks.append(Text(f"{checked} {found} found{replaced}."))
    if twins:
        blocks.append(_twins(material, pooled))
    if unreadable:
        blocks.append(_unreadable(material, pooled))
    remembered = [name for name, each in pooled.items() if each.is_trained_on]
    if remembered:
        blocks.append(Text(f"{capital(listed(remembered))}: nothing but training pictures, left in.", "warning"))
    return Section("Pictures left out", tuple(blocks))


def shown(material: Material, ticked: Collection[str]) -> Section | None:
    """Return the pictures of the comparison whose content's SHA-256, or path, is ticked; None where none is.

    A picture that is gone, or another one by now, is not shown.
    """
    galleries: list[Block] = []
    found = missing = 0
    for name in material.comparison.sets:
        chosen = [
            each for each in material.comparison.pooled(name).pictures if {each.sha256, each.picture} & set(ticked)
        ]
        pictures = [shown for each in chosen if (shown := _shown(each, name)) is not None]
        missing += len(chosen) - len(pictures)
        found += len(pictures)
        if pictures:
            galleries.append(Gallery(name, tuple(pictures)))
    if not found and not missing:
        return None
    said = (
        f"{capital(count(found, 'picture'))} of the sample that {'was' if found == 1 else 'were'} ticked to be shown."
    )
    gone = f" {capital(count(missing, 'ticked picture'))} cannot be shown: gone, or changed since." if missing else ""
    return Section("Pictures", (Text(said + gone), *galleries))


def data_uri(image: Image.Image) -> str:
    """Return a small copy of an upright picture as a WebP data URI, with its pixels and nothing else of it."""
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    # A picture's own notes, such as where it was taken, are nobody's business.
    bare = Image.frombytes("RGB", small.size, small.tobytes())
    buffer = io.BytesIO()
    bare.save(buffer, "WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _shown(picture: ScoredPicture, name: str) -> Shown | None:
    path = Path(picture.picture)
    try:
        if hash_file(path) != picture.sha256:
            return None
        uri = data_uri(open_picture(path, side=SIDE))
    except (OSError, PictureError):
        return None
    is_right = picture.predicted == picture.label
    said = f"said {picture.predicted} {percent(picture.scores[picture.predicted])}"
    return Shown(
        uri,
        alt=f"{name}, shows {picture.label}, {said}",
        title=f"{picture.label} {percent(picture.correct_confidence)}",
        detail=said,
        is_right=is_right,
    )


def _twins(material: Material, pooled: dict[str, SampleResult]) -> Table:
    rows = [
        Row(name, (Cell(within(path, material.comparison.folders[name])), Cell(within(twin, material.config.pictures))),
            colour=colour_of_set(name))
        for name, each in pooled.items()
        for path, twin in each.near_duplicates.items()
    ]  # fmt: skip
    return Table(
        "Pictures that were trained on, under another name perhaps", "Set",
        ("Picture of the set", "Picture that was trained or validated on"), tuple(rows), is_text=True,
    )  # fmt: skip


def _unreadable(material: Material, pooled: dict[str, SampleResult]) -> Table:
    rows = [
        Row(name, (Cell(within(path, material.comparison.folders[name])), Cell(material.tidy(why))),
            colour=colour_of_set(name))
        for name, each in pooled.items()
        for path, why in each.unreadable.items()
    ]  # fmt: skip
    return Table("Pictures that cannot be read, replaced by the next ones", "Set", ("Picture", "Why"), tuple(rows),
                 is_text=True)  # fmt: skip
