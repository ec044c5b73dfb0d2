"""Change a set after it was imported: delete and relabel pictures, call it otherwise; or pack it to hand it on.

The rows are what a set holds. Files come before them and go after them, so that a crash leaves files too many, which
were written down before and which the next change deletes, and never one too few. What nobody wrote down stays.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from emotion.data.names import alike, class_label, folder_name, plain_text, shown
from emotion.data.sets import Likeness, Manifest, PictureRow, SavedSet, alone, note_leftovers, texts_of, write_set
from emotion.errors import PictureError
from emotion.labels import emotion_meant

MAX_SPECIES = 40
# Of the number that a picture has in its class.
DIGITS = 4


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.

    Raises:
        PictureError: one is not in it, none would be left, or the set cannot be written.
    """
    with changing(found) as before:
        gone = _of(before, files)
        kept = [row for row in before.pictures if row.file not in gone]
        if not kept:
            raise PictureError("No picture would be left: delete the whole set instead.")
        likenesses = [
            each for each in before.near_duplicates if each.file not in gone and (each.set or each.like not in gone)
        ]
        note_leftovers(found.folder, before, sorted(gone))
        after = replace(before, pictures=kept, near_duplicates=likenesses, leftovers=sorted(gone))
        write_set(found.folder, after)
        _clear(found.folder, after)
    return len(gone)


def relabel_pictures(found: SavedSet, files: Collection[str], label: str) -> int:
    """Move pictures of a set into another class, which need not be there yet, and return how many are moved.

    Raises:
        PictureError: one is not in it, the class has a name that cannot be kept, or the set cannot be written.
    """
    with changing(found) as before:
        wanted = as_there(class_label(label), before)
        chosen = _of(before, files)
        moved = _renamed([row for row in before.pictures if row.file in chosen and row.label != wanted], wanted, before)
        note_leftovers(found.folder, before, [*moved, *(row.file for row in moved.values())])
        (found.folder / wanted).mkdir(exist_ok=True)
        for old, row in moved.items():
            link_or_copy(found.folder / old, found.folder / row.file)
        rows = [moved.get(row.file, row) for row in before.pictures]
        names = {old: row.file for old, row in moved.items()}
        likenesses = [_told_anew(each, names) for each in before.near_duplicates]
        after = replace(before, pictures=rows, near_duplicates=likenesses, leftovers=sorted(moved))
        write_set(found.folder, after)
        _clear(found.folder, after)
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
    with changing(found) as before:
        write_set(found.folder, replace(before, name=plain_text(name), species=checked))


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set into the zip ``to``, whole or not at all, and return it; imported again, it is as it was.

    Pictures are stored as they are: their formats are packed already.

    Raises:
        PictureError: the set is damaged or changes meanwhile, or the zip cannot be written.
    """
    beside = to.with_name(f".{to.name}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as packed:
            for row in found.manifest.pictures:
                packed.write(found.folder / row.file, f"{found.key}/{row.file}")
            for name, text in texts_of(found.manifest).items():
                packed.writestr(f"{found.key}/{name}", text, zipfile.ZIP_DEFLATED)
        beside.replace(to)
    except FileNotFoundError as error:
        raise PictureError(f"{found.key} changed while it was packed: try again.") from error
    except OSError as error:
        raise PictureError(f"The zip cannot be written ({error.strerror}): make room first.") from error
    finally:
        beside.unlink(missing_ok=True)
    return to


def checked_species(species: str) -> str:
    """Return a species in one line and small letters; empty where none is given.

    Raises:
        PictureError: it is too long.
    """
    plain = plain_text(species)
    if len(plain) > MAX_SPECIES:
        raise PictureError(f"The species has {len(plain)} characters: use at most {MAX_SPECIES}.")
    return plain.casefold()


def number_of(file: str) -> int:
    """Return the number that a file of a set has in its class; 0 for a name of another kind."""
    stem = PurePosixPath(file).stem
    return int(stem) if stem.isdecimal() else 0


@contextlib.contextmanager
def changing(found: SavedSet) -> Iterator[Manifest]:
    """Hold the sets' folder, and give the manifest as it is now.

    Raises:
        PictureError: the set is gone or damaged, or it cannot be written.
    """
    with alone(found.folder.parent):
        before = SavedSet(found.folder).manifest
        try:
            _clear(found.folder, before)
            yield replace(before, leftovers=[])
        except OSError as error:
            raise PictureError(
                f"The set cannot be written ({error.strerror}): make room, or see to its folder's permissions."
            ) from error


def as_there(label: str, manifest: Manifest) -> str:
    """Return the class of a set that some file system takes for this one, such as `happy` for `Happy`; else itself."""
    return next((there for there in manifest.counts() if alike(there) == alike(label)), label)


def _of(manifest: Manifest, files: Collection[str]) -> set[str]:
    chosen = set(files)
    if not chosen:
        raise PictureError("No picture is ticked: tick some first.")
    if unknown := sorted(chosen - {row.file for row in manifest.pictures}):
        raise PictureError(f"{shown(unknown[0])} is not in the set any more: look at it again.")
    return chosen


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


def link_or_copy(old: Path, new: Path) -> None:
    """Give a file a second name.

    Raises:
        OSError: it is gone, or there is no room.
    """
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems know no second name of a file.
        shutil.copyfile(old, new)


def _clear(folder: Path, manifest: Manifest) -> None:
    """Delete what a change has taken, or was about to bring when it was cut off."""
    listed = {row.file for row in manifest.pictures}
    for file in manifest.leftovers:
        path = folder / file
        if number_of(file) and file not in listed and path.parent.parent == folder and not path.parent.is_symlink():
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # Only where nothing is left in it.
