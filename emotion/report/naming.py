"""What sets and pictures are called in a report, which names no place on anybody's disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from emotion.data.drawn import is_drawn

# The folders of a path that begins at a root.
_PLACE = re.compile(r"(?<![\w./:])/(?:[^/\s'\"]+/)+")


def place_of(folder: str) -> str:
    """Return what stands for a folder in a command: where it lies in the project, or its name below `path/to`."""
    name = PurePath(folder).name
    return f"assets/faces/{name}" if is_drawn(folder) and name else f"path/to/{name or 'pictures'}"


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
