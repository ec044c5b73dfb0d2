"""List a folder of pictures by class, with an account of what is left out and why. Opens no picture."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal

from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.core.labels import in_order
from emotion.data.classes import TABLES, Parts, one_spelling, read_classes, read_table
from emotion.data.limits import Limits
from emotion.data.names import is_system, kept_text, shown

# What people have of the formats that are read.
PICTURE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".avif", ".heic", ".heif", ".hif",
})  # fmt: skip
PARQUET = ".parquet"
# A set that was imported has its classes in its folders' names, whatever these are.
SET_FILE, OLD_SET_FILE = "set.json", "manifest.json"
_ARCHIVES = frozenset({".zip", ".cbz", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz"})
_OTHER_PICTURES = frozenset([".jxl", ".jp2", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".eps", ".pdf"])
_TEXTS = frozenset({
    ".txt", ".md", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".html", ".yaml", ".yml", ".py", ".ini", ".log", ".db",
})  # fmt: skip
HIDDEN = "It is hidden, or belongs to a system."
NO_PICTURE = "It is not a picture by its name."
EMPTY = "It is an empty folder."
LOOSE = "It lies in no class folder."
_UNREAD = ", so the folders are read."
SourceKind = Literal["zip", "folder", "files", "data set"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, by its relative name where it came from, and why: a sentence that begins with "It"."""

    original: str
    reason: str


@dataclass(frozen=True)
class Picture:
    """A picture file and the class it is said to show."""

    path: Path
    label: str

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file's content as 64 hexadecimal digits, computed once."""
        return hash_file(self.path)


@dataclass(frozen=True)
class Listing:
    """The names of pictures below ``root`` by class, both in a fixed order, and sentences on how they were found.

    ``loose`` are pictures of no class, which are among ``left_out`` too. Of what is imported, ``title`` and ``kind``
    say what it came as, and ``originals`` what files were called there that have other names in the folder.
    """

    root: Path
    files: dict[str, list[str]]
    left_out: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    title: str = ""
    kind: SourceKind = "folder"
    originals: dict[str, str] = field(default_factory=dict)

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
        """Return the notes, and one sentence for each reason why files are left out that may have been meant."""
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for each in self.left_out:
            name = PurePosixPath(each.original)
            # Nobody would take a text for a picture, or what has a dot before its name.
            is_text = each.reason == NO_PICTURE and name.suffix.lower() in _TEXTS
            if not is_text and not (each.reason == HIDDEN and name.name[0] == "."):
                by_reason[each.reason].append(each.original)
        return self.notes + [
            f"Left out: {shown(names[0])}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}. {reason}"
            for reason, names in by_reason.items()
        ]


