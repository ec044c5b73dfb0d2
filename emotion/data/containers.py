"""What of a picture file bears on its pixels, and what is only written beside them: PNG, JPEG, WebP.

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
# The chunks that change how a PNG looks, without those of an animation.
_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP"}
# Where a PNG may say which side is up.
_TURNED = (b"eXIf", b"iTXtXML:com.adobe.xmp\0\0", b"tEXtRaw profile type exif\0", b"zTXtRaw profile type exif\0")
# Millions of empty parts would take more memory than any picture.
_MOST_PARTS = 100_000
# What Pillow takes of a PNG's text or profile.
_MOST_TEXT = 1 << 20
_SOS, _EOI = b"\xff\xda", b"\xff\xd9"


def is_clean(content: bytes, *, kind: str) -> bool:
    """Whether a file of Pillow's format ``kind`` holds one picture and nothing beside its pixels."""
    try:
        if kind == "JPEG":
            # What the coded pixels hold by chance is taken for an end at worst.
            is_whole = content.find(_EOI, content.rindex(_SOS)) == len(content) - 2
            return is_whole and jpeg_without_metadata(content) == content
        if kind == "PNG":
            chunks = list(_chunks(io.BytesIO(content)))
            size = len(PNG) + sum(end - start for _, start, end in chunks)
            return size == len(content) and all(head[:4] in _PIXELS for head, _, _ in chunks)
        if kind == "WEBP":
            simple = content[12:16] in (b"VP8 ", b"VP8L")
            return simple and 20 + sum(struct.unpack_from("<I", content, 16)) + content[16] % 2 == len(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads much that is not quite to the standard.
    return False


def jpeg_without_metadata(content: bytes) -> bytes:
    """Return a JPEG without its EXIF, comments, profiles and thumbnail before the pixels.
    Raises ValueError, IndexError, struct.error where it is not to the standard.
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
    """Return how many scans a JPEG has, those of a thumbnail in its header not among them; never too few."""
    at = 2
    # What is none to the standard is counted from where it is none any more.
    while content[at : at + 1] == b"\xff" and content[at : at + 2] != _SOS and at + 4 <= len(content):
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return max(content.count(_SOS, at), 1)


def pixels_of_png(file: IO[bytes]) -> IO[bytes]:
    """Return of a PNG what bears on its pixels, and before that, wherever it stands, what says which side is up.

    A file that holds nothing else is returned itself, so that none of a large one is copied.
    """
    pixels: list[tuple[int, int]] = []
    turned: dict[bytes, tuple[int, int]] = {}
    for head, start, end in _chunks(file):
        if says := next((each for each in _TURNED if head.startswith(each)), b""):
            turned.setdefault(says, (start, end))
        elif head[:1].isupper() or head.startswith(b"tRNS"):
            pixels.append((start, end))
    parts = [(0, len(PNG)), *pixels[:1], *turned.values(), *pixels[1:]]
    is_plain = not turned and sum(end - start for start, end in parts) == file.seek(0, os.SEEK_END)
    found = file if is_plain else io.BytesIO(b"".join(_part(file, start, end) for start, end in parts))
    found.seek(0)
    return found


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind and first bytes, start and end of each chunk of a PNG; of what is no pixel only what Pillow takes.

    That is what has its checksum and, as a text or a profile, unpacks to no more than a mebibyte.
    Raises ValueError where there are more of them than any picture has.
    """
    start = len(PNG)
    for _ in range(_MOST_PARTS):
        head = _part(file, start, start + 40)
        end = start + 12 + int.from_bytes(head[:4])
        if head[4:5].isupper() or (end - start <= _MOST_TEXT and _is_sound(_part(file, start, end))):
            yield head[4:], start, end
        if len(head) < 8 or head[4:8] == b"IEND":
            return
        start = end
    raise ValueError("too many parts")


def _part(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _is_sound(chunk: bytes) -> bool:
    if len(chunk) < 12 or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
        return False
    try:
        unpacking = zlib.decompressobj()
        if chunk[4:8] in (b"zTXt", b"iCCP"):
            unpacking.decompress(chunk[8:-4].partition(b"\0")[2][1:], _MOST_TEXT)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail
