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
from emotion.data.sets import Likeness, Manifest, PictureRow, SavedSet, alone, written

MAX_SPECIES = 40
_DIGITS = 4  # of a picture's number in its class


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.
    Raises PictureError where one is not in the set, none would be left, or the set cannot be written.
    """
    with changing(found) as before:
        _require(before, files)
        kept = [row for row in before.pictures if row.file not in files]
        if not kept:
            raise PictureError("No picture would be left: delete the whole set instead.")
        rewrite(found.folder, before, _with_rows(before, {row.file: row for row in kept}))
    return len(before.pictures) - len(kept)


def relabel_pictures(found: SavedSet, labels: Mapping[str, str]) -> int:
    """Move pictures of a set, by their files, into other classes, which may be new; return how many were moved.
    Raises PictureError where one is not in the set, a class name is not allowed, or the set cannot be written.
    """
    with changing(found) as before:
        _require(before, labels)
        wanted = [(row, class_label(labels[row.file])) for row in before.pictures if row.file in labels]
        rows = [replace(row, label=label) for row, label in wanted if alike(label) != alike(row.label)]
        moved = numbered(rows, before, found.folder)
        after = _with_rows(before, {row.file: moved.get(row.file, row) for row in before.pictures})
        rewrite(found.folder, before, after, {row.file: found.folder / old for old, row in moved.items()})
    return len(moved)


def take_aliases(found: SavedSet) -> int:
    """Merge every class whose name means an emotion (`anger`) into that emotion; return how many pictures moved.
    Raises PictureError where the set is missing, or cannot be written.
    """
    rows = found.manifest.pictures
    return relabel_pictures(found, {row.file: emotion_meant(row.label) for row in rows})


def describe_set(found: SavedSet, *, name: str, species: str) -> None:
    """Change a set's name and species; its folder stays. Raises PictureError where they are invalid or not written."""
    folder_name(name)
    checked = checked_species(species)
    with changing(found) as before:
        rewrite(found.folder, before, replace(before, name=plain_text(name), species=checked))


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set into the zip ``to``, atomically, and return it; an import of the zip restores the set.
    Raises PictureError where the set is damaged, or the zip cannot be written.
    """
    beside = to.with_name(f".{to.name}")
    with written("The zip"), contextlib.ExitStack() as stack:
        stack.callback(beside.unlink, missing_ok=True)
        # Stored without compression: pictures are compressed already.
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as packed:
            for row in found.manifest.pictures:
                packed.write(found.folder / row.file, f"{found.key}/{row.file}")
            for name, text in found.manifest.texts().items():
                packed.writestr(f"{found.key}/{name}", text, zipfile.ZIP_DEFLATED)
        return beside.replace(to)


def checked_species(species: str) -> str:
    """Return a species on one line in lower case. Raises PictureError where it is too long."""
    plain = plain_text(species)
    if len(plain) > MAX_SPECIES:
        raise PictureError(f"The species has {len(plain)} characters: use at most {MAX_SPECIES}.")
    return plain.casefold()


@contextlib.contextmanager
def changing(found: SavedSet) -> Iterator[Manifest]:
    """Lock the sets' folder and give the current manifest. Raises PictureError where it cannot be changed."""
    with alone(found.folder.parent), written("The set"):
        yield SavedSet(found.folder).manifest


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


def _with_rows(manifest: Manifest, rows: Mapping[str, PictureRow]) -> Manifest:
    """Return a set with these rows, given by the present names of their files."""
    names = {old: row.file for old, row in rows.items()}
    return replace(manifest, pictures=[*rows.values()], near_duplicates=renamed(manifest.near_duplicates, names))


def _require(manifest: Manifest, files: Collection[str]) -> None:
    if not files:
        raise PictureError("No picture is ticked: tick some first.")
    if unknown := sorted(set(files) - {row.file for row in manifest.pictures}):
        raise PictureError(f"{shown(unknown[0])} is not in the set any more: look at it again.")
