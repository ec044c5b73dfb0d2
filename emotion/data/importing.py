"""Import pictures into a set, a new one or one that is there: all that can be used, or nothing.

Whatever they come as, they become a folder of class folders first. Each is then read once, one at a time, and written
as it is kept into a folder beside the sets, which takes its place at the end: memory does not grow with the pictures,
only with what is noted of each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from emotion.data.archive import unpack
from emotion.data.classes import one_spelling
from emotion.data.duplicates import find_likenesses
from emotion.data.editing import DIGITS, as_there, changing, checked_species, link_or_copy, number_of
from emotion.data.folders import PARQUET, Listing, Skipped, list_folder, nothing_left, reason_against
from emotion.data.kept import kept_form, read_file
from emotion.data.limits import Limits, refuse_full, refuse_late
from emotion.data.names import alike, class_label, folder_name, kept_text, plain_text, shown
from emotion.data.sets import (
    Contradiction,
    Likeness,
    Manifest,
    PictureRow,
    SavedSet,
    SourceKind,
    alone,
    find_set,
    list_sets,
    new_identity,
    note_leftovers,
    sets_folder,
    taken,
    workspace,
    write_set,
)  # fmt: skip
from emotion.errors import PictureError
from emotion.job import Progress, paced
from emotion.owners import give, may_see, owner_of
from emotion.words import megabytes


@dataclass(frozen=True)
class Source:
    """Pictures in a folder: their listing, how sentences call what they came as, and what was left out before.

    ``originals`` are their names where they came from, of those that are called otherwise in the folder.
    """

    listing: Listing
    title: str
    kind: SourceKind
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()
    originals: Mapping[str, str] = field(default_factory=dict)


class Way(Protocol):
    """A way in: where pictures come from, as plain values that travel to another process."""

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Source]:
        """Get the pictures, into the folder ``work`` where they are in none yet.

        Raises:
            PictureError: they cannot be read, or not safely.
        """


@dataclass(frozen=True)
class FromPath:
    """A zip or a folder: of class folders, or a data set of Parquet files."""

    path: Path

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Source]:
        """Unpack the zip, and list the folder."""
        yield Progress(0, 0, "listing what is in it")
        kind: SourceKind = "folder"
        folder, skipped = self.path, list[Skipped]()
        # What is neither, such as a pipe or a device, is never opened.
        if self.path.is_file():
            # Sentences call a folder by its name.
            kind, folder = "zip", work / "unpacked" / _harmless(self.path.name)
            skipped = yield from unpack(self.path, folder, limits)
        elif not self.path.is_dir():
            raise PictureError(
                f"There is no zip and no folder {self.path}: give one that holds a folder of pictures per class."
            )
        listing = list_folder(folder, use_aliases=use_aliases, limits=limits, any_name=True)
        if not listing.files and any(each.original.endswith(PARQUET) for each in listing.left_out):
            from emotion.data.hub import FromDataSet, describe

            way = FromDataSet(describe(folder, limits=limits))
            source = yield from way.steps(work, limits, use_aliases=use_aliases)
            others = [each for each in listing.left_out if not each.original.endswith(PARQUET)]
            return replace(source, skipped=[*skipped, *others, *source.skipped])
        return Source(listing, shown(self.path.name), kind, skipped)


@dataclass(frozen=True)
class FromFiles:
    """Single files, each with the name it had where it came from, all of one class."""

    files: Sequence[tuple[Path, str]]
    label: str

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Source]:
        """Link the files into a class folder, under their own names."""
        yield Progress(0, 0, "listing the files")
        label = class_label(self.label)
        listing, skipped, originals = Listing(work / "files", {label: []}), list[Skipped](), dict[str, str]()
        (listing.root / label).mkdir(parents=True)
        for number, (path, original) in enumerate(self.files):
            name = kept_text(PurePosixPath(original.replace("\\", "/")).name)
            reason = reason_against(name)
            file = f"{label}/{number}{PurePosixPath(name).suffix}"
            try:
                if not reason:
                    link_or_copy(path, listing.root / file)
            except OSError as error:
                reason = f"It cannot be read ({error.strerror})."
            if reason:
                skipped.append(Skipped(name, reason))
            else:
                listing.files[label].append(file)
                originals[file] = name
        title = "what you gave" if len(self.files) != 1 else "the file you gave"
        return Source(listing, title, "files", skipped, originals=originals)


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

        Raises:
            PictureError: the name cannot be used or is taken, the source is not safe or too large, holds no picture
                that can be used, or the set cannot be written. Nothing is left in the sets folder then.
        """
        return (yield from paced(self.steps()))

    def steps(self) -> Generator[Progress, None, Brought]:
        """Yield every step of it; everything else is as in ``carry_out``."""
        deadline = time.monotonic() + self.limits.seconds
        # Before anything is opened: a name that is taken costs nothing.
        found = find_set(self.into, root=self.root) if self.into else None
        if found is None:
            self.refuse_unusable()
        try:
            with workspace(self.root) as work:
                source = yield from self.way.steps(work, self.limits, use_aliases=self.use_aliases)
                taken_in = yield from _take_in(source, work / "kept", self.limits, deadline)
                yield Progress(0, 0, "comparing the pictures with one another")
                # Before anything is locked: of many pictures it takes minutes.
                own = {"": found.manifest.pictures} if found else {}
                taken_in.compare(own | self._others(found.key if found else ""))
                return self._add(taken_in, found) if found else self._begin(taken_in, source.kind, work / "set")
        except OSError as error:
            raise PictureError(
                f"The set cannot be written to {self.root} ({error.strerror}): make room, or choose another folder."
            ) from error

    def refuse_unusable(self) -> Path:
        """Return the folder of a new set. A visitor's has a random end: others' names are neither taken nor told.

        Raises:
            PictureError: its name or its species cannot be used, or the name is taken.
        """
        folder = self.root / folder_name(self.name)
        checked_species(self.species)
        there = "" if (path := taken(folder.name, root=self.root)) is None else path.name
        if self.owner is not None:
            own = [each.key for each in list_sets(self.root) if owner_of(each.folder).owner == self.owner]
            there = self.name if folder.name in [key.rpartition("-")[0] for key in own] else ""
            folder = folder.with_name(f"{folder.name}-{new_identity()[:6]}")
        if there:
            whose = "There is" if self.owner is None else "You have"
            raise PictureError(f"{whose} a picture set {there!r} already: choose another name, or delete that one.")
        return folder

    def _begin(self, taken_in: _TakenIn, kind: SourceKind, made: Path) -> Brought:
        """Make a new set of what was taken in, in the folder ``made`` at first."""
        with alone(self.root):
            folder = self.refuse_unusable()
            made.mkdir()
            name, species = plain_text(self.name), checked_species(self.species)
            new = Manifest(new_identity(), name, species, created=time.time(), source=kind)
            brought = self._write(taken_in, new, made, key=folder.name)
            give(made, self.owner)
            made.rename(folder)
        return brought

    def _add(self, taken_in: _TakenIn, found: SavedSet) -> Brought:
        with changing(found) as before:
            return self._write(taken_in, before, found.folder, key=found.key)

    def _write(self, taken_in: _TakenIn, before: Manifest, folder: Path, *, key: str) -> Brought:
        """Move what was taken in into a set; what it holds already, under whatever label, is left out and named."""
        have = {same: row.label for row in before.pictures for same in (row.sha256, row.pixels) if same}
        there = {row.file: have.get(row.sha256) or have.get(row.pixels) for row in taken_in.rows}
        known = {file: f"It is in the set already, as {label}." for file, label in there.items() if label}
        taken_in.leave_out(known)
        if (count := len(before.pictures) + len(taken_in.rows)) > self.limits.pictures:
            raise PictureError(f"The set would hold {count:,} pictures: the limit is {self.limits.pictures:,} a set.")
        rows = taken_in.named(before)
        if before.pictures:
            note_leftovers(folder, before, [row.file for row in rows.values()])
        taken_in.move(rows, folder)
        after = replace(
            before,
            pictures=[*before.pictures, *rows.values()],
            skipped=[*before.skipped, *taken_in.skipped],
            duplicates=before.duplicates + taken_in.duplicates + len(known),
            contradictions=[*before.contradictions, *taken_in.contradictions],
            near_duplicates=[*before.near_duplicates, *taken_in.near(rows, before)],
            notes=list(dict.fromkeys([*before.notes, *taken_in.notes])),
        )
        write_set(folder, after)
        return Brought(key, len(rows), taken_in.skipped)

    def _others(self, key: str) -> dict[str, Sequence[PictureRow]]:
        """Return the rows of other sets, of those that whoever sees this one may see."""
        visitor = self.owner or owner_of(self.root / key).owner
        found: dict[str, Sequence[PictureRow]] = {}
        for other in list_sets(self.root):
            # A damaged set is told of where sets are listed.
            with contextlib.suppress(PictureError):
                if other.key != key and may_see(other.folder, visitor):
                    found[other.key] = other.manifest.pictures
        return found


