"""Import a picture set from a zip or a folder: look at all of it, then write it whole or not at all.

Every picture is read twice, one at a time: first to be checked, while nothing is written; then to be written, and only
if it is still the same. So memory does not grow with the pictures, only with what is noted of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import time
from collections.abc import Generator
from pathlib import Path

from emotion.errors import PictureError
from emotion.job import Progress
from emotion.owners import give, owner_of
from emotion.sets.archive import ZipSource
from emotion.sets.checking import kept_form
from emotion.sets.entries import Source
from emotion.sets.folder import FolderSource
from emotion.sets.layout import lay_out
from emotion.sets.limits import Limits
from emotion.sets.looking import Seen, look
from emotion.sets.manifest import Manifest, write_manifest
from emotion.sets.naming import folder_name, plain_text, shown
from emotion.sets.refusals import checked_species, nothing_left, refuse_beyond, refuse_full, refuse_late, refuse_taken
from emotion.sets.rows import find_likenesses, name_rows
from emotion.sets.saved import BEGUN, SavedSet, alone, list_sets, sets_folder


def import_set(
    source: Path,
    *,
    name: str,
    species: str = "",
    root: Path | None = None,
    use_aliases: bool = False,
    limits: Limits | None = None,
) -> Generator[Progress, None, SavedSet]:
    """Import the pictures of a zip or a folder as a set; everything else is as in ``import_from``."""
    within = limits or Limits()
    refuse_unusable(name, species, root=root)
    with contextlib.closing(open_path(source, within)) as found:
        return (
            yield from import_from(found, name=name, species=species, root=root, use_aliases=use_aliases, limits=within)
        )


def import_from(
    source: Source,
    *,
    name: str,
    species: str = "",
    root: Path | None = None,
    use_aliases: bool = False,
    limits: Limits | None = None,
    owner: str | None = None,
) -> Generator[Progress, None, SavedSet]:
    """Import the pictures of an open source as a set under ``root`` (default: ``sets_folder()``), and return it.

    Yields how far it is; to close the generator is to stop, and leaves nothing behind. A file that cannot be used is
    left out and named in the manifest; exact copies under one label are kept once, and under several not at all.
    ``owner`` is the visitor whose set it is, by their hash.

    Raises:
        PictureError: the name cannot be used or is taken, the source is not safe or too large, holds no picture that
            can be used, changes meanwhile, or the set cannot be written. Nothing is left in the sets folder then.
    """
    within = limits or Limits()
    folder, species = refuse_unusable(name, species, root=root, owner=owner)
    deadline = time.monotonic() + within.seconds
    laid = lay_out(source.entries, use_aliases=use_aliases)
    refuse_beyond(laid, source.title, within)
    found = yield from look(source, laid, within, deadline)
    skipped = [*source.skipped, *laid.skipped, *found.skipped]
    if not found.seen:
        raise nothing_left(source.title, skipped)
    rows = name_rows(found.seen)
    yield Progress(0, 0, "comparing the pictures with one another")
    manifest = Manifest(
        name=plain_text(name),
        species=species,
        created=time.time(),
        source=source.kind,
        pictures=rows,
        skipped=sorted(skipped, key=lambda each: each.original),
        duplicates=found.duplicates,
        contradictions=found.contradictions,
        near_duplicates=find_likenesses(found.seen, rows, root=folder.parent, visitor=owner),
        notes=[*source.notes, *laid.notes],
    )
    yield from _write(source, found.seen, manifest, folder, within, deadline, owner=owner)
    return SavedSet(folder)


def refuse_unusable(name: str, species: str, *, root: Path | None, owner: str | None = None) -> tuple[Path, str]:
    """Return the folder that a new set of this name gets, and its species as it is kept.

    A visitor's has a random end, so that the names of others' sets are neither taken nor told.

    Raises:
        PictureError: one of them cannot be used, or the name is taken.
    """
    folder = (root or sets_folder()) / folder_name(name)
    kept = checked_species(species)
    if owner is None:
        refuse_taken(folder)
        return folder, kept
    for each in list_sets(folder.parent):
        if owner_of(each.folder).owner == owner and each.key.rpartition("-")[0] == folder.name:
            raise PictureError(f"You have a picture set {name!r} already: choose another name, or delete that one.")
    return folder.with_name(f"{folder.name}-{secrets.token_hex(3)}"), kept


def open_path(path: Path, limits: Limits) -> Source:
    """Open a zip or a folder; to close it is the caller's.

    Raises:
        PictureError: it is neither, or cannot be read safely.
    """
    # What is neither, such as a pipe or a device, is never opened.
    if path.is_dir():
        return FolderSource(path, limits)
    if path.is_file():
        return ZipSource(path, limits)
    raise PictureError(f"There is no zip and no folder {path}: give one that holds a folder of pictures per class.")


def _write(
    source: Source,
    seen: list[Seen],
    manifest: Manifest,
    folder: Path,
    limits: Limits,
    deadline: float,
    *,
    owner: str | None,
) -> Generator[Progress, None, None]:
    refuse_full(folder.parent, sum(each.size for each in seen))
    with alone(folder.parent):
        refuse_taken(folder)
        beside = folder.parent / BEGUN
        try:
            beside.mkdir()
            for number, (each, row) in enumerate(zip(seen, manifest.pictures, strict=True)):
                yield Progress(number, len(seen), f"writing {len(seen):,} pictures")
                refuse_late(deadline, limits)
                content = read_again(source, each, limits)
                (beside / row.label).mkdir(exist_ok=True)
                (beside / row.file).write_bytes(content)
            write_manifest(beside, manifest)
            give(beside, owner)
            beside.rename(folder)
        except OSError as error:
            raise PictureError(
                f"The set cannot be written to {folder.parent} ({error.strerror}): make room, or choose another folder."
            ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def read_again(source: Source, seen: Seen, limits: Limits) -> bytes:
    """Return a picture as it is to be kept, which is what was seen of it.

    Raises:
        PictureError: it is another one by now.
    """
    try:
        content = kept_form(source.read(seen.entry), limits=limits).content
    except PictureError:
        content = b""
    if hashlib.sha256(content).digest() != seen.digest:
        raise PictureError(
            f"{source.title} changed while it was read ({shown(seen.entry.name)}): try again when nothing writes to it."
        )
    return content
