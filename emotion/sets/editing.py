"""Change a set after it was imported: add, delete and relabel pictures, or call it otherwise.

The manifest is what a set holds. Files come before it and go after it, so that a crash leaves files too many, which
the next change deletes, and never one too few.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.errors import PictureError
from emotion.labels import emotion_meant
from emotion.owners import owner_of
from emotion.sets.entries import Source
from emotion.sets.importing import read_again
from emotion.sets.layout import lay_out
from emotion.sets.limits import Limits
from emotion.sets.looking import Seen, look
from emotion.sets.manifest import Likeness, Manifest, PictureRow, Skipped, write_manifest
from emotion.sets.naming import class_label, folder_name, plain_text, shown
from emotion.sets.refusals import checked_species, nothing_left, refuse_beyond, refuse_full, refuse_late
from emotion.sets.rows import DIGITS, find_likenesses, name_rows, number_of
from emotion.sets.saved import BEGUN, SavedSet, alone
from emotion.studies.study import Progress


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
    with _changing(found) as before:
        seen, known = _not_yet(looked.seen, before.pictures)
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


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.

    Raises:
        PictureError: one is not in it, none would be left, or the set cannot be written.
    """
    with _changing(found) as before:
        gone = _of(before, files)
        kept = [row for row in before.pictures if row.file not in gone]
        if not kept:
            raise PictureError("No picture would be left: delete the whole set instead.")
        alike = [
            each for each in before.near_duplicates if each.file not in gone and (each.set or each.like not in gone)
        ]
        write_manifest(found.folder, replace(before, pictures=kept, near_duplicates=alike))
        _tidy(found.folder, kept)
    return len(gone)


def relabel_pictures(found: SavedSet, files: Collection[str], label: str) -> int:
    """Move pictures of a set into another class, which need not be there yet, and return how many are moved.

    Raises:
        PictureError: one is not in it, the class has a name that cannot be kept, or the set cannot be written.
    """
    wanted = class_label(label)
    with _changing(found) as before:
        chosen = _of(before, files)
        moved = _renamed([row for row in before.pictures if row.file in chosen and row.label != wanted], wanted, before)
        (found.folder / wanted).mkdir(exist_ok=True)
        for old, row in moved.items():
            _copy(found.folder / old, found.folder / row.file)
        rows = [moved.get(row.file, row) for row in before.pictures]
        names = {old: row.file for old, row in moved.items()}
        alike = [_told_anew(each, names) for each in before.near_duplicates]
        write_manifest(found.folder, replace(before, pictures=rows, near_duplicates=alike))
        _tidy(found.folder, rows)
    return len(moved)


def take_aliases(found: SavedSet) -> int:
    """Move every class whose name means an emotion (`anger`) into that emotion's, and return how many pictures moved.

    Raises:
        PictureError: the set is gone, or cannot be written.
    """
    moved = 0
    for label in list(found.manifest.counts()):
        if (meant := emotion_meant(label)) != label:
            files = [row.file for row in SavedSet(found.folder).manifest.pictures if row.label == label]
            moved += relabel_pictures(found, files, meant)
    return moved


def describe_set(found: SavedSet, *, name: str, species: str) -> None:
    """Call a set otherwise, and say whom it shows; its folder stays where it is.

    Raises:
        PictureError: a name cannot be used, or the set cannot be written.
    """
    folder_name(name)
    checked = checked_species(species)
    with _changing(found) as before:
        write_manifest(found.folder, replace(before, name=plain_text(name), species=checked))


@contextlib.contextmanager
def _changing(found: SavedSet) -> Iterator[Manifest]:
    """Hold the sets' folder, and give the manifest as it is now.

    Raises:
        PictureError: the set is gone or damaged, or it cannot be written.
    """
    with alone(found.folder.parent):
        before = SavedSet(found.folder).manifest
        try:
            _tidy(found.folder, before.pictures)
            yield before
        except OSError as error:
            raise PictureError(
                f"The set cannot be written ({error.strerror}): make room, or see to its folder's permissions."
            ) from error


def _of(manifest: Manifest, files: Collection[str]) -> set[str]:
    chosen = set(files)
    if not chosen:
        raise PictureError("No picture is ticked: tick some first.")
    if unknown := sorted(chosen - {row.file for row in manifest.pictures}):
        raise PictureError(f"{shown(unknown[0])} is not in the set any more: look at it again.")
    return chosen


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


def _renamed(rows: Sequence[PictureRow], label: str, manifest: Manifest) -> dict[str, PictureRow]:
    """Return the rows as they are called in another class, by the names they had."""
    last = max((number_of(row.file) for row in manifest.pictures if row.label == label), default=0)
    return {
        row.file: replace(row, label=label, file=f"{label}/{last + place:0{DIGITS}}{Path(row.file).suffix}")
        for place, row in enumerate(rows, start=1)
    }


def _told_anew(each: Likeness, names: dict[str, str]) -> Likeness:
    like = each.like if each.set else names.get(each.like, each.like)
    return replace(each, file=names.get(each.file, each.file), like=like)


def _copy(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:
        # Some file systems know no second name of a file.
        shutil.copyfile(old, new)


def _tidy(folder: Path, rows: Sequence[PictureRow]) -> None:
    """Delete what lies in the class folders of a set and is not in its manifest, which a crash has left."""
    listed = {row.file for row in rows}
    for classes in [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]:
        for path in list(classes.iterdir()):
            if f"{classes.name}/{path.name}" not in listed and path.is_file():
                path.unlink()
        with contextlib.suppress(OSError):
            classes.rmdir()  # Only where nothing is left in it.
