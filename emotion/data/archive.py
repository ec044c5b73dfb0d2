"""Unpack the pictures of a zip into a folder, within limits. No entry leads out of it, and no zip within is opened."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path, PurePosixPath

from emotion.data.folders import PARQUET, Skipped, is_hidden, reason_against
from emotion.data.limits import Limits
from emotion.data.names import is_drive, kept_text, shown
from emotion.data.tables import TABLES
from emotion.errors import PictureError
from emotion.job import Progress
from emotion.words import megabytes

# What a zip's listing may take for each file that may be in it: 46 bytes, its path, and what packers add.
_LISTED_BYTES = 400
_LOCAL_HEADER_BYTES = 30
_MOST_NAME_BYTES = 255
# So many names are looked at for the code page that they are in.
_JUDGED = 500
_LOCKED, _UTF8 = 0x1 | 0x40, 0x800
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, OverflowError,
    LookupError, RuntimeError, MemoryError,
)  # fmt: skip


def unpack(path: Path, to: Path, limits: Limits) -> Generator[Progress, None, list[Skipped]]:
    """Unpack the pictures of a zip, and tables beside them, into the folder ``to``; return what is left out and why.

    Raises:
        PictureError: it is no zip, or is damaged; an entry leads out of it, or lies over another one; it holds more
            than the limits allow; there is no room for it.
    """
    title = shown(path.name)
    try:
        file = _Bounded(str(path), most=limits.files * _LISTED_BYTES)
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}): see to its permissions.") from error
    with file:
        try:
            packed = zipfile.ZipFile(file)
        except _TooLongListing as error:
            raise PictureError(f"{title} holds too many files: the limit is {limits.files:,}.") from error
        except _BROKEN as error:
            raise PictureError(
                f"{title} is not a zip file that can be read, or was cut short: zip the folder again."
            ) from error
        file.most = None
        listed = packed.infolist()
        if len(listed) > limits.files:
            raise PictureError(f"{title} holds too many files: the limit is {limits.files:,}.")
        names = _names(listed)
        _refuse_unsafe(title, listed, names)
        wanted, skipped = _sorted_out(title, listed, names, limits)
        size = sum(info.file_size for _, info in wanted)
        if size > limits.bytes:
            raise PictureError(
                f"{title} holds pictures of {megabytes(size)}: the limit is {megabytes(limits.bytes)} a set."
            )
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
    """Write one entry, whose checksum is compared; return why it cannot be."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        file = to.open("xb")
    except OSError as error:
        if error.errno == 28:
            raise PictureError(f"The zip cannot be unpacked ({error.strerror}): make room.") from error
        return "Its name is none that a file can have."
    try:
        with file, packed.open(info) as content:
            # Never more than the listing says, which has been checked; the checksum is compared at the end.
            left = info.file_size
            while piece := content.read(min(left, 1 << 20) or 1):
                left -= len(piece)
                if left < 0:
                    raise zipfile.BadZipFile
                file.write(piece)
            if left:
                raise zipfile.BadZipFile
    except _BROKEN as error:
        to.unlink()
        if isinstance(error, OSError) and error.errno == 28:
            raise PictureError(f"The zip cannot be unpacked ({error.strerror}): make room.") from error
        return "It is damaged in the zip."
    return ""


def _short(name: str) -> str:
    """Return a path whose last part a file system can hold; a folder's name is a class's, and stays."""
    path = PurePosixPath(name)
    code = path.name.encode("utf-8", "replace")
    is_long = len(code) > _MOST_NAME_BYTES
    return str(path.with_name(f"{path.name[:40]}-{zlib.crc32(code):08x}{path.suffix[:10]}")) if is_long else name


