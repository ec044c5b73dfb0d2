"""Import a picture set from a zip or a folder: look at all of it, then write it whole or not at all.

Every picture is read twice, one at a time: first to be checked, while nothing is written; then to be written, and only
if it is still the same. So memory does not grow with the pictures, only with what is noted of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

from emotion.errors import PictureError
from emotion.sets import likeness
from emotion.sets.archive import ZipSource
from emotion.sets.checking import kept_form
from emotion.sets.entries import Source
from emotion.sets.folder import FolderSource
from emotion.sets.layout import lay_out
from emotion.sets.limits import Limits
from emotion.sets.looking import Seen, look
from emotion.sets.manifest import Likeness, Manifest, PictureRow, read_manifest, write_manifest
from emotion.sets.naming import folder_name, plain_text, shown
from emotion.sets.refusals import checked_species, nothing_left, refuse_beyond, refuse_full, refuse_late, refuse_taken
from emotion.sets.saved import BEGUN, SavedSet, alone, list_sets, sets_folder
from emotion.studies.study import Progress


def import_set(
    source: Path,
    *,
    name: str,
    species: str = "",
    root: Path | None = None,
    use_aliases: bool = False,
    limits: Limits | None = None,
) -> Generator[Progress, None, SavedSet]:
    """Import the pictures of a zip or a folder as a set under ``root`` (default: ``sets_folder()``), and return it.

    Yields how far it is; to close the generator is to stop, and leaves nothing behind. A file that cannot be used is
    left out and named in the manifest; exact copies under one label are kept once, and under several not at all.

    Raises:
        PictureError: the name cannot be used or is taken, the source is not safe or too large, holds no picture that
            can be used, changes meanwhile, or the set cannot be written. Nothing is left in the sets folder then.
    """
    within = limits or Limits()
    folder = (root or sets_folder()) / folder_name(name)
    species = checked_species(species)
    refuse_taken(folder)
    deadline = time.monotonic() + within.seconds
    with _opened(source, within) as opened:
        laid = lay_out(opened.entries, use_aliases=use_aliases)
        refuse_beyond(laid, source, within)
        found = yield from look(opened, laid, within, deadline)
        skipped = [*opened.skipped, *laid.skipped, *found.skipped]
        if not found.seen:
            raise nothing_left(source, skipped)
        rows = _rows(found.seen)
        yield Progress(0, 0, "comparing the pictures with one another")
        manifest = Manifest(
            name=plain_text(name),
            species=species,
            created=time.time(),
            source=opened.kind,
            pictures=rows,
            skipped=sorted(skipped, key=lambda each: each.original),
            duplicates=found.duplicates,
            contradictions=found.contradictions,
            near_duplicates=_likenesses(found.seen, rows, folder.parent),
            notes=laid.notes,
        )
        yield from _write(opened, source, found.seen, manifest, folder, within, deadline)
    return SavedSet(folder)


@contextlib.contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Source]:
    # What is neither, such as a pipe or a device, is never opened.
    if path.is_dir():
        opened: Source = FolderSource(path, limits)
    elif path.is_file():
        opened = ZipSource(path, limits)
    else:
        raise PictureError(f"There is no zip and no folder {path}: give one that holds a folder of pictures per class.")
    try:
        yield opened
    finally:
        opened.close()


def _rows(seen: list[Seen]) -> list[PictureRow]:
    """Name the files of a set by class and number: no name from outside becomes a path."""
    counts: Counter[str] = Counter()
    digits = max(4, len(str(len(seen))))
    rows = []
    for each in seen:
        counts[each.label] += 1
        file = f"{each.label}/{counts[each.label]:0{digits}}{each.suffix}"
        rows.append(
            PictureRow(file, each.label, each.digest.hex(), each.width, each.height, each.entry.name, each.bits.hex())
        )
    return rows


def _likenesses(seen: list[Seen], rows: list[PictureRow], root: Path) -> list[Likeness]:
    prints = likeness.as_words([each.bits for each in seen])
    mirrored = likeness.as_words([each.mirrored for each in seen])
    found = [
        Likeness(rows[row].file, rows[like].file, "", round(share, 3))
        for row, like, share in likeness.nearest_before(prints, mirrored)
    ]
    for other in list_sets(root):
        try:
            theirs = [(row.file, bytes.fromhex(row.fingerprint)) for row in read_manifest(other.folder).pictures]
            others = likeness.as_words([bits for _, bits in theirs])
        except (PictureError, ValueError, TypeError):
            continue  # A damaged set is told of where sets are listed.
        found += [
            Likeness(rows[row].file, theirs[like][0], other.key, round(share, 3))
            for row, like, share in likeness.nearest_of(prints, mirrored, others)
        ]
    return found


def _write(
    source: Source,
    path: Path,
    seen: list[Seen],
    manifest: Manifest,
    folder: Path,
    limits: Limits,
    deadline: float,
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
                content = _again(source, each, path, limits)
                (beside / row.label).mkdir(exist_ok=True)
                (beside / row.file).write_bytes(content)
            write_manifest(beside, manifest)
            beside.rename(folder)
        except OSError as error:
            raise PictureError(
                f"The set cannot be written to {folder.parent} ({error.strerror}): make room, or choose another folder."
            ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _again(source: Source, seen: Seen, path: Path, limits: Limits) -> bytes:
    try:
        content = kept_form(source.read(seen.entry), limits=limits).content
    except PictureError:
        content = b""
    if hashlib.sha256(content).digest() != seen.digest:
        raise PictureError(
            f"{shown(path.name)} changed while it was read ({shown(seen.entry.name)}): "
            "try again when nothing writes to it."
        )
    return content
