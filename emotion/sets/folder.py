"""A folder as a list of files that are safe to read. Follows no link, and opens nothing that is no plain file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from emotion.errors import PictureError
from emotion.sets.entries import Entry, reason_against, reason_of_folder, reason_of_size
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped, SourceKind
from emotion.sets.naming import kept_text, shown

# Where a plain file has been swapped for a link or a pipe since it was listed: do not follow, do not wait.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FolderSource:
    """A folder whose files have been listed, within ``limits``.

    Raises:
        PictureError: it cannot be read, or holds more files than the limits allow.
    """

    kind: SourceKind = "folder"
    notes: Sequence[str] = ()

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self.title = shown(path.name)
        self._limits = limits
        self._entries: list[Entry] = []
        self._skipped: list[Skipped] = []
        self._list()
        self.entries: Sequence[Entry] = sorted(self._entries, key=lambda entry: entry.name)
        self.skipped: Sequence[Skipped] = self._skipped

    def read(self, entry: Entry) -> bytes:
        """Return the content of one file, which is still a plain one.

        Raises:
            PictureError: it is gone, is none any more, or has another size.
        """
        try:
            with open(entry.handle, "rb", opener=lambda path, _: os.open(path, _FLAGS)) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise PictureError("It is no plain file.")
                content = file.read(entry.size + 1)
        except OSError as error:
            raise PictureError(f"It cannot be read ({error.strerror}).") from error
        if len(content) != entry.size:
            raise PictureError("It changed while it was read.")
        return content

    def close(self) -> None:
        """Nothing is open."""

    def _list(self) -> None:
        count = 0
        waiting = [(str(self._path), "")]
        while waiting:
            folder, prefix = waiting.pop()
            try:
                with os.scandir(folder) as listed:
                    for item in listed:
                        count += 1
                        if count > self._limits.files:
                            raise PictureError(
                                f"{self.title} holds too many files: the limit is {self._limits.files:,}."
                            )
                        if not self._take(item, prefix + item.name):
                            waiting.append((item.path, f"{prefix}{item.name}/"))
            except OSError as error:
                if not prefix:
                    raise PictureError(f"The folder {self._path} cannot be read ({error.strerror}).") from error
                self._skip(prefix.rstrip("/"), f"It cannot be read ({error.strerror}).")

    def _take(self, item: os.DirEntry[str], name: str) -> bool:
        """Sort one item in; False for a folder that is to be looked into."""
        parts = name.split("/")
        if item.is_symlink():
            self._skip(name, "It is a link to another file.")
        elif item.is_dir(follow_symlinks=False):
            if not (reason := reason_of_folder(parts, limits=self._limits)):
                return False
            self._skip(name, reason)
        elif not item.is_file(follow_symlinks=False):
            self._skip(name, "It is no plain file.")
        elif reason := reason_against(parts):
            self._skip(name, reason)
        else:
            size = item.stat(follow_symlinks=False).st_size
            if reason := reason_of_size(size, depth=len(parts) - 1, limits=self._limits):
                self._skip(name, reason)
            else:
                self._entries.append(Entry(kept_text(name), size, item.path))
        return True

    def _skip(self, name: str, reason: str) -> None:
        self._skipped.append(Skipped(kept_text(name), reason))
