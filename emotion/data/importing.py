"""Import pictures into a new or an existing set: all usable pictures, or nothing.

Every source first becomes a listing by class. Its pictures are then read one at a time and written in their stored form
into a folder next to the sets, which is moved into place at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.owners import give, may_see, owner_of
from emotion.core.progress import Progress, paced
from emotion.data import sets as saved
from emotion.data.archive import unpack
from emotion.data.classes import one_spelling
from emotion.data.decoding import kept_form, read_file, reduced
from emotion.data.duplicates import LOOKED_AT, find_likenesses, fingerprints
from emotion.data.editing import changing, checked_species, numbered, rewrite
from emotion.data.folders import Listing, Skipped, list_folder, nothing_left
from emotion.data.hub import FromDataSet, describe
from emotion.data.limits import Limits, refuse_late
from emotion.data.names import PARQUET, alike, class_label, folder_name, kept_text, plain_text, reason_against, shown
from emotion.data.photographs import FromPhotographs
from emotion.data.sets import Contradiction, Manifest, PictureRow, sets_folder


@dataclass(frozen=True)
class FromPath:
    """A zip or a folder as the source of a set: class folders, or a data set of Parquet files."""

    path: Path

    def steps(self, work: Path, limits: Limits) -> Generator[Progress, None, Listing]:
        """Unpack a zip, and list the folder."""
        yield Progress(0, 0, "listing what is in it")
        folder, skipped, is_zip = self.path, list[Skipped](), self.path.is_file()
        if is_zip:
            folder = work / "unpacked" / class_label(self.path.name)  # Sentences use the folder's name.
            skipped = yield from unpack(self.path, folder, limits)
        elif not self.path.is_dir():  # Pipes and devices are never opened.
            raise PictureError(
                f"There is no zip and no folder {self.path}: give one that holds a folder of pictures per class."
            )
        listing = list_folder(folder, limits=limits)
        listing = replace(listing, title=shown(self.path.name), kind="zip" if is_zip else "folder")
        others = [each for each in listing.left_out if not each.original.endswith(PARQUET)]
        if not listing.files and others != listing.left_out:
            listing = yield from FromDataSet(describe(folder, limits=limits)).steps(work, limits)
            skipped += others
        return replace(listing, left_out=[*skipped, *listing.left_out])


@dataclass(frozen=True)
class FromFiles:
    """Single files, each with its original name, all of one class."""

    files: Sequence[tuple[Path, str]]
    label: str

    def steps(self, work: Path, limits: Limits) -> Generator[Progress, None, Listing]:
        """List the files without moving them."""
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
    """Which pictures were added to which set, and which were left out."""

    key: str
    pictures: int
    skipped: Sequence[Skipped]


@dataclass(frozen=True)
class Bring:
    """Import pictures into the set with the folder ``into``, or into a new one, ``name``, of the visitor ``owner``.

    Exact copies under one label are stored once, copies under several labels not at all.
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
        """Yield progress at a page's pace, and return the result; a cancelled or failed import leaves no trace.
        Raises PictureError where the name, the source or the sets folder cannot be used.
        """
        return (yield from paced(self.steps()))

    def steps(self) -> Generator[Progress, None, Brought]:
        """Yield every step; otherwise as ``carry_out``."""
        deadline = time.monotonic() + self.limits.seconds
        # Before anything is opened, so that a name that is taken fails at once.
        found = saved.find_set(self.into, root=self.root) if self.into else None
        if found is None:
            self.refuse_unusable()
        have = found.manifest.pictures if found else []
        with saved.written("The set"), saved.workspace(self.root) as work:
            listing = yield from self.way.steps(work, self.limits)
            files, made = work / "kept", work / "set"
            new, mirrored = yield from self._take_in(listing, files, have, deadline)
            yield Progress(0, 0, "comparing the pictures with one another")
            # Before locking, since it takes minutes for many pictures.
            sets = {"": have} | self._others(found.key if found else "")
            new = replace(new, near_duplicates=find_likenesses(new.pictures, mirrored, sets=sets))
            if found:
                with changing(found) as before:
                    return self._add(new, before, files, found.folder)
            with saved.alone(self.root):
                folder = self.refuse_unusable()
                made.mkdir()
                name, species = plain_text(self.name), checked_species(self.species)
                begun = Manifest(secrets.token_hex(16), name, species, time.time(), listing.kind)
                brought = self._add(new, begun, files, made)
                give(made, self.owner)
                made.rename(folder)
                return replace(brought, key=folder.name)

    def refuse_unusable(self) -> Path:
        """Return the folder of a new set. A visitor's has a random suffix, so that it never reveals others' names.
        Raises PictureError where its name or species cannot be used, or the name is taken.
        """
        folder = self.root / folder_name(self.name)
        checked_species(self.species)
        there = next((path.name for path in self.root.glob("[!.]*") if alike(path.name) == alike(folder.name)), "")
        if self.owner is not None:
            own = [each.key for each in saved.list_sets(self.root) if owner_of(each.folder).owner == self.owner]
            there = self.name if folder.name in [key.rpartition("-")[0] for key in own] else ""
            folder = folder.with_name(f"{folder.name}-{secrets.token_hex(3)}")
        if there:
            whose = "There is" if self.owner is None else "You have"
            raise PictureError(f"{whose} a picture set {there!r} already: choose another name, or delete that one.")
        return folder

    def _take_in(
        self, listing: Listing, folder: Path, have: Sequence[PictureRow], deadline: float
    ) -> Generator[Progress, None, tuple[Manifest, list[bytes]]]:
        """Write the pictures of a listing into ``folder``, except those in the rows ``have``.

        Return them as a set without a name, and the fingerprint of each one's mirror image.
        Raises PictureError where there is more than the limits allow, or no picture can be used.
        """
        folder.mkdir()
        skipped, duplicates = list(listing.left_out), 0
        labels, notes = _labels(listing, use_aliases=self.use_aliases)
        pairs = sorted((name, labels[label]) for label, names in listing.files.items() for name in names)
        sizes = (path.stat().st_size for path in (listing.root / name for name, _ in pairs) if path.is_file())
        self.limits.check(listing.title, pictures=len(pairs), size=sum(sizes))
        there = {same: row.label for row in have for same in (row.sha256, row.pixels)}
        found = defaultdict[str, list[tuple[PictureRow, bytes]]](list)
        for number, (name, label) in enumerate(pairs):
            yield Progress(number, len(pairs), f"bringing in {len(pairs):,} pictures")
            refuse_late(deadline, self.limits)
            original = listing.originals.get(name, name)
            try:
                content = read_file(listing.root / name, name="It", most=self.limits.picture_bytes)
                kept, suffix, picture = kept_form(content)
            except PictureError as error:
                skipped.append(Skipped(original, str(error)))
                continue
            bits, turned = fingerprints(reduced(picture, side=LOOKED_AT))
            row = PictureRow(
                f"{label}/{number:08}{suffix}", label, _sha256(kept), *picture.size, original, bits.hex(),
                source_sha256=_sha256(content), pixels=_sha256(repr(picture.size).encode() + picture.tobytes()),
            )  # fmt: skip
            has = there.get(row.sha256) or there.get(row.pixels)
            same = next((each.original for each, _ in found[row.pixels] if each.label == label), "")
            if has or same:
                duplicates += 1
                reason = f"It is in the set already, as {has}." if has else f"It is the same picture as {shown(same)}."
                skipped.append(Skipped(original, reason))
            else:
                (folder / label).mkdir(exist_ok=True)
                (folder / row.file).write_bytes(kept)
                found[row.pixels].append((row, turned))
        taken, told = list[tuple[PictureRow, bytes]](), list[Contradiction]()
        for each in filter(None, found.values()):
            rows = [row for row, _ in each]
            if len(rows) == 1:
                taken += each
                continue
            told.append(Contradiction([row.original for row in rows], [row.label for row in rows]))
            reason = f"It stands under several labels: {', '.join(told[-1].labels)}."
            skipped += [Skipped(row.original, reason) for row in rows]
        skipped.sort(key=lambda each: each.original)
        if not taken:
            raise nothing_left(listing.title, skipped, notes)
        pictures, mirrored = [row for row, _ in taken], [turned for _, turned in taken]
        return Manifest("", "", "", 0, listing.kind, pictures, skipped, duplicates, told, notes=notes), mirrored

    def _add(self, new: Manifest, before: Manifest, files: Path, folder: Path) -> Brought:
        """Move pictures into a set. Raises PictureError where it would hold more than the limit."""
        self.limits.check("The set", pictures=len(before.pictures) + len(new.pictures))
        rows = numbered(new.pictures, before, folder)
        both = replace(
            before,
            skipped=[*before.skipped, *new.skipped],
            duplicates=before.duplicates + new.duplicates,
            contradictions=[*before.contradictions, *new.contradictions],
            near_duplicates=[*before.near_duplicates, *new.near_duplicates],
            notes=[*dict.fromkeys([*before.notes, *new.notes])],
        )
        after = both.with_rows({row.file: row for row in before.pictures} | rows)
        rewrite(folder, before, after, {row.file: files / old for old, row in rows.items()}, Path.rename)
        return Brought(folder.name, len(rows), new.skipped)

    def _others(self, key: str) -> dict[str, Sequence[PictureRow]]:
        """Return the rows of other sets, of those that the owner of this one may see."""
        visitor = self.owner or owner_of(self.root / key).owner
        found: dict[str, Sequence[PictureRow]] = {}
        for other in saved.list_sets(self.root):
            # Damaged sets are reported where sets are listed.
            with contextlib.suppress(PictureError):
                if other.key != key and may_see(other.folder, visitor):
                    found[other.key] = other.manifest.pictures
        return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _labels(listing: Listing, *, use_aliases: bool) -> tuple[Mapping[str, str], list[str]]:
    """Return the stored name of each class of a listing, and its notes with one on each merged class."""
    notes, counts = list(listing.notes), Counter[str]()
    for label, names in listing.files.items():
        counts[class_label(label)] += len(names)
    one = one_spelling(counts, notes, use_aliases=use_aliases)
    return {label: one[class_label(label)] for label in listing.files}, notes
