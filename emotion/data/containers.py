"""What of a picture file bears on its pixels, and what is only written beside them: PNG, JPEG, WebP.

PNG: W3C, third edition. JPEG: ITU-T T.81, annex B. WebP: RFC 9649.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import IO, Any

PNG = b"\x89PNG\r\n\x1a\n"
# The chunks that change how a PNG looks, without those of an animation.
_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP"}
# Where a PNG may say which side is up.
_TURNED = (b"eXIf", b"iTXtXML:com.adobe.xmp\0\0", b"tEXtRaw profile type exif\0", b"zTXtRaw profile type exif\0")
# Millions of empty parts would take more memory than any picture.
_MOST_PARTS = 100_000
# What Pillow takes of a PNG's text or profile.
_MOST_TEXT = 1 << 20
_SOS, _EOI = 0xDA, b"\xff\xd9"


def is_clean(content: bytes, *, kind: str) -> bool:
    """Whether a file of Pillow's format ``kind`` holds one picture and nothing beside its pixels."""
    try:
        if kind == "JPEG":
            plain = jpeg_without_metadata(content)
            # What the coded pixels hold by chance is taken for an end at worst.
            return plain == content and content.find(_EOI, content.rindex(b"\xff\xda")) == len(content) - 2
        if kind == "PNG":
            chunks = list(png_chunks(io.BytesIO(content)))
            # Each begins where the one before it ends: none has been left out, and none follows.
            ends = [len(PNG), *(end for *_, end in chunks)]
            return all(
                head[:4] in _PIXELS and start == end for (head, start, _), end in zip(chunks, ends, strict=False)
            ) and ends[-1] == len(content)
        if kind == "WEBP":
            simple = content[12:16] in (b"VP8 ", b"VP8L")
            return simple and 20 + sum(struct.unpack_from("<I", content, 16)) + content[16] % 2 == len(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads much that is not quite to the standard.
    return False


def jpeg_without_metadata(content: bytes) -> bytes:
    """Return a JPEG without its EXIF, comments, profiles and thumbnail before the pixels.

    Raises:
        ValueError, IndexError, struct.error: it is not to the standard.
    """
    kept, at = [content[:2]], 2
    for _ in _few():
        if content[at] != 0xFF:
            raise ValueError("no marker")
        marker = content[at + 1]
        end = at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        segment = content[at + 4 : end]
        is_jfif = marker == 0xE0 and segment.startswith(b"JFIF\0") and len(segment) == 14
        is_adobe = marker == 0xEE and segment.startswith(b"Adobe") and len(segment) == 12
        if is_jfif or is_adobe or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at:end])
        at = end
        if marker == _SOS:
            break
    return b"".join([*kept, content[at:]])


def count_scans(content: bytes) -> int:
    """Return how many scans a JPEG has, those of a thumbnail in its header not among them; never too few."""
    at = 2
    # What is none to the standard is counted from where it is none any more.
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != bytes([_SOS]) and at + 4 <= len(content):
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return max(content.count(b"\xff\xda", at), 1)


class PixelsOfPNG(io.RawIOBase):
    """Of a PNG what bears on its pixels, and before that, wherever it stands, what says which side is up."""

    def __init__(self, file: IO[bytes]) -> None:
        pixels: list[tuple[int, int]] = []
        turned: dict[bytes, tuple[int, int]] = {}
        for head, start, end in png_chunks(file):
            if says := next((each for each in _TURNED if head.startswith(each)), b""):
                turned.setdefault(says, (start, end))
            elif head[:1].isupper() or head.startswith(b"tRNS"):
                pixels.append((start, end))
        self._file, self._at = file, 0
        self._parts = [(0, len(PNG)), *pixels[:1], *turned.values(), *pixels[1:]]
        self._ends = list(accumulate(end - start for start, end in self._parts))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + (0, self._at, self._ends[-1])[whence]
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        number = bisect_right(self._ends, self._at)
        if number == len(self._ends):
            return 0
        left = self._ends[number] - self._at
        self._file.seek(self._parts[number][1] - left)
        read = self._file.read(min(left, len(buffer)))
        buffer[: len(read)] = read
        self._at += len(read)
        return len(read)


def png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind and first bytes, start and end of each chunk of a PNG; of what is no pixel only what Pillow takes.

    That is what has its checksum and, as a text or a profile, unpacks to no more than a mebibyte.

    Raises:
        ValueError: there are more of them than any picture has.
    """
    start = len(PNG)
    for _ in _few():
        file.seek(start)
        head = file.read(40)
        end = start + 12 + int.from_bytes(head[:4])
        is_pixel = head[4:5].isupper()
        file.seek(start)
        if is_pixel or (end - start <= _MOST_TEXT and _is_sound(file.read(end - start))):
            yield head[4:], start, end
        if len(head) < 8 or head[4:8] == b"IEND":
            return
        start = end


def _few() -> Iterator[None]:
    for _ in range(_MOST_PARTS):
        yield
    raise ValueError("too many parts")


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
