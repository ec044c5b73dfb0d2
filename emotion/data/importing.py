"""Import pictures into a set, a new one or one that is there: all that can be used, or nothing.

Whatever they come as, they become a folder of class folders first. Each is then read once, one at a time, and written
as it is kept into a folder beside the sets, which takes its place at the end: memory does not grow with the pictures,
only with what is noted of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.core.owners import give, may_see, owner_of
from emotion.core.progress import Progress, paced
from emotion.data import sets as saved
from emotion.data.archive import unpack
from emotion.data.classes import one_spelling
from emotion.data.duplicates import find_likenesses
from emotion.data.editing import changing, checked_species, numbered, renamed, rewrite
from emotion.data.folders import PARQUET, Listing, Skipped, SourceKind, list_folder, nothing_left, reason_against
from emotion.data.hub import FromDataSet, describe
from emotion.data.kept import kept_form, read_file
from emotion.data.limits import Limits, refuse_full, refuse_late
from emotion.data.names import alike, class_label, folder_name, kept_text, plain_text, shown
from emotion.data.photographs import FromPhotographs
from emotion.data.sets import Contradiction, Manifest, PictureRow, sets_folder


@dataclass(frozen=True)
class FromPath:
    """A zip or a folder as a way into a set: of class folders, or a data set of Parquet files."""

    path: Path

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Listing]:
        """Unpack the zip, and list the folder."""
        yield Progress(0, 0, "listing what is in it")
        folder, skipped = self.path, list[Skipped]()
        # What is neither, such as a pipe or a device, is never opened.
        if is_zip := self.path.is_file():
            name = "the zip"
            with contextlib.suppress(PictureError):
                name = class_label(kept_text(self.path.name))
            folder = work / "unpacked" / name  # Sentences call a folder by its name.
            skipped = yield from unpack(self.path, folder, limits)
        elif not self.path.is_dir():
            raise PictureError(
                f"There is no zip and no folder {self.path}: give one that holds a folder of pictures per class."
            )
        listing = list_folder(folder, use_aliases=use_aliases, limits=limits, any_name=True)
        others = [each for each in listing.left_out if not each.original.endswith(PARQUET)]
        if not listing.files and others != listing.left_out:
            way = FromDataSet(describe(folder, limits=limits))
            listing = yield from way.steps(work, limits, use_aliases=use_aliases)
            return replace(listing, left_out=[*skipped, *others, *listing.left_out])
        kind: SourceKind = "zip" if is_zip else "folder"
        return replace(listing, title=shown(self.path.name), kind=kind, left_out=[*skipped, *listing.left_out])


@dataclass(frozen=True)
class FromFiles:
    """Single files, each with the name it had where it came from, all of one class."""

    files: Sequence[tuple[Path, str]]
    label: str

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Listing]:
        """List the files where they lie."""
        yield Progress(0, 0, "listing the files")
        label, title = class_label(self.label), "what you gave" if len(self.files) != 1 else "the file you gave"
        listing = Listing(Path(), {label: []}, title=title, kind="files")
        for path, original in self.files:
            name, file = kept_text(PurePosixPath(original.replace("\\", "/")).name), str(path.absolute())
            if reason := reason_against(name):
                listing.left_out.append(Skipped(name, reason))
            else:
                listing.files[label].append(file)
                listing.originals[file] = name
        return listing


Way = FromPath | FromFiles | FromDataSet | FromPhotographs


@dataclass(frozen=True)
class Brought:
    """What came into which set, and what was left out of what was given."""

    key: str
    pictures: int
    skipped: Sequence[Skipped]


@dataclass(frozen=True)
class Bring:
    """Bring pictures into the set of the folder ``into``, or into a new one that is called ``name``.

    ``owner`` is the visitor whose set a new one is, by their hash. A file that cannot be used is left out and named;
    exact copies under one label are kept once, and under several not at all.
    """

    way: Way
    into: str = ""
    name: str = ""
    species: str = ""
    use_aliases: bool = False
    root: Path = field(default_factory=sets_folder)
    limits: Limits = field(default_factory=Limits)
    owner: str | None = None

    def carry_out(self) -> Generator[Progress, None, Brought]:
        """Yield how far it is, at a page's pace, and return what came in; to close it is to stop, and leaves nothing.
        Raises PictureError where the name, the source or the sets folder cannot be used, and leaves nothing there.
        """
        return (yield from paced(self.steps()))

    def steps(self) -> Generator[Progress, None, Brought]:
        """Yield every step of it; everything else is as in ``carry_out``."""
        deadline = time.monotonic() + self.limits.seconds
        # Before anything is opened: a name that is taken costs nothing.
        found = saved.find_set(self.into, root=self.root) if self.into else None
        if found is None:
            self.refuse_unusable()
        try:
            with saved.workspace(self.root) as work:
                listing = yield from self.way.steps(work, self.limits, use_aliases=self.use_aliases)
                files, made = work / "kept", work / "set"
                new, mirrored = yield from _take_in(listing, files, self.limits, deadline)
                yield Progress(0, 0, "comparing the pictures with one another")
                # Before anything is locked: of many pictures it takes minutes.
                own = {"": found.manifest.pictures} if found else {}
                sets = own | self._others(found.key if found else "")
                prints = [mirrored[row.file] for row in new.pictures]
                new = replace(new, near_duplicates=find_likenesses(new.pictures, prints, sets=sets))
                if found:
                    with changing(found) as before:
                        return self._add(new, before, files, found.folder, listing.title)
                with saved.alone(self.root):
                    folder = self.refuse_unusable()
                    made.mkdir()
                    name, species = plain_text(self.name), checked_species(self.species)
                    begun = Manifest(secrets.token_hex(16), name, species, time.time(), listing.kind)
                    brought = self._add(new, begun, files, made, listing.title)
                    give(made, self.owner)
                    made.rename(folder)
                    return replace(brought, key=folder.name)
        except OSError as error:
            raise PictureError(
                f"The set cannot be written to {self.root} ({error.strerror}): make room, or choose another folder."
            ) from error

    def refuse_unusable(self) -> Path:
        """Return the folder of a new set. A visitor's has a random end: others' names are neither taken nor told.
        Raises PictureError where its name or its species cannot be used, or the name is taken.
        """
        folder = self.root / folder_name(self.name)
        checked_species(self.species)
        there = next((path.name for path in saved.folders_in(self.root) if alike(path.name) == alike(folder.name)), "")
        if self.owner is not None:
            own = [each.key for each in saved.list_sets(self.root) if owner_of(each.folder).owner == self.owner]
            there = self.name if folder.name in [key.rpartition("-")[0] for key in own] else ""
            folder = folder.with_name(f"{folder.name}-{secrets.token_hex(3)}")
        if there:
            whose = "There is" if self.owner is None else "You have"
            raise PictureError(f"{whose} a picture set {there!r} already: choose another name, or delete that one.")
        return folder

    def _add(self, new: Manifest, before: Manifest, files: Path, folder: Path, title: str) -> Brought:
        """Move pictures into a set; what it holds already, under whatever label, is left out and named."""
        have = {same: row.label for row in before.pictures for same in (row.sha256, row.pixels) if same}
        labels = {row.file: have.get(row.sha256) or have.get(row.pixels) for row in new.pictures}
        known = {file: f"It is in the set already, as {label}." for file, label in labels.items() if label}
        new = _without(new, known, title)
        if (count := len(before.pictures) + len(new.pictures)) > self.limits.pictures:
            raise PictureError(f"The set would hold {count:,} pictures: the limit is {self.limits.pictures:,} a set.")
        rows = numbered(new.pictures, before)
        names = {row.file: row.file for row in before.pictures} | {old: row.file for old, row in rows.items()}
        after = replace(
            before,
            pictures=[*before.pictures, *rows.values()],
            skipped=[*before.skipped, *new.skipped],
            duplicates=before.duplicates + new.duplicates + len(known),
            contradictions=[*before.contradictions, *new.contradictions],
            near_duplicates=[*before.near_duplicates, *renamed(new.near_duplicates, names)],
            notes=[*dict.fromkeys([*before.notes, *new.notes])],
        )
        rewrite(folder, before, after, {row.file: files / old for old, row in rows.items()}, Path.rename)
        return Brought(folder.name, len(rows), new.skipped)

    def _others(self, key: str) -> dict[str, Sequence[PictureRow]]:
        """Return the rows of other sets, of those that whoever sees this one may see."""
        visitor = self.owner or owner_of(self.root / key).owner
        found: dict[str, Sequence[PictureRow]] = {}
        for other in saved.list_sets(self.root):
            # A damaged set is told of where sets are listed.
            with contextlib.suppress(PictureError):
                if other.key != key and may_see(other.folder, visitor):
                    found[other.key] = other.manifest.pictures
        return found


def _take_in(
    listing: Listing, folder: Path, limits: Limits, deadline: float
) -> Generator[Progress, None, tuple[Manifest, dict[str, bytes]]]:
    """Write every picture of a listing into ``folder`` as it is kept, each ``file`` of the rows there.

    Return what was taken in, as a set without a name, and the fingerprint of each file's mirror image.
    Raises PictureError where there is more than the limits allow, it takes longer, none can be used, or there is no
    room.
    """
    folder.mkdir()
    rows, mirrored, skipped, duplicates = list[PictureRow](), dict[str, bytes](), list(listing.left_out), 0
    labels, notes = _labels(listing)
    pairs = sorted((name, labels[label]) for label, names in listing.files.items() for name in names)
    stats = [_stat(listing.root / name) for name, _ in pairs]
    sizes = [each.st_size for each in stats if each]
    if len(pairs) > limits.pictures:
        raise PictureError(f"{listing.title} holds {len(pairs):,} pictures: the limit is {limits.pictures:,} a set.")
    if sum(sizes) > limits.bytes:
        held, most = megabytes(sum(sizes)), megabytes(limits.bytes)
        raise PictureError(f"{listing.title} holds pictures of {held}: the limit is {most} a set.")
    refuse_full(folder, sum(min(each, 1_000_000) for each in sizes))  # As they are kept, large ones have less.
    same: defaultdict[bytes, list[PictureRow]] = defaultdict(list)
    for number, (name, label) in enumerate(pairs):
        yield Progress(number, len(pairs), f"bringing in {len(pairs):,} pictures")
        refuse_late(deadline, limits)
        original = listing.originals.get(name, kept_text(name))
        try:
            kept = kept_form(read_file(listing.root / name, limits, listed=stats[number]), limits)
        except PictureError as error:
            skipped.append(Skipped(original, str(error)))
            continue
        if first := next((each for each in same[kept.pixels] if each.label == label), None):
            duplicates += 1
            skipped.append(Skipped(original, f"It is the same picture as {shown(first.original)}."))
            continue
        row = PictureRow(
            f"{number:08}{kept.suffix}", label, hashlib.sha256(kept.content).hexdigest(), kept.width, kept.height,
            original, kept.prints[0].hex(), kept.source_sha256, kept.pixels.hex(),
        )  # fmt: skip
        (folder / row.file).write_bytes(kept.content)
        same[kept.pixels].append(row)
        rows.append(row)
        mirrored[row.file] = kept.prints[1]
    several = [each for each in same.values() if len(each) > 1]
    told = [Contradiction([row.original for row in each], [row.label for row in each]) for each in several]
    why = [f"It stands under several labels: {', '.join(each.labels)}." for each in told]
    reasons = {row.file: reason for each, reason in zip(several, why, strict=True) for row in each}
    new = Manifest("", "", "", 0, listing.kind, rows, skipped, duplicates, told, notes=[*listing.notes, *notes])
    return _without(new, reasons, listing.title), mirrored


def _without(new: Manifest, reasons: Mapping[str, str], title: str) -> Manifest:
    """Leave pictures out by the names of their files. Raises PictureError where none is left."""
    left_out = [Skipped(row.original, reasons[row.file]) for row in new.pictures if row.file in reasons]
    skipped = sorted([*new.skipped, *left_out], key=lambda each: each.original)
    rows = [row for row in new.pictures if row.file not in reasons]
    if not rows:
        raise nothing_left(title, skipped, new.notes)
    return replace(new, pictures=rows, skipped=skipped)


def _labels(listing: Listing) -> tuple[Mapping[str, str], list[str]]:
    """Return the class that each class of a listing is kept as, and notes on those that are called otherwise."""
    plain = {label: class_label(kept_text(label)) for label in listing.files}
    notes = [
        f"The class folder {shown(label)!r} is called {kept!r}, which every file system can hold."
        for label, kept in plain.items()
        if alike(plain_text(label)) != alike(kept)
    ]
    one = one_spelling(dict.fromkeys(plain.values(), 1), notes, use_aliases=False)
    return {label: one[kept] for label, kept in plain.items()}, notes


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return path.stat()
    return None
