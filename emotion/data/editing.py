"""Change an imported set: delete and relabel pictures, rename it; or pack it into a zip.

The rows define a set's content. Files are added before the rows are written and deleted after, so that a crash can
leave an extra file without a row, and never a row without a file.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.files import write_files
from emotion.core.labels import emotion_meant
from emotion.data.folders import OLD_SET_FILE
from emotion.data.names import alike, class_label, folder_name, plain_text, shown
from emotion.data.sets import Likeness, Manifest, PictureRow, SavedSet, alone

MAX_SPECIES = 40
_DIGITS = 4  # of a picture's number in its class


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.
    Raises PictureError where one is not in the set, none would be left, or the set cannot be written.
    """
    with changing(found) as before:
        gone = _of(before, files)
        kept = [row for row in before.pictures if row.file not in gone]
        if not kept:
            raise PictureError("No picture would be left: delete the whole set instead.")
        near = renamed(before.near_duplicates, {row.file: row.file for row in kept})
        rewrite(found.folder, before, replace(before, pictures=kept, near_duplicates=near))
    return len(gone)


def relabel_pictures(found: SavedSet, files: Collection[str], label: str) -> int:
    """Move pictures of a set into another class, which may be new, and return how many were moved.
    Raises PictureError where one is not in the set, the class name is not allowed, or the set cannot be written.
    """
    with changing(found) as before:
        chosen, wanted = _of(before, files), alike(class_label(label))
        rows = [row for row in before.pictures if row.file in chosen and alike(row.label) != wanted]
        moved = numbered([replace(row, label=class_label(label)) for row in rows], before, found.folder)
        after = [moved.get(row.file, row) for row in before.pictures]
        names = {old.file: new.file for old, new in zip(before.pictures, after, strict=True)}
        near = renamed(before.near_duplicates, names)
        come = {row.file: found.folder / old for old, row in moved.items()}
        rewrite(found.folder, before, replace(before, pictures=after, near_duplicates=near), come)
    return len(moved)


def take_aliases(found: SavedSet) -> int:
    """Merge every class whose name means an emotion (`anger`) into that emotion; return how many pictures moved.
    Raises PictureError where the set is missing, or cannot be written.
    """
    moved = 0
    for label in found.manifest.counts():
        if (meant := emotion_meant(label)) != label:
            files = [row.file for row in SavedSet(found.folder).manifest.pictures if row.label == label]
            moved += relabel_pictures(found, files, meant)
    return moved


def describe_set(found: SavedSet, *, name: str, species: str) -> None:
    """Change a set's name and species; its folder stays. Raises PictureError where they are invalid or not written."""
    folder_name(name)
    checked = checked_species(species)
    with changing(found) as before:
        rewrite(found.folder, before, replace(before, name=plain_text(name), species=checked))


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set into the zip ``to``, atomically, and return it; an import of the zip restores the set.
    Raises PictureError where the set is damaged or changes meanwhile, or the zip cannot be written.
    """
    beside = to.with_name(f".{to.name}")
    try:
        # Stored without compression: pictures are compressed already.
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as packed:
            for row in found.manifest.pictures:
                packed.write(found.folder / row.file, f"{found.key}/{row.file}")
            for name, text in found.manifest.texts().items():
                packed.writestr(f"{found.key}/{name}", text, zipfile.ZIP_DEFLATED)
        return beside.replace(to)
    except FileNotFoundError as error:
        raise PictureError(f"{found.key} changed while it was packed: try again.") from error
    except OSError as error:
        raise PictureError(f"The zip cannot be written ({error.strerror}): make room first.") from error
    finally:
        beside.unlink(missing_ok=True)


def checked_species(species: str) -> str:
    """Return a species on one line in lower case. Raises PictureError where it is too long."""
    plain = plain_text(species)
    if len(plain) > MAX_SPECIES:
        raise PictureError(f"The species has {len(plain)} characters: use at most {MAX_SPECIES}.")
    return plain.casefold()


@contextlib.contextmanager
def changing(found: SavedSet) -> Iterator[Manifest]:
    """Lock the sets' folder and give the current manifest. Raises PictureError where it cannot be changed."""
    with alone(found.folder.parent):
        try:
            yield SavedSet(found.folder).manifest
        except OSError as error:
            raise PictureError(
                f"The set cannot be written ({error.strerror}): make room, or see to its folder's permissions."
            ) from error


def rewrite(
    folder: Path,
    before: Manifest,
    after: Manifest,
    come: Mapping[str, Path] | None = None,
    put: Callable[[Path, Path], object] = shutil.copyfile,
) -> None:
    """Rewrite a set; ``come`` maps each new file to its present path, and ``put`` copies it. Raises OSError."""
    for file, path in (come or {}).items():
        (folder / file).parent.mkdir(exist_ok=True)
        put(path, folder / file)
    write_files(folder, after.texts())
    (folder / OLD_SET_FILE).unlink(missing_ok=True)
    for file in {row.file for row in before.pictures} - {row.file for row in after.pictures}:
        (folder / file).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (folder / file).parent.rmdir()  # Fails unless it is empty.


def numbered(rows: Sequence[PictureRow], before: Manifest, folder: Path) -> dict[str, PictureRow]:
    """Return new rows by their old names, renamed by class and number after the rows of the set in ``folder``.

    So no outside name becomes a path. A class whose name a file system may confuse with one of the set's joins it.
    """
    last: Counter[str] = Counter()
    for row in before.pictures:
        stem = PurePosixPath(row.file).stem
        last[row.label] = max(last[row.label], int(stem) if stem.isdecimal() else 0)
    there = {alike(label): label for label in last}
    digits = max(_DIGITS, len(str(len(rows) + max(last.values(), default=0))))
    named = {}
    for row in rows:
        label = there.get(alike(row.label), row.label)
        while True:
            last[label] += 1
            file = f"{label}/{last[label]:0{digits}}{PurePosixPath(row.file).suffix}"
            if not (folder / file).exists():  # A file without a row is not overwritten.
                break
        named[row.file] = replace(row, file=file, label=label)
    return named


def renamed(likenesses: Sequence[Likeness], names: Mapping[str, str]) -> list[Likeness]:
    """Return likenesses with the new ``names`` of their files, without those of files that are gone."""
    return [
        replace(each, file=names[each.file], like=each.like if each.set else names[each.like])
        for each in likenesses
        if each.file in names and (each.set or each.like in names)
    ]


def _of(manifest: Manifest, files: Collection[str]) -> set[str]:
    chosen = set(files)
    if not chosen:
        raise PictureError("No picture is ticked: tick some first.")
    if unknown := sorted(chosen - {row.file for row in manifest.pictures}):
        raise PictureError(f"{shown(unknown[0])} is not in the set any more: look at it again.")
    return chosen