@dataclass
class _TakenIn:
    """Pictures that were written into ``folder``, by rows whose ``file`` is there, and what was left out.

    ``mirrored`` are the fingerprints of their mirror images, by the SHA-256 of each.
    """

    title: str
    folder: Path
    skipped: list[Skipped]
    notes: list[str]
    rows: list[PictureRow] = field(default_factory=list)
    mirrored: dict[str, bytes] = field(default_factory=dict)
    duplicates: int = 0
    contradictions: list[Contradiction] = field(default_factory=list)
    likenesses: list[Likeness] = field(default_factory=list)

    def leave_out(self, reasons: Mapping[str, str]) -> None:
        """Leave pictures out by the names of their files.

        Raises:
            PictureError: none is left.
        """
        self.skipped += [Skipped(row.original, reasons[row.file]) for row in self.rows if row.file in reasons]
        self.skipped.sort(key=lambda each: each.original)
        self.rows = [row for row in self.rows if row.file not in reasons]
        if not self.rows:
            raise nothing_left(self.title, self.skipped, self.notes)

    def compare(self, sets: Mapping[str, Sequence[PictureRow]]) -> None:
        """Find which pictures look like an earlier one, or like one of other sets by their folders' names."""
        self.likenesses = find_likenesses(self.rows, [self.mirrored[row.sha256] for row in self.rows], sets=sets)

    def near(self, rows: Mapping[str, PictureRow], before: Manifest) -> list[Likeness]:
        """Return what looks alike under the names of ``rows`` and of those that were there."""
        names = {row.file: row.file for row in before.pictures} | {old: row.file for old, row in rows.items()}
        return [
            replace(each, file=names[each.file], like=each.like if each.set else names[each.like])
            for each in self.likenesses
            if each.file in rows and (each.set or each.like in names)
        ]

    def named(self, before: Manifest) -> dict[str, PictureRow]:
        """Return the rows as a set has them, by class and number: no name from outside becomes a path.

        Numbers go on after those that are there.
        """
        last: Counter[str] = Counter()
        for row in before.pictures:
            last[row.label] = max(last[row.label], number_of(row.file))
        digits = max(DIGITS, len(str(len(self.rows) + max(last.values(), default=0))))
        named = {}
        for row in self.rows:
            label = as_there(row.label, before)
            last[label] += 1
            file = f"{label}/{last[label]:0{digits}}{PurePosixPath(row.file).suffix}"
            named[row.file] = replace(row, file=file, label=label)
        return named

    def move(self, rows: Mapping[str, PictureRow], to: Path) -> None:
        """Move the files into a set's class folders."""
        for old, row in rows.items():
            (to / row.label).mkdir(exist_ok=True)
            (self.folder / old).rename(to / row.file)


