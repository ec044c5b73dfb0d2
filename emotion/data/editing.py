"""Change a set after it was imported: delete and relabel pictures, call it otherwise; or pack it to hand it on.

The rows are what a set holds. Files come before them and go after them, so that a crash leaves files too many, which
were written down before and which the next change deletes, and never one too few. What nobody wrote down stays.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.files import write_texts
from emotion.core.labels import emotion_meant
from emotion.data.folders import OLD_SET_FILE
from emotion.data.names import alike, class_label, folder_name, plain_text, shown
from emotion.data.sets import ROWS_FILE, Likeness, Manifest, PictureRow, SavedSet, alone

MAX_SPECIES = 40
_DIGITS = 4  # of the number that a picture has in its class


def delete_pictures(found: SavedSet, files: Collection[str]) -> int:
    """Delete pictures of a set for good, by their file names within it, and return how many.
    Raises PictureError where one is not in it, none would be left, or the set cannot be written.
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
    """Move pictures of a set into another class, which need not be there yet, and return how many are moved.
    Raises PictureError where one is not in it, the class has a name that cannot be kept, or the set cannot be written.
    """
    with changing(found) as before:
        chosen, wanted = _of(before, files), alike(class_label(label))
        rows = [row for row in before.pictures if row.file in chosen and alike(row.label) != wanted]
        moved = numbered([replace(row, label=class_label(label)) for row in rows], before)
        after = [moved.get(row.file, row) for row in before.pictures]
        names = {old.file: new.file for old, new in zip(before.pictures, after, strict=True)}
        near = renamed(before.near_duplicates, names)
        come = {row.file: found.folder / old for old, row in moved.items()}
        rewrite(found.folder, before, replace(before, pictures=after, near_duplicates=near), come)
    return len(moved)


def take_aliases(found: SavedSet) -> int:
    """Move every class whose name means an emotion (`anger`) into that emotion's, and return how many pictures moved.
    Raises PictureError where the set is gone, or cannot be written.
    """
    moved = 0
    for label in found.manifest.counts():
        if (meant := emotion_meant(label)) != label:
            files = [row.file for row in SavedSet(found.folder).manifest.pictures if row.label == label]
            moved += relabel_pictures(found, files, meant)
    return moved


def describe_set(found: SavedSet, *, name: str, species: str) -> None:
    """Name a set and whom it shows; its folder stays. Raises PictureError where they cannot be used or written."""
    folder_name(name)
    checked = checked_species(species)
    with changing(found) as before:
        rewrite(found.folder, before, replace(before, name=plain_text(name), species=checked))


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set into the zip ``to``, whole or not at all, and return it; imported again, it is as it was.
    Raises PictureError where the set is damaged or changes meanwhile, or the zip cannot be written.
    """
    beside = to.with_name(f".{to.name}")
    try:
        # Stored as they are: pictures are packed already.
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
    """Return a species in one line and small letters. Raises PictureError where it is too long."""
    plain = plain_text(species)
    if len(plain) > MAX_SPECIES:
        raise PictureError(f"The species has {len(plain)} characters: use at most {MAX_SPECIES}.")
    return plain.casefold()


@contextlib.contextmanager
def changing(found: SavedSet) -> Iterator[Manifest]:
    """Hold the sets' folder, and give the manifest as it is now. Raises PictureError where it cannot be changed."""
    with alone(found.folder.parent):
        before = SavedSet(found.folder).manifest
        try:
            _clear(found.folder, before)
            yield replace(before, leftovers=[])
        except OSError as error:
            raise PictureError(
                f"The set cannot be written ({error.strerror}): make room, or see to its folder's permissions."
            ) from error


def _link_or_copy(old: Path, new: Path) -> None:
    """Give a file a second name; a copy does where the file system knows none."""
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(old, new)


def rewrite(
    folder: Path,
    before: Manifest,
    after: Manifest,
    come: Mapping[str, Path] | None = None,
    put: Callable[[Path, Path], object] = _link_or_copy,
) -> None:
    """Write a set anew; ``come`` says where each new file lies now, and ``put`` brings it. Raises OSError."""
    come, kept = come or {}, {row.file for row in after.pictures}
    gone = [row.file for row in before.pictures if row.file not in kept]
    if before.pictures and (come or gone):
        texts = replace(before, leftovers=[*come, *gone]).texts()
        if (folder / ROWS_FILE).is_file():
            del texts[ROWS_FILE]  # They stay as they are.
        write_texts(folder, texts)
    for file, path in come.items():
        (folder / file).parent.mkdir(exist_ok=True)
        put(path, folder / file)
    after = replace(after, leftovers=gone)
    write_texts(folder, after.texts())
    (folder / OLD_SET_FILE).unlink(missing_ok=True)
    _clear(folder, after)


def numbered(rows: Sequence[PictureRow], before: Manifest) -> dict[str, PictureRow]:
    """Return rows as a set has them, by the names they had: by class and number, which goes on after those there.

    So no name from outside becomes a path. A class that some file system takes for one of the set's is that one.
    """
    last: Counter[str] = Counter()
    for row in before.pictures:
        last[row.label] = max(last[row.label], _number_of(row.file))
    there = {alike(label): label for label in last}
    digits = max(_DIGITS, len(str(len(rows) + max(last.values(), default=0))))
    named = {}
    for row in rows:
        label = there.get(alike(row.label), row.label)
        last[label] += 1
        file = f"{label}/{last[label]:0{digits}}{PurePosixPath(row.file).suffix}"
        named[row.file] = replace(row, file=file, label=label)
    return named


def renamed(likenesses: Sequence[Likeness], names: Mapping[str, str]) -> list[Likeness]:
    """Return likenesses by the new ``names`` of their files, those of which none has gone."""
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


def _number_of(file: str) -> int:
    """Return the number that a file of a set has in its class; 0 for a name of another kind."""
    stem = PurePosixPath(file).stem
    return int(stem) if stem.isdecimal() else 0


def _clear(folder: Path, manifest: Manifest) -> None:
    """Delete what a change has taken, or was about to bring when it was cut off."""
    listed = {row.file for row in manifest.pictures}
    for file in manifest.leftovers:
        path = folder / file
        if _number_of(file) and file not in listed and path.parent.parent == folder and not path.parent.is_symlink():
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # Only where nothing is left in it.