def _refuse_unsafe(title: str, listed: Sequence[zipfile.ZipInfo], names: Sequence[str]) -> None:
    for name in names:
        if name.startswith("/") or is_drive(name) or ".." in name.split("/"):
            raise PictureError(
                f"{title} holds {shown(name)!r}, which leads out of its folder: it is not safe to import."
            )
    end = 0
    for info in sorted(listed, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise PictureError(f"{title} holds entries that lie over one another: it is not safe to import.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size


def _sorted_out(
    title: str, listed: Sequence[zipfile.ZipInfo], names: Sequence[str], limits: Limits
) -> tuple[list[tuple[str, zipfile.ZipInfo]], list[Skipped]]:
    wanted: list[tuple[str, zipfile.ZipInfo]] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for whole, info in sorted(zip(names, listed, strict=True), key=lambda each: each[0]):
        if whole.endswith("/"):
            continue
        parts = [part for part in whole.split("/") if part not in ("", ".")]
        name = "/".join(parts)
        reason = _reason_against(info, parts, limits) or ("It is in the zip twice." if name in seen else "")
        seen.add(name)
        if reason:
            skipped.append(Skipped(kept_text(name), reason))
            continue
        if info.file_size > max(limits.ratio_from_bytes, limits.ratio * info.compress_size):
            raise PictureError(
                f"{title} holds {shown(name)!r}, which unpacks to more than {limits.ratio:g} times its size, the "
                "limit: leave it out of the zip."
            )
        if info.file_size > limits.picture_bytes and not name.endswith(PARQUET):
            most = megabytes(limits.picture_bytes)
            skipped.append(Skipped(kept_text(name), f"It has more than {most}, the limit of one picture."))
        else:
            wanted.append((name, info))
    return wanted, skipped


def _reason_against(info: zipfile.ZipInfo, parts: list[str], limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not parts or any(ord(letter) < 32 for part in parts for letter in part):
        return "Its name is none that a file can have."
    if kind == stat.S_IFLNK:
        return "It is a link to another file."
    if kind not in (0, stat.S_IFREG):
        return "It is no plain file."
    if is_hidden(parts):
        return reason_against(".")
    if parts[-1] not in TABLES and not parts[-1].endswith(PARQUET) and (reason := reason_against(parts[-1])):
        return reason
    if len(parts) - 1 > limits.depth:
        return f"It lies more than {limits.depth} folders deep, the limit."
    if info.flag_bits & _LOCKED:
        return "It is locked with a password: zip it without one."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "It is packed in a way that is not read: zip it in the usual one (Deflate)."
    return ""


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


def _is_cyrillic(letter: str) -> bool:
    return "а" <= letter <= "я" or letter == "ё"


def _is_japanese(letter: str) -> bool:
    return "\u3041" <= letter <= "\u30fe" or _leads("euc_jp", 0xB0, 0xCF)(letter)


def _is_latin(letter: str) -> bool:
    return "\xdf" <= letter <= "\u017f" and letter.isalpha()


def _leads(codec: str, first: int, last: int) -> Callable[[str], bool]:
    """Return whether a letter is among the usual ones of an East Asian set, by its first byte there."""
    return lambda letter: len(code := letter.encode(codec, "ignore")) == 2 and first <= code[0] <= last


# Code pages that zips are written in without a word of it, each with what is usual in it; the first of equals counts.
_CODE_PAGES: dict[str, Callable[[str], bool]] = {
    "cp437": _is_latin,
    "cp1252": _is_latin,
    "cp1250": _is_latin,
    "cp866": _is_cyrillic,
    "cp1251": _is_cyrillic,
    "cp932": _is_japanese,
    "cp949": _leads("euc_kr", 0xB0, 0xC8),
    "big5": _leads("big5", 0xA4, 0xC6),
    "gbk": _leads("gb2312", 0xB0, 0xD7),
}


def _names(listed: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the entries' names as their maker meant them, with ``/`` between folders.

    Where no flag says UTF-8, it is tried all the same; then the code page in which most letters are usual ones. Only in
    a decoded name is a backslash one: it is a second byte in Japanese, Chinese and Korean.
    """
    raw = [None if info.flag_bits & _UTF8 else info.orig_filename.encode("cp437", "replace") for info in listed]
    odd = [each for each in raw if each is not None and not each.isascii()]
    page = "utf-8"
    if not _is_in(page, odd):
        some = b" ".join(odd[:_JUDGED])
        pages = sorted(_CODE_PAGES, key=lambda codec: -_usual(codec, some))
        page = next((codec for codec in pages if _is_in(codec, odd)), "cp437")
    names = (
        info.orig_filename if each is None else each.decode(page, "replace")
        for info, each in zip(listed, raw, strict=True)
    )
    return [name.replace("\\", "/") for name in names]


def _is_in(codec: str, names: Sequence[bytes]) -> bool:
    try:
        b" ".join(names).decode(codec)
    except UnicodeError:
        return False
    return True


def _usual(codec: str, content: bytes) -> float:
    """Return the share of the letters beyond ASCII that are usual ones in a code page."""
    text = content.decode(codec, "ignore")
    letters = [letter for letter in text if not letter.isascii()]
    usual = sum(map(_CODE_PAGES[codec], letters)) / max(len(letters), 1)
    # In a word of Latin letters few have an accent; Japanese looks like many.
    words = "".join(word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii())
    return usual if _CODE_PAGES[codec] is not _is_latin or len(letters) < 0.5 * len(words) else 0.0
