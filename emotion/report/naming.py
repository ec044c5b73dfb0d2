"""What sets and pictures are called in a report, which names no place on anybody's disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from emotion.labels import SPECIES_COLOURS, colour_of
from emotion.pictures.drawn import is_drawn

# The folders of a path that begins at a root.
_PLACE = re.compile(r"(?<![\w.])/(?:[^/\s'\"]+/)+")


def place_of(folder: str) -> str:
    """Return what stands for a folder in a command: where it lies in the project, or its name below `path/to`."""
    name = PurePath(folder).name
    return f"assets/faces/{name}" if is_drawn(folder) and name else f"path/to/{name or 'pictures'}"


def within(picture: str, folder: str) -> str:
    """Return a picture's name within its set, or within its class where it lies elsewhere."""
    path = PurePath(picture)
    # Pictures are listed where a link leads to.
    for root in (PurePath(folder), Path(folder).resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return PurePath(*path.parts[-2:]).as_posix()


def without_places(text: str, folders: Iterable[str]) -> str:
    """Return a text in which files are called as they are within their folders, or by their names alone."""
    roots = {root for folder in folders for root in (folder, str(Path(folder).resolve()))}
    for root in sorted(roots, key=len, reverse=True):
        if len(PurePath(root).parts) > 1:
            text = text.replace(f"{root}/", "").replace(root, PurePath(root).name)
    return _PLACE.sub("", text)


def plain_name(backbone: str) -> str:
    """Return what a backbone is called: the name of the folder, where it is one."""
    return PurePath(backbone).name if PurePath(backbone).is_absolute() else backbone


def colour_of_set(name: str) -> str:
    """Return the colour of the species that a set's name begins with, as on the page; grey for one we do not know."""
    first = name.lower().replace("-", "_").replace(" ", "_").split("_")[0]
    return SPECIES_COLOURS.get(first) or SPECIES_COLOURS.get(first.removesuffix("s")) or colour_of(name)
