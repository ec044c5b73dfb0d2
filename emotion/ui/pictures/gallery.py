"""Pictures of a set to look through, a page at a time, each with a box to tick. Decodes the page in hand only."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emotion.core.labels import colour_of
from emotion.data.findings import Suspect
from emotion.data.sets import Manifest, PictureRow, SavedSet
from emotion.ui.status import sentence
from emotion.ui.thumbnails import data_uris

PAGE, SIDE = 48, 132
ALL = "all classes"
ORDERS = ("As they came", "Likely wrong labels first", "Look-alikes together")
NO_SUSPECTS = (
    "Press “Look for wrong labels”: the backbone looks at each picture once, and training skips that look then."
)
NO_LIKENESSES = "No two pictures of this set look nearly the same."


@dataclass(frozen=True)
class Shown:
    """A page of the gallery: its pictures, how many pages there are, and what is said below each picture."""

    rows: Sequence[PictureRow]
    pages: int
    remarks: Callable[[PictureRow], str]
    empty: str


def page_of(manifest: Manifest, suspects: dict[str, Suspect], *, order: str, label: str, page: int) -> Shown:
    """Return the rows of a page, counted from 1; a page beyond the last is the last."""
    rows = [row for row in manifest.pictures if label in (ALL, row.label)]
    remarks: Callable[[PictureRow], str] = _plain
    empty = "No picture is of this class."
    if order == ORDERS[1]:
        rows = sorted((row for row in rows if row.sha256 in suspects), key=lambda row: -suspects[row.sha256].doubt)
        remarks, empty = (lambda row: _doubt(suspects[row.sha256])), NO_SUSPECTS
    elif order == ORDERS[2]:
        rows, remarks, empty = _alike(manifest, rows)
    pages = max(1, -(-len(rows) // PAGE))
    start = (min(max(page, 1), pages) - 1) * PAGE
    return Shown(rows[start : start + PAGE], pages, remarks, "" if rows else empty)


def gallery_html(found: SavedSet, shown: Shown) -> str:
    """Return the page as figures with boxes to tick."""
    if shown.empty:
        return sentence(shown.empty)
    uris = data_uris([found.folder / row.file for row in shown.rows], side=SIDE)
    figures = "".join(
        _figure(row, uri, shown.remarks(row), key=found.key) for row, uri in zip(shown.rows, uris, strict=True)
    )
    return f'<div class="review">{figures}</div>'


def tick_of(key: str, file: str) -> str:
    """Return what a box stands for: with the set, since every set has a picture of such a name."""
    return f"{key}/{file}"


def _figure(row: PictureRow, uri: str, remark: str, *, key: str) -> str:
    name, label, tick = html.escape(row.file), html.escape(row.label), html.escape(tick_of(key, row.file))
    return (
        f'<label class="review-picture" style="--said:{colour_of(row.label)}">'
        f'<input type="checkbox" data-tick="{tick}" aria-label="{label}, {name}"><img src="{uri}" alt="{label}">'
        f"<span><b>{label}</b>{html.escape(remark)}</span></label>"
    )


def _plain(row: PictureRow) -> str:
    return f"{row.width} × {row.height}"


def _doubt(suspect: Suspect) -> str:
    return f"nearer to {suspect.nearest}" if suspect.is_doubted else "as labelled"


def _alike(manifest: Manifest, rows: Sequence[PictureRow]) -> tuple[list[PictureRow], Callable[[PictureRow], str], str]:
    """Return the rows that look like another one, each after the one it looks like."""
    of_file = {row.file: row for row in rows}
    said: dict[str, str] = {}
    for each in manifest.near_duplicates:
        if each.file not in of_file:
            continue
        said.setdefault(each.file, "")
        if not each.set and each.like in of_file:
            said.setdefault(each.like, "")
        said[each.file] = f"like {each.like}" if not each.set else f"like one in {each.set}"
    return (
        [of_file[file] for file in sorted(said, key=lambda file: _first_like(manifest, file))],
        (lambda row: said[row.file] or "the first of them"),
        NO_LIKENESSES,
    )


def _first_like(manifest: Manifest, file: str) -> tuple[str, int]:
    first = next((each.like for each in manifest.near_duplicates if each.file == file and not each.set), file)
    return (first, file != first)
