"""Single files that a person put into a class, as a source of pictures. Opens nothing that is no plain file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from emotion.errors import PictureError
from emotion.sets.entries import Entry, reason_against, reason_of_size
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped, SourceKind
from emotion.sets.naming import class_label, kept_text


class FileSource:
    """Files as (path, the name it had where it came from), all of one class.

    Raises:
        PictureError: the class has a name that cannot be kept.
    """

    kind: SourceKind = "files"
    notes: Sequence[str] = ()

    def __init__(self, files: Sequence[tuple[Path, str]], *, label: str, limits: Limits) -> None:
        self.title = "What you gave" if len(files) != 1 else "The file you gave"
        folder = class_label(label)
        entries: list[Entry] = []
        skipped: list[Skipped] = []
        for path, original in files:
            name = kept_text(PurePosixPath(original.replace("\\", "/")).name)
            size = path.stat().st_size
            if reason := reason_against([name]) or reason_of_size(size, depth=1, limits=limits):
                skipped.append(Skipped(name, reason))
            else:
                entries.append(Entry(f"{folder}/{name}", size, path))
        self.entries: Sequence[Entry] = entries
        self.skipped: Sequence[Skipped] = skipped

    def read(self, entry: Entry) -> bytes:
        """Return the content of one file.

        Raises:
            PictureError: it cannot be read.
        """
        path: Path = entry.handle
        try:
            return path.read_bytes()
        except OSError as error:
            raise PictureError(f"It cannot be read ({error.strerror}).") from error

    def close(self) -> None:
        """Nothing is open."""
