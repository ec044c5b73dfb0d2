"""Take from a picture file what is no picture: places, names, thumbnails. Its coded pixels stay byte for byte.

Kept are the colour profile and the orientation. Formats: JPEG (ITU-T T.81, annex B), PNG (W3C, third edition) and WebP
(RFC 9649). What follows the picture's end, such as a phone's film, goes too.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

# The parts of a PNG that change how it looks. Those of an animation go: the picture without it is the first frame.
_CHUNKS = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"cICP",
}  # fmt: skip
_WEBP_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}
_WEBP_ANIMATED, _WEBP_METADATA = 0x02, 0x04 | 0x08
# Within a scan, 0xFF stands before 0x00 and the restart markers; any other marker ends it. It takes a time that grows
# with the scan's length alone, whatever the bytes are.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Millions of empty parts would take more memory than any picture.
_MOST_PARTS = 100_000
# What Pillow takes of a PNG's text or profile.
_MOST_TEXT = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n"
_SOI, _EOI, _SOS, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE


def strip(content: bytes, *, kind: str, orientation: int) -> bytes | None:
    """Return the picture file without metadata; None where it has to be encoded anew to be rid of them.

    ``kind`` is Pillow's name of the format, ``orientation`` EXIF's number (1 to 8, 1 for upright).
    """
    try:
        if kind in ("JPEG", "MPO"):
            return _jpeg(content, orientation)
        if kind == "PNG":
            return _png(content, orientation)
        if kind == "WEBP" and orientation == 1:
            return _webp(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads much that is not quite to the standard.
    return None


def _jpeg(content: bytes, orientation: int) -> bytes:
    header, kept = [b"\xff\xd8"], []
    at = 2
    for _ in _few():
        at, marker = _marker(content, at)
        if marker == _EOI:
            break
        if marker == 0x01 or 0xD0 <= marker <= _SOI:
            raise ValueError("a marker out of place")
        (length,) = struct.unpack_from(">H", content, at)
        segment = content[at + 2 : at + length]
        if len(segment) != length - 2:
            raise ValueError("cut short")
        if marker == 0xE0 and segment.startswith(b"JFIF\0") and len(segment) >= 14:
            # Its density, without its thumbnail.
            header.append(b"\xff\xe0\x00\x10" + segment[:12] + b"\0\0")
        elif (not 0xE0 <= marker <= 0xEF and marker != _COMMENT) or _is_colour(marker, segment):
            kept.append(b"\xff" + bytes([marker]) + content[at : at + length])
        at += length
        if marker == _SOS:
            end = _END_OF_SCAN.search(content, at)
            if end is None:
                raise ValueError("no end")
            kept.append(content[at : end.start()])
            at = end.start()
    if orientation != 1:
        exif = b"Exif\0\0" + _only_orientation(orientation)
        header.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    return b"".join([*header, *kept, b"\xff\xd9"])


def _few() -> Iterator[None]:
    for _ in range(_MOST_PARTS):
        yield
    raise ValueError("too many parts")


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """Return where the marker at a place ends, and which it is."""
    if content[at] != 0xFF:
        raise ValueError("no marker")
    while content[at] == 0xFF:
        at += 1
    return at + 1, content[at]


def _is_colour(marker: int, segment: bytes) -> bool:
    return (marker == 0xE2 and segment.startswith(b"ICC_PROFILE\0") and len(segment) > 14) or (
        marker == 0xEE and segment.startswith(b"Adobe") and len(segment) == 12
    )


def _png(content: bytes, orientation: int) -> bytes:
    kept, kind = [PNG], b""
    for head, start, end in png_chunks(io.BytesIO(content)):
        kind = head[:4]
        if end > len(content):
            raise ValueError("cut short")
        if kind in _CHUNKS:
            kept.append(content[start:end])
        if kind == b"IHDR" and orientation != 1:
            kept.append(_chunk(b"eXIf", _only_orientation(orientation)))
    if kind != b"IEND":
        raise ValueError("cut short")
    return b"".join(kept)


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


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _webp(content: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", content, 4)
    stop = size + 8
    if stop > len(content):
        raise ValueError("cut short")
    kept = []
    at = 12
    for _ in _few():
        if at + 8 > stop:
            break
        kind, length = struct.unpack_from("<4sI", content, at)
        chunk = content[at : at + 8 + length]
        if len(chunk) != 8 + length:
            raise ValueError("cut short")
        if kind == b"VP8X":
            if chunk[8] & _WEBP_ANIMATED:
                raise ValueError("its first frame alone is wanted")
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_METADATA]) + chunk[9:]
        if kind in _WEBP_CHUNKS:
            kept.append(chunk + b"\0" * (length % 2))
        at += 8 + length + length % 2
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _only_orientation(orientation: int) -> bytes:
    """Return EXIF data that say which side is up, and nothing else."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
