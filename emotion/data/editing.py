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
from emotion.data.sets import Manifest, PictureRow, SavedSet, alone, written

MAX_SPECIES = 40
_DIGITS = 4  # of a picture's number in its class


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.
    Raises PictureError where one is not in the set, none would be left, or the set cannot be written.
    """
    return _change(found, dict.fromkeys(files))


def relabel_pictures(found: SavedSet, labels: Mapping[str, str]) -> int:
    """Move pictures of a set, by their files, into other classes, which may be new; return how many were moved.
    Raises PictureError where one is not in the set, a class name is not allowed, or the set cannot be written.
    """
    return _change(found, labels)


def take_aliases(found: SavedSet) -> int:
    """Merge every class whose name means an emotion (`anger`) into that emotion; return how many pictures moved.
    Raises PictureError where the set is missing, or cannot be written.
    """
    return relabel_pictures(found, {row.file: emotion_meant(row.label) for row in found.manifest.pictures})


def describe_set(found: SavedSet, *, name: str, species: str) -> None:
    """Change a set's name and species; its folder stays. Raises PictureError where they are invalid or not written."""
    folder_name(name)
    checked = checked_species(species)
    with changing(found) as before:
        rewrite(found.folder, before, replace(before, name=plain_text(name), species=checked))


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set into the zip ``to``, and return it; an import of the zip restores the set.
    Raises PictureError where the set is damaged, or the zip cannot be written.
    """
    # Stored without compression: pictures are compressed already.
    with written("The zip"), zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as packed:
        for row in found.manifest.pictures:
            packed.write(found.folder / row.file, f"{found.key}/{row.file}")
        for name, text in found.manifest.texts().items():
            packed.writestr(f"{found.key}/{name}", text, zipfile.ZIP_DEFLATED)
    return to


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
        file = ""
        while not file or (folder / file).exists():  # A file without a row is not overwritten.
            last[label] += 1
            file = f"{label}/{last[label]:0{digits}}{PurePosixPath(row.file).suffix}"
        named[row.file] = replace(row, file=file, label=label)
    return named


def _change(found: SavedSet, labels: Mapping[str, str | None]) -> int:
    """Move pictures into other classes, and delete those whose new label is None; return how many changed."""
    with changing(found) as before:
        rows = {row.file: row for row in before.pictures}
        if not labels:
            raise PictureError("No picture is ticked: tick some first.")
        if unknown := sorted(labels.keys() - rows.keys()):
            raise PictureError(f"{shown(unknown[0])} is not in the set any more: look at it again.")
        wanted = {file: class_label(label) for file in rows if (label := labels.get(file)) is not None}
        changed = [replace(rows[file], label=label) for file, label in wanted.items()]
        changed = [row for row in changed if alike(row.label) != alike(rows[row.file].label)]
        moved = numbered(changed, before, found.folder)
        kept = {file: moved.get(file, row) for file, row in rows.items() if file in wanted or file not in labels}
        if not kept:
            raise PictureError("No picture would be left: delete the whole set instead.")
        rewrite(
            found.folder, before, before.with_rows(kept), {row.file: found.folder / old for old, row in moved.items()}
        )
    return len(moved) + len(rows) - len(kept)