def list_folder(
    root: Path, *, use_aliases: bool = False, limits: Limits | None = None, any_name: bool = False,
    is_asked: bool = True, is_verbatim: bool = False,
) -> Listing:  # fmt: skip
    """List the pictures below ``root`` by class.

    A ``metadata.csv`` or ``metadata.jsonl`` with a column of labels says the class of what it names. Elsewhere folders
    do: those that are called after an emotion and those beside them, else the one level of folders there is. Folders
    of splits (``train``, ``test``) are no classes. Names that differ only in case or form are one class; with
    ``use_aliases``, a name that means an emotion (`Anger`) is that emotion's. ``any_name`` takes files as well whose
    names are no text; without ``is_asked``, unclear classes are none; with ``is_verbatim``, the innermost folders are
    the classes whatever they are called, as in an imported set.
    Raises PictureError where the folder is missing or cannot be read, its classes can be read in two ways, or it holds
    more files than the limits allow.
    """
    if not root.is_dir():
        raise PictureError(f"There is no folder {root}: give one that holds a folder of pictures per class.")
    names, tables, left_out = _walk(root, limits or Limits(), any_name=any_name)
    listing, labelled = Listing(root, {}, left_out), dict[str, str]()
    if is_verbatim or _is_set(root):
        folders = {_folder(name) for name in names}
        by_folder: Mapping[Parts, str] = {folder: folder[-1] for folder in folders if folder}
        # Of what lies beside its classes nothing is said.
        left_out[:] = [each for each in left_out if "/" in each.original or each.reason not in (NO_PICTURE, HIDDEN)]
    else:
        for table in sorted(tables, key=len):
            labelled |= _by_table(listing, table, names)
        by_folder, folders = {}, {_folder(name) for name in names if name not in labelled}
        try:
            by_folder = read_classes(folders, listing.notes, title=shown(root.name))
        except PictureError:
            if is_asked:
                raise
    labelled |= {
        name: by_folder[_folder(name)] for name in names if name not in labelled and _folder(name) in by_folder
    }
    listing.loose.extend(name for name in names if name not in labelled)
    left_out += [Skipped(kept_text(name), LOOSE) for name in listing.loose]
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
    """Whether there is a picture in a folder of ``root``: a look that ends at the first one, for pages."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not is_system(name)]
        if Path(folder) != root and any(not reason_against(name) and Path(folder, name).is_file() for name in names):
            return True
    return False


def nothing_left(title: str, left_out: Sequence[Skipped], notes: Sequence[str] = ()) -> PictureError:
    """Return the error that says why no picture of a folder or a zip is left."""
    if table := next((note for note in notes if note.endswith(_UNREAD)), ""):
        return PictureError(f"No picture in {title} has a class: {table}")
    # What is no picture by its name explains nothing where pictures are there and cannot be used.
    if told := [each for each in left_out if each.reason not in (HIDDEN, NO_PICTURE, EMPTY)]:
        first = f"{shown(told[0].original)}: {told[0].reason}"
        return PictureError(f"No picture in {title} can be used; the first of {len(told):,} left out is {first}")
    lists = [each.original for each in left_out if PurePosixPath(each.original).suffix.lower() in (".csv", ".tsv")]
    where = "into one folder per class."
    if lists:
        first = f"{title} holds a list ({shown(lists[0])}) and no pictures"
        return PictureError(f"{first}: get the pictures that it names first, {where}")
    return PictureError(f"There are no pictures in class folders in {title}: put .jpg, .png or .webp files {where}")


def class_names(pictures: Iterable[Picture]) -> list[str]:
    """Return the classes of labelled pictures in the order they are shown."""
    return list(count_labels(pictures))


def count_labels(pictures: Iterable[Picture]) -> dict[str, int]:
    """Return how many pictures each class has, in the order they are shown."""
    counts = Counter(picture.label for picture in pictures)
    return {label: counts[label] for label in in_order(set(counts))}


def within(picture: str, folder: str) -> str:
    """Return a picture's name within its set, or within its class where it lies elsewhere."""
    path = PurePath(picture)
    # Pictures are listed where a link leads to.
    for root in (PurePath(folder), Path(folder).resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return PurePath(*path.parts[-2:]).as_posix()


def reason_against(name: str) -> str:
    """Return why a file is left out by its name; empty for one that may be a picture."""
    if is_system(name):
        return HIDDEN
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return ""
    if suffix in _ARCHIVES:
        return "It is an archive within: unpack it first."
    if suffix in _OTHER_PICTURES:
        return f"It is of a kind that is not read ({suffix}): save it as .jpg or .png."
    if suffix == PARQUET:
        return "It is a table of pictures: import it first, with `pictures import` or in the Pictures tab."
    return NO_PICTURE


def _folder(name: str) -> Parts:
    return tuple(name.split("/")[:-1])


def _walk(root: Path, limits: Limits, *, any_name: bool) -> tuple[list[str], list[str], list[Skipped]]:
    """Return the names of pictures, of tables beside them, and what is left out. Follows no link to a folder."""
    names, tables, left_out = list[str](), list[str](), list[Skipped]()
    count, waiting = 0, [""]
    while waiting:
        prefix, items, reason = waiting.pop(), list[os.DirEntry[str]](), EMPTY
        # By scandir, which knows what is a folder without asking for each of thousands of files.
        try:
            with os.scandir(root / prefix) as listed:
                items = list(listed)
        except OSError as error:
            reason = f"It cannot be read ({error.strerror})."
        if not items and (prefix or reason != EMPTY):
            left_out.append(Skipped(kept_text(prefix or root.name), reason))
        count += len(items)
        if count > limits.files:
            raise PictureError(f"{shown(root.name)} holds too many files: the limit is {limits.files:,}.")
        for item in items:
            name = f"{prefix}/{item.name}".lstrip("/")
            if item.name.lower() in TABLES and Path(item.path).is_file():
                tables.append(name)
            elif reason := _reason(item, name, limits, any_name=any_name):
                left_out.append(Skipped(kept_text(name), reason))
            else:
                (waiting if item.is_dir() else names).append(name)
    return sorted(names), tables, sorted(left_out, key=lambda each: each.original)


def _reason(item: os.DirEntry[str], name: str, limits: Limits, *, any_name: bool) -> str:
    """Return why a file or a folder is left out; empty where it is not."""
    try:
        if is_system(item.name):
            return HIDDEN
        if not any_name and kept_text(item.name) != item.name:
            return "Its name is no UTF-8: rename it."
        if item.is_dir():
            if item.is_symlink():
                return "It is a link to a folder: put the pictures themselves there."
            deep = name.count("/") + 1 > limits.depth
            return f"It lies more than {limits.depth} folders deep, the limit." if deep else ""
        if item.is_symlink() and not Path(item.path).exists():
            return "It is a link that leads nowhere."
        return reason_against(item.name) if item.is_file() else "It is no plain file."
    except OSError as error:
        return f"It cannot be read ({error.strerror})."


def _is_set(root: Path) -> bool:
    """Whether this is the folder of an imported set; a drawn one has a list of another kind under the old name."""
    for name in (SET_FILE, OLD_SET_FILE):
        with contextlib.suppress(OSError), (root / name).open("rb") as file:
            return file.read(200).lstrip(b"\xef\xbb\xbf \n").startswith((b'{"schema"', b'{\n "schema"', b'{ "schema"'))
    return False


def _by_table(listing: Listing, table: str, names: list[str]) -> dict[str, str]:
    """Return the classes that a table gives to pictures in its folder; what it and the folder do not share is told.

    A file that it gives several classes is taken out of ``names``.
    """
    prefix = f"{table.rpartition('/')[0]}/".lstrip("/")
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
    return {name: labels[0] for name, labels in found.items() if labels and name in there and name not in several}
