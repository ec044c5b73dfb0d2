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

from emotion.data.classes import Parts, one_spelling, read_classes
from emotion.data.limits import Limits
from emotion.data.names import is_system, is_text, kept_text, shown
from emotion.data.tables import TABLES, read_table
from emotion.errors import PictureError
from emotion.labels import in_order
from emotion.writing import hash_file

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
_MOST_ABSENT = 100
EMPTY = "It is an empty folder."
UNREAD = ", so the folders are read."
LOOSE = "It lies in no class folder."


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

    ``loose`` are pictures of no class, which are among ``left_out`` too.
    """

    root: Path
    files: dict[str, list[str]]
    left_out: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)

    def paths(self) -> dict[str, list[Path]]:
        """Return the files by class.

        Raises:
            PictureError: there are none.
        """
        if not self.files:
            raise nothing_left(str(self.root), self.left_out, self.notes)
        return {label: [self.root / name for name in names] for label, names in self.files.items()}

    def pictures(self) -> list[Picture]:
        """Return the pictures in the order of their paths.

        Raises:
            PictureError: there are none.
        """
        found = [Picture(path, label) for label, paths in self.paths().items() for path in paths]
        return sorted(found, key=lambda picture: str(picture.path))

    def account(self) -> list[str]:
        """Return the notes, and one sentence for each reason why files are left out that may have been meant."""
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for each in self.left_out:
            if not _goes_without_saying(each):
                by_reason[each.reason].append(each.original)
        return self.notes + [
            f"Left out: {shown(names[0])}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}. {reason}"
            for reason, names in by_reason.items()
        ]


def list_folder(
    root: Path,
    *,
    use_aliases: bool = False,
    limits: Limits | None = None,
    any_name: bool = False,
    is_asked: bool = True,
    is_verbatim: bool = False,
) -> Listing:
    """List the pictures below ``root`` by class.

    A ``metadata.csv`` or ``metadata.jsonl`` with a column of labels says the class of what it names. Elsewhere folders
    do: those that are called after an emotion and those beside them, else the one level of folders there is. Folders
    of splits (``train``, ``test``) are no classes. Names that differ only in case or form are one class; with
    ``use_aliases``, a name that means an emotion (`Anger`) is that emotion's. ``any_name`` takes files as well whose
    names are no text, which cannot be written down; without ``is_asked``, unclear classes are none;
    with ``is_verbatim``, the innermost folders are the classes whatever they are called, as in an imported set.

    Raises:
        PictureError: the folder is missing or cannot be read, its classes can be read in two ways, or it holds more
            files than the limits allow.
    """
    if not root.is_dir():
        raise PictureError(f"There is no folder {root}: give one that holds a folder of pictures per class.")
    names, tables, left_out = _walk(root, limits or Limits(), any_name=any_name)
    names.sort()
    listing = Listing(root, {}, left_out)
    labelled: dict[str, str] = {}
    folders = {tuple(name.split("/")[:-1]) for name in names}
    if is_verbatim or _is_set(root):
        by_folder: Mapping[Parts, str] = {folder: folder[-1] for folder in folders if folder}
        # Of what lies beside its classes nothing is said.
        left_out[:] = [each for each in left_out if "/" in each.original or each.reason not in (NO_PICTURE, HIDDEN)]
    else:
        for table in sorted(tables, key=len):
            labelled |= _by_table(listing, table, names)
        folders = {tuple(name.split("/")[:-1]) for name in names if name not in labelled}
        by_folder = {}
        try:
            by_folder = read_classes(folders, listing.notes, title=shown(root.name))
        except PictureError:
            if is_asked:
                raise
    for name in names:
        label = labelled.get(name) or by_folder.get(tuple(name.split("/")[:-1]))
        if label:
            labelled[name] = label
        else:
            listing.loose.append(name)
            left_out.append(Skipped(kept_text(name), LOOSE))
    called = one_spelling(Counter(labelled.values()), listing.notes, use_aliases=use_aliases)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(labelled):
        found[called[labelled[name]]].append(name)
    listing.files.update({label: found[label] for label in in_order(set(found))})
    return listing


def find_pictures(root: Path, *, use_aliases: bool = False) -> list[Picture]:
    """Return every labelled picture below ``root`` in the order of their paths.

    Raises:
        PictureError: as ``list_folder``, or there is no picture of a class.
    """
    return list_folder(root.resolve(), use_aliases=use_aliases).pictures()


def holds_pictures(root: Path) -> bool:
    """Whether there is a picture in a folder of ``root``: a look that ends at the first one, for pages."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        for item in _scanned(folder, []):
            if not is_system(item.name):
                if item.is_dir(follow_symlinks=False):
                    waiting.append(folder / item.name)
                elif folder != root and not reason_against(item.name) and Path(item.path).is_file():
                    return True
    return False


