"""Unpack the pictures of a zip into a folder, within limits. No entry leads out of it, and no zip within is opened."""

from __future__ import annotations

import errno
import io
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.core.progress import Progress
from emotion.data.classes import TABLES
from emotion.data.folders import HIDDEN, PARQUET, Skipped, reason_against
from emotion.data.limits import Limits
from emotion.data.names import is_system, kept_text, shown

# What a zip's listing may take for each file that may be in it: 46 bytes, its path, and what packers add.
_LISTED_BYTES = 400
_LOCAL_HEADER_BYTES = 30
_MOST_NAME_BYTES = 255
_LOCKED, _UTF8 = 0x1 | 0x40, 0x800
_UNNAMED = "Its name is none that a file can have."
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, OverflowError,
    LookupError, RuntimeError, MemoryError,
)  # fmt: skip
Entry = tuple[str, zipfile.ZipInfo]


def unpack(path: Path, to: Path, limits: Limits) -> Generator[Progress, None, list[Skipped]]:
    """Unpack the pictures of a zip, and tables beside them, into the folder ``to``; return what is left out and why.
    Raises PictureError where it is no zip, damaged, not safe or beyond the limits, or there is no room for it.
    """
    title = shown(path.name)
    too_many = PictureError(f"{title} holds too many files: the limit is {limits.files:,}.")
    try:
        file = _Bounded(path, limits.files * _LISTED_BYTES, too_many)
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}): see to its permissions.") from error
    with file:
        try:
            packed = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise PictureError(
                f"{title} is not a zip file that can be read, or was cut short: zip the folder again."
            ) from error
        file.most = 0
        if len(packed.filelist) > limits.files:
            raise too_many
        wanted, skipped = _sorted_out(title, packed.filelist, limits)
        # Memory is needed for what is wanted alone.
        packed.filelist.clear()
        packed.NameToInfo.clear()
        to.mkdir(parents=True)
        for number, (name, info) in enumerate(wanted):
            yield Progress(number, len(wanted), f"unpacking {len(wanted):,} files")
            if reason := _unpack_one(packed, info, to / _short(name)):
                skipped.append(Skipped(kept_text(name), reason))
    return skipped


def _unpack_one(packed: zipfile.ZipFile, info: zipfile.ZipInfo, to: Path) -> str:
    """Write one entry, never more than its listing says, and compare its checksum; return why it cannot be."""
    reason = _UNNAMED
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as file:
            reason = "It is damaged in the zip."
            with packed.open(info) as content:
                shutil.copyfileobj(content, file, 1 << 20)
        return ""
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise PictureError(f"The zip cannot be unpacked ({error.strerror}): make room.") from error
        if reason != _UNNAMED:
            to.unlink()
        return reason


def _short(name: str) -> str:
    """Return a path whose last part a file system can hold; a folder's name is a class's, and stays."""
    path = PurePosixPath(name)
    code = path.name.encode("utf-8", "replace")
    is_long = len(code) > _MOST_NAME_BYTES
    return str(path.with_name(f"{path.name[:40]}-{zlib.crc32(code):08x}{path.suffix[:10]}")) if is_long else name