def _take_in(source: Source, folder: Path, limits: Limits, deadline: float) -> Generator[Progress, None, _TakenIn]:
    """Write every picture of a source into ``folder`` as it is kept.

    Raises:
        PictureError: there is more than the limits allow, it takes longer, none can be used, or there is no room.
    """
    folder.mkdir()
    labels, notes = _labels(source.listing)
    before = [*source.skipped, *source.listing.left_out]
    taken_in = _TakenIn(source.title, folder, before, [*source.notes, *source.listing.notes, *notes])
    pairs = sorted((name, labels[label]) for label, names in source.listing.files.items() for name in names)
    stats = [_stat(source.listing.root / name) for name, _ in pairs]
    _refuse_beyond(source.title, [each.st_size for each in stats if each], folder, limits)
    same: dict[bytes, list[PictureRow]] = {}
    for number, (name, label) in enumerate(pairs):
        yield Progress(number, len(pairs), f"bringing in {len(pairs):,} pictures")
        refuse_late(deadline, limits)
        original = source.originals.get(name, kept_text(name))
        try:
            kept = kept_form(read_file(source.listing.root / name, limits, listed=stats[number]), limits)
        except PictureError as error:
            taken_in.skipped.append(Skipped(original, str(error)))
            continue
        alike_ = same.setdefault(kept.pixels, [])
        if first := next((each for each in alike_ if each.label == label), None):
            taken_in.duplicates += 1
            taken_in.skipped.append(Skipped(original, f"It is the same picture as {shown(first.original)}."))
            continue
        row = PictureRow(
            f"{number:08}{kept.suffix}", label, hashlib.sha256(kept.content).hexdigest(), kept.width, kept.height,
            original, kept.prints[0].hex(), kept.source_sha256, kept.pixels.hex(),
        )  # fmt: skip
        (folder / row.file).write_bytes(kept.content)
        alike_.append(row)
        taken_in.rows.append(row)
        taken_in.mirrored[row.sha256] = kept.prints[1]
    reasons: dict[str, str] = {}
    for rows in same.values():
        if len(rows) > 1:
            said = [row.label for row in rows]
            taken_in.contradictions.append(Contradiction([row.original for row in rows], said))
            reasons |= {row.file: f"It stands under several labels: {', '.join(said)}." for row in rows}
    taken_in.leave_out(reasons)
    return taken_in


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


def _harmless(name: str) -> str:
    """Return a name that a folder can have."""
    with contextlib.suppress(PictureError):
        return class_label(kept_text(name))
    return "the zip"


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _refuse_beyond(title: str, sizes: Sequence[int], folder: Path, limits: Limits) -> None:
    if len(sizes) > limits.pictures:
        raise PictureError(f"{title} holds {len(sizes):,} pictures: the limit is {limits.pictures:,} a set.")
    if (size := sum(sizes)) > limits.bytes:
        most = megabytes(limits.bytes)
        raise PictureError(f"{title} holds pictures of {megabytes(size)}: the limit is {most} a set.")
    # As they are kept, large ones have less.
    refuse_full(folder, sum(min(each, 1_000_000) for each in sizes))
