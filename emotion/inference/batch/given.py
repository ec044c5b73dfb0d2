"""What a person gives to be judged: pictures, zips and folders, as one list of items. Opens no picture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.format import listed, megabytes
from emotion.core.progress import result_of
from emotion.data.archive import unpack
from emotion.data.folders import HIDDEN, LOOSE, Listing, Skipped, list_folder, reason_against
from emotion.data.kept import read_file
from emotion.data.limits import Limits
from emotion.data.names import alike, kept_text, shown


@dataclass(frozen=True)
class Item:
    """A file by the name a person knows it by; ``label`` is its class, empty where nobody said it.

    Either its content lies at ``path``, or ``reason`` says why it is not read.
    """

    name: str
    label: str = ""
    path: Path | None = None
    reason: str = ""

    def read(self, limits: Limits) -> bytes:
        """Return its content.

        Raises:
            PictureError: it cannot be had; the text begins with "It".
        """
        if self.path is None:
            raise PictureError(self.reason)
        return read_file(self.path, limits)


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
    with tempfile.TemporaryDirectory(prefix="emotion-batch-") as work:
        items: list[Item] = []
        notes: list[str] = []
        for number, (path, name) in enumerate(files):
            title = shown(PurePosixPath(name).name)
            skipped: list[Skipped] = []
            folder = path
            if PurePosixPath(name).suffix.lower() == ".zip" and not path.is_dir():
                folder = Path(work, str(number))
                skipped = result_of(unpack(path, folder, limits))
            if folder.is_dir():
                # Two zips may hold files of one name.
                before = f"{title}/" if len(files) > 1 else ""
                within, note = _within(folder, skipped, classes=classes, limits=limits, before=before)
                items += within
                notes += [f"{title}: {note}"] if note else []
            else:
                items.append(_single(path, name))
        _refuse_beyond(items, limits)
        yield Given(items, notes)


def _single(path: Path, name: str) -> Item:
    shown_name = kept_text(PurePosixPath(name.replace("\\", "/")).name)
    if not path.is_file():
        return Item(shown_name, reason="It is not there: check its path.")
    if reason := reason_against(shown_name):
        return Item(shown_name, reason=reason)
    return Item(shown_name, path=path)


def _within(
    folder: Path, skipped: Sequence[Skipped], *, classes: Sequence[str], limits: Limits, before: str
) -> tuple[list[Item], str]:
    """Return the items of a folder by name, and a sentence where only some folders are classes of the run."""
    listing = list_folder(folder, limits=limits, any_name=True, is_asked=False)
    labels, note = _labels(listing, classes=classes)
    names = [*(name for names in listing.files.values() for name in names), *listing.loose]
    items = [Item(before + kept_text(name), labels.get(name, ""), folder / name) for name in names]
    items += [
        Item(before + each.original, reason=each.reason)
        for each in [*skipped, *listing.left_out]
        if each.reason not in (HIDDEN, LOOSE)
    ]
    return sorted(items, key=lambda item: item.name), note


def _labels(listing: Listing, *, classes: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the class of each file where all are the run's, and a sentence where only some folders are."""
    known = {alike(each): each for each in classes}
    foreign = [label for label in listing.files if alike(label) not in known]
    if len(foreign) == len(listing.files):
        return {}, ""
    if foreign or listing.loose:
        lacking = listed([repr(shown(each)) for each in foreign[:5]]) if foreign else "pictures outside its folders"
        verb = "are" if len(foreign) != 1 else "is"
        why = f"{lacking} {verb} no class of this run" if foreign else f"it holds {lacking}"
        return {}, f"{why}, so its folders are not taken for classes and no accuracy is counted."
    return {name: known[alike(label)] for label, names in listing.files.items() for name in names}, ""


def _refuse_beyond(items: Sequence[Item], limits: Limits) -> None:
    if not items:
        raise PictureError("There is no picture in what you gave: give .jpg, .png or .webp files, or a zip of them.")
    if len(items) > limits.pictures:
        raise PictureError(f"That is {len(items):,} files: the limit is {limits.pictures:,} at a time.")
    size = sum(each.path.stat().st_size for each in items if each.path and each.path.is_file())
    if size > limits.bytes:
        raise PictureError(f"The pictures have {megabytes(size)}: the limit is {megabytes(limits.bytes)} at a time.")