def nothing_left(title: str, left_out: Sequence[Skipped], notes: Sequence[str] = ()) -> PictureError:
    """Return the error that says why no picture of a folder or a zip is left."""
    # What is no picture by its name explains nothing where pictures are there and cannot be used.
    told = [each for each in left_out if each.reason not in (HIDDEN, NO_PICTURE, EMPTY)]
    if table := next((note for note in notes if note.endswith(UNREAD)), ""):
        return PictureError(f"No picture in {title} has a class: {table}")
    if told:
        first = told[0]
        return PictureError(
            f"No picture in {title} can be used; the first of {len(told):,} left out is "
            f"{shown(first.original)}: {first.reason}"
        )
    lists = [each.original for each in left_out if PurePosixPath(each.original).suffix.lower() in (".csv", ".tsv")]
    if lists:
        return PictureError(
            f"{title} holds a list ({shown(lists[0])}) and no pictures: get the pictures that it names first, into one "
            "folder per class."
        )
    return PictureError(
        f"There are no pictures in class folders in {title}: put .jpg, .png or .webp files into one folder per class."
    )


def class_names(pictures: Iterable[Picture]) -> list[str]:
    """Return the classes of labelled pictures in the order they are shown."""
    return in_order({picture.label for picture in pictures})


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


def _goes_without_saying(each: Skipped) -> bool:
    """Whether nobody would take this file for a picture: a text or a table, or one with a dot before its name."""
    name = PurePosixPath(each.original)
    return name.suffix.lower() in _TEXTS if each.reason == NO_PICTURE else each.reason == HIDDEN and name.name[0] == "."


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a path is hidden, or lies in a folder that belongs to a system."""
    return any(is_system(part) for part in parts)


def _walk(root: Path, limits: Limits, *, any_name: bool) -> tuple[list[str], list[str], list[Skipped]]:
    """Return the names of pictures, of tables beside them, and what is left out. Follows no link to a folder."""
    names: list[str] = []
    tables: list[str] = []
    left_out: list[Skipped] = []
    count, waiting = 0, [""]
    while waiting:
        prefix = waiting.pop()
        items = _scanned(root / prefix, left_out, name=prefix)
        if not items and prefix and not (left_out and left_out[-1].original == prefix):
            left_out.append(Skipped(kept_text(prefix), EMPTY))
        count += len(items)
        if count > limits.files:
            raise PictureError(f"{shown(root.name)} holds too many files: the limit is {limits.files:,}.")
        for item in items:
            name = f"{prefix}/{item.name}".lstrip("/")
            if item.name.lower() in TABLES and Path(item.path).is_file():
                tables.append(name)
            elif reason := _reason(item, name, limits, any_name=any_name):
                left_out.append(Skipped(kept_text(name), reason))
            elif item.is_dir():
                waiting.append(name)
            else:
                names.append(name)
    return names, tables, sorted(left_out, key=lambda each: each.original)


def _scanned(folder: Path, left_out: list[Skipped], *, name: str = "") -> list[os.DirEntry[str]]:
    try:
        # By scandir, which knows what is a folder without asking for each of thousands of files.
        with os.scandir(folder) as listed:
            return list(listed)
    except OSError as error:
        left_out.append(Skipped(kept_text(name or folder.name), f"It cannot be read ({error.strerror})."))
        return []


def _reason(item: os.DirEntry[str], name: str, limits: Limits, *, any_name: bool) -> str:
    try:
        return _reason_to_leave(item, name, limits, any_name=any_name)
    except OSError as error:
        return f"It cannot be read ({error.strerror})."


def _reason_to_leave(item: os.DirEntry[str], name: str, limits: Limits, *, any_name: bool) -> str:
    if is_system(item.name):
        return HIDDEN
    if not any_name and not is_text(item.name):
        return "Its name is no UTF-8: rename it."
    if item.is_dir():
        if item.is_symlink():
            return "It is a link to a folder: put the pictures themselves there."
        deep = name.count("/") + 1 > limits.depth
        return f"It lies more than {limits.depth} folders deep, the limit." if deep else ""
    if item.is_symlink() and not Path(item.path).exists():
        return "It is a link that leads nowhere."
    return reason_against(item.name) if item.is_file() else "It is no plain file."


def _is_set(root: Path) -> bool:
    """Whether this is the folder of an imported set; a drawn one has a list of another kind under the old name."""
    for name in (SET_FILE, OLD_SET_FILE):
        with contextlib.suppress(OSError), (root / name).open("rb") as file:
            return file.read(200).lstrip(b"\xef\xbb\xbf \n").startswith((b'{"schema"', b'{\n "schema"', b'{ "schema"'))
    return False


def _by_table(listing: Listing, table: str, names: Sequence[str]) -> dict[str, str]:
    """Return the classes that a table gives to pictures in its folder; what it and the folder do not share is told."""
    before = table.rpartition("/")[0]
    rows, why = read_table(listing.root / table)
    if why:
        listing.notes.append(f"{shown(table)} {why}{UNREAD}")
        return {}
    prefix = f"{before}/" if before else ""
    there = set(names[bisect_left(names, prefix) : bisect_left(names, f"{prefix}\U0010ffff")])
    found = {prefix + file: label for file, label in rows.items()}
    absent = sorted(found.keys() - there)
    listing.left_out.extend(
        Skipped(kept_text(name), f"It is named in {shown(table)} and is not there.") for name in absent[:_MOST_ABSENT]
    )
    if len(absent) > _MOST_ABSENT:
        listing.notes.append(f"{len(absent):,} files that {shown(table)} names are not there.")
    listing.notes.append(f"The classes of {len(found.keys() & there):,} pictures are read from {shown(table)}.")
    return {name: label for name, label in found.items() if name in there and label}
