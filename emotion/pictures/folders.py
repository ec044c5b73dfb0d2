"""Read labelled pictures from a folder that holds one folder per class. Opens no picture."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from emotion.errors import PictureError
from emotion.labels import emotion_meant, in_order
from emotion.writing import hash_file

# What people have of the formats that are read; others in the folder are left alone.
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)


@dataclass(frozen=True)
class Picture:
    """A picture file and the class it is said to show."""

    path: Path
    label: str

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file's content as 64 hexadecimal digits, computed once."""
        return hash_file(self.path)


def list_pictures(root: Path, *, use_aliases: bool = False) -> dict[str, list[Path]]:
    """Return the picture files under each class folder of ``root``, by class, both in a fixed order.

    With ``use_aliases``, a folder whose name means an emotion (`Anger`) is that emotion's, and folders that come to
    the same emotion are one class. A look at names only, quick enough for a page.

    Raises:
        PictureError: the folder is missing, or holds no class folder with pictures.
    """
    if not root.is_dir():
        raise PictureError(f"There is no folder {root}: give one that holds a folder of pictures per class.")
    found: dict[str, list[Path]] = {}
    for path in sorted(_pictures_in(root)):
        found.setdefault(_class_of(path.parent.name, use_aliases=use_aliases), []).append(path)
    if not found:
        raise PictureError(
            f"No pictures in the class folders of {root}: add .jpg, .png or .webp files to one folder per class."
        )
    return {label: found[label] for label in in_order(set(found))}


def holds_pictures(root: Path) -> bool:
    """Whether ``list_pictures`` would find any: a look that ends at the first one, for pages that offer many sets."""
    return root.is_dir() and next(_pictures_in(root), None) is not None


def find_pictures(root: Path, *, use_aliases: bool = False) -> list[Picture]:
    """Return every labelled picture under ``root`` in the order of their paths, by a look at names only.

    ``use_aliases`` is that of ``list_pictures``. The ``imagefolder`` reader of datasets finds the same and takes half
    a second for 600 pictures, a quarter of a training whose activations are known.

    Raises:
        PictureError: as ``list_pictures``.
    """
    listed = list_pictures(root.resolve(), use_aliases=use_aliases)
    pictures = [Picture(path, label) for label, paths in listed.items() for path in paths]
    return sorted(pictures, key=lambda picture: str(picture.path))


def class_names(pictures: list[Picture]) -> list[str]:
    """Return the classes of labelled pictures in the order they are shown."""
    return in_order({picture.label for picture in pictures})


def count_labels(pictures: list[Picture]) -> dict[str, int]:
    """Return how many pictures each class has, in the order they are shown."""
    counts = Counter(picture.label for picture in pictures)
    return {label: counts[label] for label in in_order(set(counts))}


def _pictures_in(root: Path, *, is_class: bool = False) -> Iterator[Path]:
    """Yield the pictures within the folders of ``root``, and with ``is_class`` those that lie in itself."""
    # By scandir, which knows what is a folder without asking for each of thousands of files.
    with contextlib.suppress(PermissionError), os.scandir(root) as listed:
        for item in listed:
            if item.name.startswith((".", "__")):
                continue
            if item.is_dir(follow_symlinks=False):
                yield from _pictures_in(root / item.name, is_class=True)
            elif is_class and Path(item.name).suffix.lower() in PICTURE_SUFFIXES and item.is_file():
                yield root / item.name


def _class_of(folder: str, *, use_aliases: bool) -> str:
    return emotion_meant(folder) if use_aliases else folder


def within(picture: str, folder: str) -> str:
    """Return a picture's name within its set, or within its class where it lies elsewhere."""
    path = PurePath(picture)
    # Pictures are listed where a link leads to.
    for root in (PurePath(folder), Path(folder).resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return PurePath(*path.parts[-2:]).as_posix()
