"""A zip as a list of entries that are safe to read. Unpacks nothing to the disk, and opens no zip within the zip.

No entry's name is ever used as a path. Those that would lead elsewhere speak of an attack, so they refuse the zip.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from emotion.errors import PictureError
from emotion.sets.entries import Entry, reason_against, reason_of_size
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped, SourceKind
from emotion.sets.naming import is_drive, kept_text, shown

# What a zip's listing may take for each file that may be in it: 46 bytes, its path, and what packers add.
_LISTED_BYTES = 400
_LOCAL_HEADER_BYTES = 30
_LOCKED, _UTF8 = 0x1 | 0x40, 0x800
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, OverflowError,
    LookupError, RuntimeError, MemoryError,
)  # fmt: skip


class ZipSource:
    """A zip file whose listing has been checked against ``limits``.

    Raises:
        PictureError: it is no zip, or is damaged; an entry leads out of it, or lies over another one; it holds more
            than the limits allow.
    """

    kind: SourceKind = "zip"
    notes: Sequence[str] = ()

    def __init__(self, path: Path, limits: Limits) -> None:
        self.title = shown(path.name)
        try:
            self._file = _Bounded(str(path), most=limits.files * _LISTED_BYTES)
        except OSError as error:
            raise PictureError(f"{path} cannot be read ({error.strerror}): see to its permissions.") from error
        self.entries: Sequence[Entry] = ()
        self.skipped: Sequence[Skipped] = ()
        try:
            self._zip = self._opened(limits)
            self._check(self._zip.infolist(), limits)
            self.entries, self.skipped = self._sorted(self._zip.infolist(), limits)
        except BaseException:
            self._file.close()
            raise
        # What is left out needs no memory any more.
        self._zip.filelist.clear()
        self._zip.NameToInfo.clear()

    def read(self, entry: Entry) -> bytes:
        """Return the content of one entry, whose checksum has been compared.

        Raises:
            PictureError: it is damaged.
        """
        try:
            with self._zip.open(entry.handle) as file:
                # Never more than the listing says, which has been checked.
                content = file.read(entry.size)
                file.read(1)  # The checksum is compared at the end.
        except _BROKEN as error:
            raise PictureError("It is damaged in the zip.") from error
        if len(content) != entry.size:
            raise PictureError("It is damaged in the zip.")
        return content

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    def _opened(self, limits: Limits) -> zipfile.ZipFile:
        try:
            opened = zipfile.ZipFile(self._file)
        except _TooLongListing as error:
            raise _too_many(self.title, limits) from error
        except _BROKEN as error:
            raise PictureError(
                f"{self.title} is not a zip file that can be read, or was cut short: zip the folder again."
            ) from error
        self._file.most = None
        return opened

    def _check(self, listed: list[zipfile.ZipInfo], limits: Limits) -> None:
        if len(listed) > limits.files:
            raise _too_many(self.title, limits)
        for info in listed:
            name = _name(info)
            if name.startswith("/") or is_drive(name) or ".." in name.split("/"):
                raise PictureError(
                    f"{self.title} holds {shown(name)!r}, which leads out of its folder: it is not safe to import."
                )
        end = 0
        for info in sorted(listed, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise PictureError(f"{self.title} holds entries that lie over one another: it is not safe to import.")
            end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size

    def _sorted(self, listed: Iterable[zipfile.ZipInfo], limits: Limits) -> tuple[list[Entry], list[Skipped]]:
        entries: list[Entry] = []
        skipped: list[Skipped] = []
        names: set[str] = set()
        for info in sorted(listed, key=_name):
            if _name(info).endswith("/"):
                continue
            parts = [part for part in _name(info).split("/") if part not in ("", ".")]
            name = "/".join(parts)
            reason = _reason_against(info, parts) or ("It is in the zip twice." if name in names else "")
            names.add(name)
            if not reason and info.file_size > max(limits.ratio_from_bytes, limits.ratio * info.compress_size):
                raise PictureError(
                    f"{self.title} holds {shown(name)!r}, which unpacks to more than {limits.ratio:g} times its size, "
                    "the limit: leave it out of the zip."
                )
            if reason := reason or reason_of_size(info.file_size, depth=len(parts) - 1, limits=limits):
                skipped.append(Skipped(kept_text(name), reason))
            else:
                entries.append(Entry(kept_text(name), info.file_size, info))
        return entries, skipped


class _TooLongListing(Exception):
    """A zip's listing would take more memory than all the files that may be in it."""


class _Bounded(io.FileIO):
    """A file that reads no more than ``most`` bytes at once, since a zip says itself how long its listing is."""

    def __init__(self, path: str, *, most: int) -> None:
        super().__init__(path, "rb")
        self.most: int | None = most

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is not None and size is not None and size > self.most:
            raise _TooLongListing
        return super().read(size) or b""


def _name(info: zipfile.ZipInfo) -> str:
    """Return an entry's name as its maker meant it, with ``/`` between folders.

    Many packers write UTF-8 and do not say so; some of Windows write a backslash.
    """
    name = info.orig_filename
    if not info.flag_bits & _UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.orig_filename
    return name.replace("\\", "/")


def _reason_against(info: zipfile.ZipInfo, parts: list[str]) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not parts or any(ord(letter) < 32 for part in parts for letter in part):
        return "Its name is none that a file can have."
    if kind == stat.S_IFLNK:
        return "It is a link to another file."
    if kind not in (0, stat.S_IFREG):
        return "It is no plain file."
    if reason := reason_against(parts):
        return reason
    if info.flag_bits & _LOCKED:
        return "It is locked with a password: zip it without one."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "It is packed in a way that is not read: zip it in the usual one (Deflate)."
    return ""


def _too_many(name: str, limits: Limits) -> PictureError:
    return PictureError(f"{name} holds too many files: the limit is {limits.files:,}.")
