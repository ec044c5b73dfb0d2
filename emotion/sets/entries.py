"""What a source of pictures offers: its files by name and size, and the content of one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol

from emotion.pictures.folders import PICTURE_SUFFIXES
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped, SourceKind
from emotion.words import megabytes

SUFFIXES = PICTURE_SUFFIXES | {".jfif", ".jpe"}
_ARCHIVES = {".zip", ".cbz", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz"}
_OTHER_PICTURES = {".jxl", ".jp2", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw"}
HIDDEN = "It is hidden, or belongs to a system."
NO_PICTURE = "It is not a picture by its name."
_SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that may be a picture: its relative name with ``/`` between folders, its size in bytes, and a handle."""

    name: str
    size: int
    handle: Any

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders it lies in, and its own name."""
        return tuple(self.name.split("/"))


class Source(Protocol):
    """A zip or a folder, of which every file that may be a picture is known by name, and no content is held.

    ``title`` is how sentences about it call it; ``notes`` are sentences on what of it is read.
    """

    kind: SourceKind
    title: str
    notes: Sequence[str]
    entries: Sequence[Entry]
    skipped: Sequence[Skipped]

    def read(self, entry: Entry) -> bytes:
        """Return the content of one file.

        Raises:
            PictureError: it cannot be had; the text, which begins with "It", says why.
        """

    def close(self) -> None:
        """Let go of what is open."""


def reason_against(parts: Sequence[str]) -> str:
    """Return why a file is left alone by its name; empty for one that may be a picture."""
    if _is_hidden(parts) or parts[-1].lower() in _SYSTEM:
        return HIDDEN
    suffix = PurePosixPath(parts[-1]).suffix.lower()
    if suffix in SUFFIXES:
        return ""
    if suffix in _ARCHIVES:
        return "It is an archive within: unpack it first."
    if suffix in _OTHER_PICTURES:
        return f"It is of a kind that is not read ({suffix}): save it as .jpg or .png."
    return NO_PICTURE


def reason_of_folder(parts: Sequence[str], *, limits: Limits) -> str:
    """Return why a folder is not looked into; empty where it is."""
    if _is_hidden(parts):
        return HIDDEN
    return reason_of_size(0, depth=len(parts), limits=limits)


def reason_of_size(size: int, *, depth: int, limits: Limits) -> str:
    """Return why a picture file of so many bytes, so many folders deep, is left alone; empty where it is not."""
    if depth > limits.depth:
        return f"It lies more than {limits.depth} folders deep, the limit."
    if size > limits.picture_bytes:
        return f"It has more than {megabytes(limits.picture_bytes)}, the limit of one picture."
    return ""


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "__")) for part in parts)
