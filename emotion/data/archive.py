"""Unpack the pictures of a zip into a folder, within limits. No entry can leave the folder; nested zips stay closed."""

from __future__ import annotations

import contextlib
import errno
import io
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.progress import Progress
from emotion.data.classes import TABLES
from emotion.data.folders import Skipped
from emotion.data.limits import Limits
from emotion.data.names import PARQUET, kept_text, reason_against, shown

# The most that one entry may unpack to over its packed size: photographs have about 1. Blank drawings pack as well as
# zip bombs, and are harmless below the size.
MAX_RATIO, RATIO_FROM_BYTES = 200, 10_000_000
# Bytes of a zip's directory for each file: 46, the path, and extra fields.
_LISTED_BYTES, _LOCAL_HEADER_BYTES = 400, 30
_LOCKED, _UTF8, _METHODS = 0x1 | 0x40, 0x800, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, OverflowError,
    LookupError, RuntimeError, MemoryError,
)  # fmt: skip
Entry = tuple[str, zipfile.ZipInfo]


def unpack(path: Path, to: Path, limits: Limits) -> Generator[Progress, None, list[Skipped]]:
    """Unpack the pictures and tables of a zip into the folder ``to``; return which files are left out and why.
    Raises PictureError where it is not a zip, damaged, unsafe or beyond the limits, or the disk is full.
    """
    title = shown(path.name)
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(_Bounded(path, title, limits))
            packed = stack.enter_context(zipfile.ZipFile(file))
        except _BROKEN as error:
            raise PictureError(
                f"{title} is not a zip file that can be read, or was cut short: zip the folder again."
            ) from error
        file.is_listing = False
        limits.check(title, files=len(packed.filelist))
        wanted, skipped = _wanted(title, packed.filelist, limits)
        to.mkdir(parents=True)
        for number, (name, info) in enumerate(wanted):
            yield Progress(number, len(wanted), f"unpacking {len(wanted):,} files")
            if reason := _unpack_one(packed, info, to / name):
                skipped.append(Skipped(kept_text(name), reason))
    return skipped


