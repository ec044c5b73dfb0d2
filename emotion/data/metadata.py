"""What picture files hold beside their pixels: it is skipped in reading, and not kept in a set."""

from __future__ import annotations

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
# Millions of empty parts would take more memory than any picture; the largest metadata chunk, in bytes.
_MOST_PARTS, _MOST_BESIDE = 100_000, 1 << 20
# The chunks that change how a PNG is displayed (W3C, third edition), except those of animations.
_DISPLAY = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP"}
# Markers of a JPEG (ITU-T T.81, annex B); the two metadata segments that change how it is decoded.
_SOS, _EOI = b"\xff\xda", b"\xff\xd9"
_JFIF_OR_ADOBE = (b"\xff\xe0\x00\x10JFIF\0", b"\xff\xee\x00\x0eAdobe")


def png_pixels(content: bytes) -> bytes:
    """Return a PNG's pixel chunks alone, but for its EXIF, moved before them: it holds the orientation.
    Raises ValueError where there are more chunks than any picture has.
    """
    chunks = _png_chunks(content)
    pixels = [part for kind, part in chunks if kind[:1].isupper() or kind == b"tRNS"]
    turned = [part for kind, part in chunks if kind == b"eXIf"][:1]
    return b"".join([PNG, *pixels[:1], *turned, *pixels[1:]])


def jpeg_pixels(content: bytes) -> bytes:
    """Return a JPEG without EXIF, comments, profiles and thumbnail before the pixels.
    Raises ValueError, IndexError, struct.error where the file breaks the standard.
    """
    kept, at = [content[:2]], 2
    for _ in range(_MOST_PARTS):
        if content[at : at + 2] == _SOS:
            return b"".join([*kept, content[at:]])
        marker, end = content[at + 1], at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        if content[at] != 0xFF:
            raise ValueError("no marker where one belongs")
        is_metadata = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if not is_metadata or content.startswith(_JFIF_OR_ADOBE, at):
            kept.append(content[at:end])
        at = end
    raise ValueError("too many parts")


def count_scans(content: bytes) -> int:
    """Return the number of scans of a JPEG, without those of a thumbnail in its header; never too few."""
    at = 2
    # Where the file breaks the standard, counting begins early.
    while content[at : at + 1] == b"\xff" and content[at : at + 2] != _SOS and at + 4 <= len(content):
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return max(content.count(_SOS, at), 1)


def is_clean(content: bytes, *, kind: str) -> bool:
    """Whether a file of Pillow's format ``kind`` holds a single picture and no metadata (WebP: RFC 9649)."""
    try:
        if kind == "JPEG":
            # At worst, coded pixels contain an end marker by chance, and a clean file counts as not clean.
            is_whole = content.find(_EOI, content.rindex(_SOS)) == len(content) - 2
            return is_whole and jpeg_pixels(content) == content
        if kind == "PNG":
            return b"".join([PNG, *(part for kind, part in _png_chunks(content) if kind in _DISPLAY)]) == content
        if kind == "WEBP":
            simple = content[12:16] in (b"VP8 ", b"VP8L")
            return simple and 20 + sum(struct.unpack_from("<I", content, 16)) + content[16] % 2 == len(content)
    except (ValueError, IndexError, struct.error):
        pass  # Pillow reads many files that break the standard.
    return False


def _png_chunks(content: bytes) -> list[tuple[bytes, memoryview]]:
    """Return kind and bytes of a PNG's chunks up to its end; metadata only if small and with a valid checksum."""
    view, found, start = memoryview(content), list[tuple[bytes, memoryview]](), len(PNG)
    for _ in range(_MOST_PARTS):
        kind, end = content[start + 4 : start + 8], start + 12 + int.from_bytes(content[start : start + 4])
        part, is_small = view[start:end], end - start <= _MOST_BESIDE
        if kind[:1].isupper() or (is_small and zlib.crc32(part[4:-4]) == int.from_bytes(part[-4:])):
            found.append((kind, part))
        if len(kind) < 4 or kind == b"IEND":
            return found
        start = end
    raise ValueError("too many parts")