def _sorted_out(title: str, listed: Sequence[zipfile.ZipInfo], limits: Limits) -> tuple[list[Entry], list[Skipped]]:
    """Return the entries that are wanted by their names, and what is left out."""
    names, end = _names(listed), 0
    for name in names:
        if re.match(r"/|[A-Za-z]:", name) or ".." in name.split("/"):
            raise PictureError(
                f"{title} holds {shown(name)!r}, which leads out of its folder: it is not safe to import."
            )
    for info in sorted(listed, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise PictureError(f"{title} holds entries that lie over one another: it is not safe to import.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
    wanted, skipped = dict[str, zipfile.ZipInfo](), list[Skipped]()
    seen: set[str] = set()
    for whole, info in sorted(zip(names, listed, strict=True), key=lambda each: each[0]):
        name = "/".join(part for part in whole.split("/") if part not in ("", "."))
        if whole.endswith("/"):
            continue
        if reason := _reason_against(info, name, limits) or ("It is in the zip twice." if name in seen else ""):
            skipped.append(Skipped(kept_text(name), reason))
        elif info.file_size > max(limits.ratio_from_bytes, limits.ratio * info.compress_size):
            raise PictureError(
                f"{title} holds {shown(name)!r}, which unpacks to more than {limits.ratio:g} times its size, the "
                "limit: leave it out of the zip."
            )
        else:
            wanted[name] = info
        seen.add(name)
    if (size := sum(info.file_size for info in wanted.values())) > limits.bytes:
        most = megabytes(limits.bytes)
        raise PictureError(f"{title} holds pictures of {megabytes(size)}: the limit is {most} a set.")
    return list(wanted.items()), skipped


def _reason_against(info: zipfile.ZipInfo, name: str, limits: Limits) -> str:
    kind, parts = stat.S_IFMT(info.external_attr >> 16), name.split("/")
    if not name or any(ord(letter) < 32 for letter in name):
        return _UNNAMED
    if kind == stat.S_IFLNK:
        return "It is a link to another file."
    if kind not in (0, stat.S_IFREG):
        return "It is no plain file."
    if any(map(is_system, parts)):
        return HIDDEN
    if parts[-1] not in TABLES and not name.endswith(PARQUET) and (reason := reason_against(parts[-1])):
        return reason
    if len(parts) - 1 > limits.depth:
        return f"It lies more than {limits.depth} folders deep, the limit."
    if info.flag_bits & _LOCKED:
        return "It is locked with a password: zip it without one."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "It is packed in a way that is not read: zip it in the usual one (Deflate)."
    return ""


class _Bounded(io.FileIO):
    """A file of which no more than ``most`` bytes are read at once: a zip says itself how long its listing is."""

    def __init__(self, path: Path, most: int, error: PictureError) -> None:
        super().__init__(str(path), "rb")
        self.most, self._error = most, error

    def read(self, size: int | None = -1, /) -> bytes:
        if 0 < self.most < (size or 0):
            raise self._error
        return super().read(size) or b""


# Code pages that zips are written in without a word of it, each with what is usual in it: letters, and of an East Asian
# set those with these first bytes. Of equals the first counts.
_LATIN, _CYRILLIC, _KANA = re.compile("[\xdf-\xf6\xf8-\u017f]"), re.compile("[а-яё]"), re.compile("[\u3041-\u30fe]")
_CODE_PAGES: dict[str, tuple[re.Pattern[str] | None, str, int, int]] = {
    "cp437": (_LATIN, "", 0, 0), "cp1252": (_LATIN, "", 0, 0), "cp1250": (_LATIN, "", 0, 0),
    "cp866": (_CYRILLIC, "", 0, 0), "cp1251": (_CYRILLIC, "", 0, 0), "cp932": (_KANA, "euc_jp", 0xB0, 0xCF),
    "cp949": (None, "euc_kr", 0xB0, 0xC8), "big5": (None, "big5", 0xA4, 0xC6), "gbk": (None, "gb2312", 0xB0, 0xD7),
}  # fmt: skip
_JUDGED = 500  # So many names are looked at for the code page that they are in.


def _names(listed: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the entries' names as their maker meant them, with ``/`` between folders.

    Where no flag says UTF-8, it is tried all the same; then the code page in which most letters are usual ones. Only in
    a decoded name is a backslash one: it is a second byte in Japanese, Chinese and Korean.
    """
    raw = [None if info.flag_bits & _UTF8 else info.orig_filename.encode("cp437", "replace") for info in listed]
    odd = [each for each in raw if each is not None and not each.isascii()]
    some = b" ".join(odd[:_JUDGED])
    pages = ["utf-8", *sorted(_CODE_PAGES, key=lambda codec: -_usual(codec, some))]
    # A byte that is none in a code page is replaced by U+FFFD.
    page = next((codec for codec in pages if "\ufffd" not in b" ".join(odd).decode(codec, "replace")), "cp437")
    decoded = (each if each is None else each.decode(page, "replace") for each in raw)
    return [
        (info.orig_filename if name is None else name).replace("\\", "/")
        for info, name in zip(listed, decoded, strict=True)
    ]


def _usual(codec: str, content: bytes) -> float:
    """Return the share of the letters beyond ASCII that are usual ones in a code page."""
    letters, charset, first, last = _CODE_PAGES[codec]
    text = content.decode(codec, "ignore")
    odd = [letter for letter in text if not letter.isascii()]
    codes = [letter.encode(charset, "ignore") if charset else b"" for letter in odd]
    usual = sum(
        bool(letters and letters.match(letter)) or (len(code) == 2 and first <= code[0] <= last)
        for letter, code in zip(odd, codes, strict=True)
    )
    # In a word of Latin letters few have an accent; Japanese looks like many.
    words = "".join(word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii())
    return usual / max(len(odd), 1) if letters is not _LATIN or len(odd) < 0.5 * len(words) else 0.0