class _Bounded(io.FileIO):
    """A zip that is not read beyond the limits while it ``is_listing``: it states the size of its own directory."""

    def __init__(self, path: Path, title: str, limits: Limits) -> None:
        super().__init__(str(path), "rb")
        self.title, self.limits, self.is_listing = title, limits, True

    def read(self, size: int | None = -1, /) -> bytes:
        if self.is_listing:
            self.limits.check(self.title, files=(size or 0) // _LISTED_BYTES)
        return super().read(size) or b""


def _unpack_one(packed: zipfile.ZipFile, info: zipfile.ZipInfo, to: Path) -> str:
    """Write one entry, at most its listed size, and verify its checksum; return the reason if it fails."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as file, packed.open(info) as content:
            shutil.copyfileobj(content, file, 1 << 20)
    except FileExistsError:
        return "It is in the zip twice."
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise PictureError(f"The zip cannot be unpacked ({error.strerror}): make room.") from error
        with contextlib.suppress(OSError, ValueError):
            to.unlink()
        return "It is damaged in the zip, or its name is none that a file can have."
    return ""


def _wanted(title: str, listed: Sequence[zipfile.ZipInfo], limits: Limits) -> tuple[list[Entry], list[Skipped]]:
    """Return the wanted entries with their names, and those left out. Raises PictureError as ``unpack``."""
    end = 0
    for info in sorted(listed, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise PictureError(f"{title} holds entries that lie over one another: it is not safe to import.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
    wanted, skipped = list[Entry](), list[Skipped]()
    for whole, info in sorted(zip(_names(listed), listed, strict=True), key=lambda entry: entry[0]):
        if re.match(r"/|[A-Za-z]:", whole) or ".." in whole.split("/"):
            raise PictureError(
                f"{title} holds {shown(whole)!r}, which leads out of its folder: it is not safe to import."
            )
        parts = [part for part in whole.split("/") if part not in ("", ".")]
        name = "/".join(parts)
        if whole.endswith("/"):
            continue
        if reason := _reason_against(info, parts, limits):
            skipped.append(Skipped(kept_text(name), reason))
        elif info.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
            raise PictureError(
                f"{title} holds {shown(name)!r}, which unpacks to more than {MAX_RATIO} times its size, the limit: "
                "leave it out of the zip."
            )
        else:
            wanted.append((name, info))
    limits.check(title, size=sum(info.file_size for _, info in wanted))
    return wanted, skipped


def _reason_against(info: zipfile.ZipInfo, parts: Sequence[str], limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not parts or any(ord(letter) < 32 for letter in "".join(parts)):
        return "Its name is none that a file can have: rename it."
    if kind not in (0, stat.S_IFREG):
        return "It is a link to another file." if kind == stat.S_IFLNK else "It is no plain file."
    if parts[-1] not in TABLES and not parts[-1].endswith(PARQUET) and (reason := reason_against(parts[-1])):
        return reason
    if len(parts) - 1 > limits.depth:
        return f"It lies more than {limits.depth} folders deep, the limit."
    if info.flag_bits & _LOCKED or info.compress_type not in _METHODS:
        return "It is locked or packed in an unusual way: zip it without a password, in the usual way (Deflate)."
    return ""


# Code pages of zips that do not name one, each with its usual characters in an encoding: letters, for East Asian ones
# those of the standard's first level. Of equal matches the first wins.
_LATIN, _CYRILLIC = rb"\x00[\xdf-\xf6\xf8-\xff]|\x01[\x00-\x7f]", rb"\x04[\x30-\x4f\x51]"
_CODE_PAGES = {
    "cp437": ("utf-16-be", _LATIN), "cp1252": ("utf-16-be", _LATIN), "cp1250": ("utf-16-be", _LATIN),
    "cp866": ("utf-16-be", _CYRILLIC), "cp1251": ("utf-16-be", _CYRILLIC),
    "cp932": ("euc_jp", rb"\xa1\xbc|[\xa4\xa5\xb0-\xcf]."), "cp949": ("euc_kr", rb"[\xb0-\xc8]."),
    "big5": ("big5", rb"[\xa4-\xc6]."), "gbk": ("gb2312", rb"[\xb0-\xd7]."),
}  # fmt: skip
_JUDGED = 500  # The code page is found from at most so many names.


def _names(listed: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the decoded names of the entries, with ``/`` between folders.

    Without the UTF-8 flag, UTF-8 is tried first, then the code page in which most letters are usual ones. Backslashes
    are replaced only after decoding: in Japanese, Chinese and Korean code pages that byte can be half of a character.
    """
    raw = [None if info.flag_bits & _UTF8 else info.orig_filename.encode("cp437", "replace") for info in listed]
    odd = [each for each in raw if each is not None and not each.isascii()]
    some, whole = b" ".join(odd[:_JUDGED]), b" ".join(odd)
    pages = ["utf-8", *sorted(_CODE_PAGES, key=lambda page: -_usual(page, some))]
    # Bytes that are invalid in a code page are replaced by U+FFFD.
    page = next((each for each in pages if "\ufffd" not in whole.decode(each, "replace")), "cp437")
    pairs = zip(raw, listed, strict=True)
    names = (info.orig_filename if each is None else each.decode(page, "replace") for each, info in pairs)
    return [name.replace("\\", "/") for name in names]


def _usual(page: str, content: bytes) -> float:
    """Return the share of non-ASCII letters that are usual in a code page."""
    encoding, usual = _CODE_PAGES[page]
    text = content.decode(page, "ignore")
    odd = [letter.encode(encoding, "ignore") for letter in text if not letter.isascii()]
    # Words in Latin letters have few accents; Japanese misread as Latin has many.
    words = "".join(word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii())
    if usual == _LATIN and len(odd) >= 0.5 * len(words):
        return 0.0
    return sum(re.fullmatch(usual, each, re.DOTALL) is not None for each in odd) / max(len(odd), 1)
