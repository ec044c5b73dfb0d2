"""List a folder of pictures by class, and the files left out with reasons. Opens no picture."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal

from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.core.labels import in_order
from emotion.data.classes import TABLES, UNCLEAR, one_spelling, read_classes, read_table
from emotion.data.limits import Limits
from emotion.data.names import HIDDEN, NO_PICTURE, is_system, kept_text, reason_against, shown

# Files of an imported set.
SET_FILE, ROWS_FILE, OLD_SET_FILE = "set.json", "metadata.jsonl", "manifest.json"
EMPTY = "It is an empty folder."
LOOSE = "It lies in no class folder."
UNLISTED = "It is not among the pictures of the set."
_UNREAD = ", so the folders are read."
# Text files are not mistaken for pictures.
_TEXTS = frozenset({
    ".txt", ".md", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".html", ".yaml", ".yml", ".py", ".ini", ".log", ".db",
})  # fmt: skip
SourceKind = Literal["zip", "folder", "files", "data set"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, by its original relative name, and why: a sentence that begins with "It"."""

    original: str
    reason: str


@dataclass(frozen=True)
class Picture:
    """A picture file and its labelled class."""

    path: Path
    label: str

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file's content as 64 hexadecimal digits, computed once."""
        return hash_file(self.path)


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder by class, both in a fixed order; ``title`` and ``kind`` name the source of an import."""

    root: Path
    files: dict[str, list[str]]  # names under ``root``
    left_out: list[Skipped] = field(default_factory=list)  # pictures of no class as ``LOOSE``
    notes: list[str] = field(default_factory=list)  # on how the classes were found
    title: str = ""
    kind: SourceKind = "folder"
    originals: dict[str, str] = field(default_factory=dict)  # of files with another name than in the source

    def paths(self) -> dict[str, list[Path]]:
        """Return the files by class. Raises PictureError where there are none."""
        if not self.files:
            raise nothing_left(str(self.root), self.left_out, self.notes)
        return {label: [self.root / name for name in names] for label, names in self.files.items()}

    def pictures(self) -> list[Picture]:
        """Return the pictures in the order of their paths. Raises PictureError where there are none."""
        found = (Picture(path, label) for label, paths in self.paths().items() for path in paths)
        return sorted(found, key=lambda picture: str(picture.path))

    def account(self) -> list[str]:
        """Return the notes, and one sentence for each reason why likely pictures were left out."""
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for each in self.left_out:
            name = PurePosixPath(each.original)
            is_text = each.reason == NO_PICTURE and name.suffix.lower() in _TEXTS
            if not is_text and not (each.reason == HIDDEN and name.name[0] == "."):
                by_reason[each.reason].append(each.original)
        return self.notes + [
            f"Left out: {shown(names[0])}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}. {reason}"
            for reason, names in by_reason.items()
        ]


def list_folder(root: Path, *, use_aliases: bool = False, limits: Limits | None = None) -> Listing:
    """List the pictures under ``root`` by class.

    A ``metadata.csv`` or ``metadata.jsonl`` with a label column gives the classes of the files it names, and the
    folders those of all others (see ``read_classes``). In an imported set, only its rows count. Names that differ only
    in case or Unicode form are one class; with ``use_aliases``, a name that means an emotion (`Anger`) becomes that
    emotion. Where the classes are unclear, a note says so.
    Raises PictureError where the folder is missing or cannot be read, or holds more files than the limits allow.
    """
    if not root.is_dir():
        raise PictureError(f"There is no folder {root}: give one that holds a folder of pictures per class.")
    names, tables, left_out = _walk(root, limits or Limits())
    listing = Listing(root, {}, left_out)
    if _is_set(root):
        labelled = _by_rows(root, names)
        # Other files next to the class folders are not reported.
        left_out[:] = [each for each in left_out if "/" in each.original or each.reason not in (NO_PICTURE, HIDDEN)]
        left_out += [Skipped(name, UNLISTED) for name in names if name not in labelled]
    else:
        labelled = dict[str, str]()
        for table in sorted(tables, key=len):
            labelled |= _by_table(listing, table, names)
        parts = {name: tuple(name.split("/")[:-1]) for name in names if name not in labelled}
        by_folder = read_classes(set(parts.values()), listing.notes)
        labelled |= {name: by_folder[folder] for name, folder in parts.items() if folder in by_folder}
        left_out += [Skipped(name, LOOSE) for name in names if name not in labelled]
    called = one_spelling(Counter(labelled.values()), listing.notes, use_aliases=use_aliases)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(labelled):
        found[called[labelled[name]]].append(name)
    listing.files.update({label: found[label] for label in in_order(set(found))})
    return listing


def find_pictures(root: Path, *, use_aliases: bool = False) -> list[Picture]:
    """Return labelled pictures by their paths. Raises PictureError where there are none, as ``list_folder``."""
    return list_folder(root.resolve(), use_aliases=use_aliases).pictures()


def holds_pictures(root: Path) -> bool:
    """Whether a folder under ``root`` holds a picture; stops at the first, so that pages load fast."""
    return any(not reason_against(path.name) and path.is_file() for path in root.glob("[!.]*/**/*"))


def nothing_left(title: str, left_out: Sequence[Skipped], notes: Sequence[str] = ()) -> PictureError:
    """Return the error that explains why a folder or a zip has no usable picture."""
    if why := next((note for note in notes if note.endswith((_UNREAD, UNCLEAR))), ""):
        return PictureError(f"No picture in {title} has a class: {why}")
    # Files that are not pictures explain nothing if there are pictures that cannot be used.
    if told := [each for each in left_out if each.reason not in (HIDDEN, NO_PICTURE, EMPTY)]:
        first = f"{shown(told[0].original)}: {told[0].reason}"
        return PictureError(f"No picture in {title} can be used; the first of {len(told):,} left out is {first}")
    lists = [each.original for each in left_out if each.original.lower().endswith((".csv", ".tsv"))]
    if lists:
        return PictureError(
            f"{title} holds a list ({shown(lists[0])}) and no pictures: get the pictures that it names first, into one "
            "folder per class."
        )
    return PictureError(
        f"There are no pictures in class folders in {title}: put .jpg, .png or .webp files into one folder per class."
    )


def count_labels(pictures: Iterable[Picture]) -> dict[str, int]:
    """Return how many pictures each class has, in the order they are shown."""
    counts = Counter(picture.label for picture in pictures)
    return {label: counts[label] for label in in_order(set(counts))}


def within(picture: str, folder: str) -> str:
    """Return a picture's name within its set, or within its class if it is outside the set."""
    path = PurePath(picture)
    # Pictures are listed by their resolved paths.
    for root in (PurePath(folder), Path(folder).resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return PurePath(*path.parts[-2:]).as_posix()


def _walk(root: Path, limits: Limits) -> tuple[list[str], list[str], list[Skipped]]:
    """Return the names of pictures, of tables, and the files left out. Follows no link to a folder."""
    names, tables, left_out = list[str](), list[str](), list[Skipped]()
    count, waiting = 0, [""]
    while waiting:
        folder, items, reason = waiting.pop(), list[os.DirEntry[str]](), EMPTY
        # scandir knows which entries are folders without a system call for each file.
        try:
            with os.scandir(root / folder) as listed:
                items = list(listed)
        except OSError as error:
            reason = f"It cannot be read ({error.strerror})."
        if not items and (folder or reason != EMPTY):
            left_out.append(Skipped(kept_text(folder or root.name), reason))
        count += len(items)
        limits.check(shown(root.name), files=count)
        for item in items:
            name = f"{folder}/{item.name}".lstrip("/")
            if reason := _against(item, name, limits):
                left_out.append(Skipped(kept_text(name), reason))
            elif item.is_dir():
                waiting.append(name)
            else:
                (tables if item.name.lower() in TABLES else names).append(name)
    return sorted(names), tables, sorted(left_out, key=lambda each: each.original)


def _against(item: os.DirEntry[str], name: str, limits: Limits) -> str:
    """Return why a file or a folder is left out; empty where it is not."""
    try:
        if is_system(item.name):
            return HIDDEN
        if kept_text(item.name) != item.name:
            return "Its name is no UTF-8: rename it."
        if item.is_dir():
            is_deep = name.count("/") + 1 > limits.depth
            link = "It is a link to a folder: put the pictures themselves there." if item.is_symlink() else ""
            return link or (f"It lies more than {limits.depth} folders deep, the limit." if is_deep else "")
        if not item.is_file():
            return "It is a link that leads nowhere." if item.is_symlink() else "It is no plain file."
        return "" if item.name.lower() in TABLES else reason_against(item.name)
    except OSError as error:
        return f"It cannot be read ({error.strerror})."


def _is_set(root: Path) -> bool:
    """Whether this is an imported set's folder; a drawn set has another kind of list under the old name."""
    for name in (SET_FILE, OLD_SET_FILE):
        with contextlib.suppress(OSError), (root / name).open("rb") as file:
            return b'"schema"' in file.read(200)
    return False


def _by_rows(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the class of each picture of an imported set: from its rows, in old sets from its folders."""
    rows, _ = read_table(root / ROWS_FILE)
    if rows:
        return {name: rows[name][0] for name in names if rows.get(name)}
    return {name: PurePosixPath(name).parent.name for name in names if "/" in name}


def _by_table(listing: Listing, table: str, names: list[str]) -> dict[str, str]:
    """Return the classes that a table gives to pictures in its folder, and note mismatches between the two.

    Files with several classes are removed from ``names``.
    """
    prefix = table[: table.rfind("/") + 1]
    rows, why = read_table(listing.root / table)
    if why:
        listing.notes.append(f"{shown(table)} {why}{_UNREAD}")
        return {}
    there = set(names[bisect_left(names, prefix) : bisect_left(names, f"{prefix}\U0010ffff")])
    found = {prefix + file: labels for file, labels in rows.items()}
    several = {name for name, labels in found.items() if name in there and len(labels) > 1}
    for name in sorted((found.keys() - there) | several):
        said = f"It stands under several labels: {', '.join(map(shown, found[name]))}."
        reason = said if name in several else f"It is named in {shown(table)} and is not there."
        listing.left_out.append(Skipped(kept_text(name), reason))
    names[:] = [name for name in names if name not in several]
    listing.notes.append(f"The classes of {len(found.keys() & there):,} pictures are read from {shown(table)}.")
    return {name: labels[0] for name, labels in found.items() if len(labels) == 1 and name in there}
