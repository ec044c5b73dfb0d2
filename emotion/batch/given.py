"""What a person gives to be judged: pictures, zips and folders, as one list of items. Opens no picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from emotion.errors import PictureError
from emotion.sets.entries import HIDDEN, Entry, Source
from emotion.sets.files import FileSource
from emotion.sets.importing import open_path
from emotion.sets.layout import lay_out
from emotion.sets.limits import Limits
from emotion.sets.naming import alike, kept_text, shown
from emotion.words import listed, megabytes

# Any name will do: the class of single files is not known, and their source wants one.
_NO_CLASS = "files"


@dataclass(frozen=True)
class Item:
    """A file by the name a person knows it by; ``label`` is its class, empty where nobody said it.

    Either ``source`` has its content, or ``reason`` says why it is not read.
    """

    name: str
    label: str = ""
    source: Source | None = None
    entry: Entry | None = None
    reason: str = ""

    def read(self) -> bytes:
        """Return its content.

        Raises:
            PictureError: it cannot be had; the text begins with "It".
        """
        if self.source is None or self.entry is None:
            raise PictureError(self.reason)
        return self.source.read(self.entry)


@dataclass(frozen=True)
class Given:
    """Everything that was given, in its order, and sentences on how it was read."""

    items: Sequence[Item]
    notes: Sequence[str]


@contextmanager
def opened(files: Sequence[tuple[Path, str]], *, classes: Sequence[str], limits: Limits) -> Iterator[Given]:
    """Open files as (path, the name it had where it came from): pictures, zips, folders.

    A zip or a folder whose pictures all lie in class folders says the class of each, if all are ``classes`` of the
    run; names that differ only in case are alike. What is hidden in it is passed over.

    Raises:
        PictureError: a zip or a folder cannot be read safely, nothing is there, or there is more than the limits allow.
    """
    with ExitStack() as stack:
        items: list[Item] = []
        notes: list[str] = []
        for path, name in files:
            if path.is_dir() or _is_zip(name):
                source = open_path(path, limits)
                stack.callback(source.close)
                # Two zips may hold files of one name.
                before = f"{shown(PurePosixPath(name).name)}/" if len(files) > 1 else ""
                within, said = _within(source, classes=classes)
                items += [replace(each, name=before + each.name) for each in within]
                notes += [f"{shown(PurePosixPath(name).name)}: {each}" for each in said]
            else:
                items.append(_single(path, name, limits=limits))
        _refuse_beyond(items, limits)
        yield Given(items, notes)


def _is_zip(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() == ".zip"


def _single(path: Path, name: str, *, limits: Limits) -> Item:
    shown_name = kept_text(PurePosixPath(name.replace("\\", "/")).name)
    if not path.is_file():
        return Item(shown_name, reason="It is not there: check its path.")
    source = FileSource([(path, name)], label=_NO_CLASS, limits=limits)
    if source.skipped:
        return Item(shown_name, reason=source.skipped[0].reason)
    return Item(shown_name, source=source, entry=source.entries[0])


def _within(source: Source, *, classes: Sequence[str]) -> tuple[list[Item], list[str]]:
    """Return the items of a zip or a folder, by name, and sentences on its folders."""
    labels, note = _labels(source.entries, classes=classes)
    items = [Item(each.name, labels.get(each.name, ""), source, each) for each in source.entries]
    left_out = [Item(each.original, reason=each.reason) for each in source.skipped if each.reason != HIDDEN]
    return sorted([*items, *left_out], key=lambda item: item.name), [note] if note else []


def _labels(entries: Sequence[Entry], *, classes: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the class of each entry where all are the run's, and a sentence where only some folders are."""
    try:
        laid = lay_out(entries, use_aliases=False)
    except PictureError:
        return {}, ""
    known = {alike(each): each for each in classes}
    folders = sorted({label for _, label in laid.labelled})
    foreign = [label for label in folders if alike(label) not in known]
    if not laid.labelled or len(foreign) == len(folders):
        return {}, ""
    if foreign or laid.skipped:
        lacking = listed([repr(shown(each)) for each in foreign[:5]]) if foreign else "pictures outside its folders"
        verb = "are" if len(foreign) != 1 else "is"
        why = f"{lacking} {verb} no class of this run" if foreign else f"it holds {lacking}"
        return {}, f"{why}, so its folders are not taken for classes and no accuracy is counted."
    return {entry.name: known[alike(label)] for entry, label in laid.labelled}, ""


def _refuse_beyond(items: Sequence[Item], limits: Limits) -> None:
    if not items:
        raise PictureError("There is no picture in what you gave: give .jpg, .png or .webp files, or a zip of them.")
    if len(items) > limits.pictures:
        raise PictureError(f"That is {len(items):,} files: the limit is {limits.pictures:,} at a time.")
    size = sum(each.entry.size for each in items if each.entry)
    if size > limits.bytes:
        raise PictureError(f"The pictures have {megabytes(size)}: the limit is {megabytes(limits.bytes)} at a time.")
