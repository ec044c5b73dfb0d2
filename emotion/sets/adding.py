"""Add pictures to a set that is there: all that can be used, or none. Changes nothing that is in it already."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from emotion.errors import PictureError
from emotion.job import Progress
from emotion.owners import owner_of
from emotion.sets.editing import as_there, changing
from emotion.sets.entries import Source
from emotion.sets.importing import read_again
from emotion.sets.layout import lay_out
from emotion.sets.limits import Limits
from emotion.sets.looking import Seen, look
from emotion.sets.manifest import PictureRow, Skipped, write_manifest
from emotion.sets.refusals import nothing_left, refuse_beyond, refuse_full, refuse_late
from emotion.sets.rows import find_likenesses, name_rows
from emotion.sets.saved import BEGUN, SavedSet


@dataclass(frozen=True)
class Added:
    """How many pictures came into a set, and what was left out of those that were given."""

    pictures: int
    skipped: Sequence[Skipped]


def add_from(
    found: SavedSet, source: Source, *, use_aliases: bool = False, limits: Limits | None = None
) -> Generator[Progress, None, Added]:
    """Add the pictures of an open source to a set, all that can be used or none.

    Yields how far it is. What the set holds already, under whatever label, is left out and named.

    Raises:
        PictureError: there are more pictures than the limits allow, none can be used, or the set cannot be written.
    """
    within = limits or Limits()
    deadline = time.monotonic() + within.seconds
    laid = lay_out(source.entries, use_aliases=use_aliases)
    refuse_beyond(laid, source.title, within)
    looked = yield from look(source, laid, within, deadline)
    skipped = [*source.skipped, *laid.skipped, *looked.skipped]
    with changing(found) as before:
        labelled = [replace(each, label=as_there(each.label, before)) for each in looked.seen]
        seen, known = _not_yet(labelled, before.pictures)
        skipped += known
        if not seen:
            raise nothing_left(source.title, skipped)
        _refuse_too_many(len(before.pictures) + len(seen), within)
        rows = name_rows(seen, after=before.pictures)
        yield from _put(found, source, seen, rows, within, deadline)
        alike = find_likenesses(
            seen,
            rows,
            root=found.folder.parent,
            own=before.pictures,
            key=found.key,
            visitor=owner_of(found.folder).owner or None,
        )
        after = replace(
            before,
            pictures=[*before.pictures, *rows],
            skipped=[*before.skipped, *sorted(skipped, key=lambda each: each.original)],
            duplicates=before.duplicates + looked.duplicates + len(known),
            contradictions=[*before.contradictions, *looked.contradictions],
            near_duplicates=[*before.near_duplicates, *alike],
            notes=list(dict.fromkeys([*before.notes, *source.notes, *laid.notes])),
        )
        write_manifest(found.folder, after)
    return Added(len(seen), skipped)


def _not_yet(seen: Sequence[Seen], rows: Sequence[PictureRow]) -> tuple[list[Seen], list[Skipped]]:
    have = {row.sha256: row.label for row in rows}
    new = [each for each in seen if each.digest.hex() not in have]
    known = [
        Skipped(each.entry.name, f"It is in the set already, as {have[each.digest.hex()]}.")
        for each in seen
        if each.digest.hex() in have
    ]
    return new, known


def _refuse_too_many(count: int, limits: Limits) -> None:
    if count > limits.pictures:
        raise PictureError(f"The set would hold {count:,} pictures: the limit is {limits.pictures:,} a set.")


def _put(
    found: SavedSet, source: Source, seen: Sequence[Seen], rows: Sequence[PictureRow], limits: Limits, deadline: float
) -> Generator[Progress, None, None]:
    """Write new pictures beside the set, then move them into it."""
    root = found.folder.parent
    refuse_full(root, sum(each.size for each in seen))
    beside = root / BEGUN
    try:
        for number, (each, row) in enumerate(zip(seen, rows, strict=True)):
            yield Progress(number, len(seen), f"writing {len(seen):,} pictures")
            refuse_late(deadline, limits)
            (beside / row.label).mkdir(parents=True, exist_ok=True)
            (beside / row.file).write_bytes(read_again(source, each, limits))
        for row in rows:
            (found.folder / row.label).mkdir(exist_ok=True)
            (beside / row.file).replace(found.folder / row.file)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
