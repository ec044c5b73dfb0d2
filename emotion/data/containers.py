"""Separate the parts of a picture file that affect its pixels from its metadata: PNG, JPEG, WebP.

PNG: W3C, third edition. JPEG: ITU-T T.81, annex B. WebP: RFC 9649.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import IO

PNG = b"\x89PNG\r\n\x1a\n"
# The chunks that change how a PNG is displayed, except those of animations.
_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP"}
# Millions of empty chunks would take more memory than any picture.
_MOST_PARTS = 100_000
# The largest metadata chunk, in bytes.
_MOST_BESIDE = 1 << 20
_SOS, _EOI = b"\xff\xda", b"\xff\xd9"


def is_clean(content: bytes, *, kind: str) -> bool:
    """Whether a file of Pillow's format ``kind`` holds a single picture and no metadata."""
    try:
        if kind == "JPEG":
            # At worst, coded pixels contain an end marker by chance, and a clean file counts as not clean.
            is_whole = content.find(_EOI, content.rindex(_SOS)) == len(content) - 2
            return is_whole and jpeg_without_metadata(content) == content
        if kind == "PNG":
            chunks = list(_chunks(io.BytesIO(content)))
            size = len(PNG) + sum(end - start for _, start, end in chunks)
            return size == len(content) and all(kind in _PIXELS for kind, _, _ in chunks)
        if kind == "WEBP":
            simple = content[12:16] in (b"VP8 ", b"VP8L")
            return simple and 20 + sum(struct.unpack_from("<I", content, 16)) + content[16] % 2 == len(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads many files that break the standard.
    return False


def jpeg_without_metadata(content: bytes) -> bytes:
    """Return a JPEG without EXIF, comments, profiles and thumbnail before the pixels.
    Raises ValueError, IndexError, struct.error where the file breaks the standard.
    """
    kept, at, marker = [content[:2]], 2, 0
    while marker != _SOS[1]:
        if content[at] != 0xFF or len(kept) > _MOST_PARTS:
            raise ValueError("no marker, or too many")
        marker, end = content[at + 1], at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        segment = content[at + 4 : end]
        is_jfif = marker == 0xE0 and segment.startswith(b"JFIF\0") and len(segment) == 14
        is_adobe = marker == 0xEE and segment.startswith(b"Adobe") and len(segment) == 12
        is_beside = 0xE0 <= marker <= 0xEF or marker == 0xFE
        kept.append(content[at:end] if is_jfif or is_adobe or not is_beside else b"")
        at = end
    return b"".join([*kept, content[at:]])


def count_scans(content: bytes) -> int:
    """Return the number of scans of a JPEG, without those of a thumbnail in its header; never too few."""
    at = 2
    # Where the file breaks the standard, counting begins early.
    while content[at : at + 1] == b"\xff" and content[at : at + 2] != _SOS and at + 4 <= len(content):
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return max(content.count(_SOS, at), 1)


def pixels_of_png(file: IO[bytes]) -> IO[bytes]:
    """Return a PNG's pixel chunks, and its EXIF chunk moved before them, which holds the orientation.

    A file with pixel chunks only is returned itself, so that a large one is not copied.
    """
    found = list(_chunks(file))
    pixels = [(start, end) for kind, start, end in found if kind[:1].isupper() or kind == b"tRNS"]
    turned = [(start, end) for kind, start, end in found if kind == b"eXIf"][:1]
    parts = [(0, len(PNG)), *pixels[:1], *turned, *pixels[1:]]
    is_plain = not turned and sum(end - start for start, end in parts) == file.seek(0, os.SEEK_END)
    kept = file if is_plain else io.BytesIO(b"".join(_part(file, start, end) for start, end in parts))
    kept.seek(0)
    return kept


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk of a PNG; metadata chunks only if small and with a valid checksum.
    Raises ValueError where there are more chunks than any picture has.
    """
    start = len(PNG)
    for _ in range(_MOST_PARTS):
        head = _part(file, start, start + 8)
        kind, end = head[4:], start + 12 + int.from_bytes(head[:4])
        beside = b"" if kind[:1].isupper() or end - start > _MOST_BESIDE else _part(file, start, end)
        if kind[:1].isupper() or (beside and zlib.crc32(beside[4:-4]) == int.from_bytes(beside[-4:])):
            yield kind, start, end
        if len(head) < 8 or kind == b"IEND":
            return
        start = end
    raise ValueError("too many parts")


def _part(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
