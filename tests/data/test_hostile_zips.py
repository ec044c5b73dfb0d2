"""Zips from strangers: each is a set or one sentence, and nothing is written anywhere but in the sets folder."""

import io
import re
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from helpers.sets import Sets, claiming, encoded, plain_files, shot, shots, zipped
from PIL import Image

from emotion.core.errors import PictureError

UPWARDS = [
    "../evil.png", "happy/../../evil.png", "happy\\..\\..\\evil.png", "../../../../../../tmp/evil.png",
    "/happy/evil.png", "//server/share/evil.png", "\\\\server\\share\\evil.png", "C:/happy/evil.png",
    "c:\\happy\\evil.png", "c:evil.png", "happy/..", "../",
]  # fmt: skip
NO_CLASS = ["   ", "\u202e"]
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/evil) (w) file\n"
PLAIN = zipped(plain_files())
ONE = zipped({"happy/1.png": shot(1)})


def beside(name: str, content: bytes, kind: int = 0o100644) -> bytes:
    """Return a zip with this file beside plain ones."""
    return zipped({**plain_files(), name: content}, kinds={name: kind})


def overlapping() -> bytes:
    """Return the better zip bomb (Fifield 2019): many entries of the listing share one packed kernel."""
    start, end = ONE.index(b"PK\1\2"), ONE.index(b"PK\5\6")
    listing, tail = ONE[start:end], bytearray(ONE[end:])
    tail[8:12], tail[12:16] = struct.pack("<HH", 50, 50), struct.pack("<I", 50 * len(listing))
    return ONE[:start] + listing * 50 + bytes(tail)


# Its entries, and its listing of them, say that there is a password.
LOCKED = re.sub(rb"(PK\x03\x04..|PK\x01\x02....)\0", lambda head: head[1] + b"\1", PLAIN, flags=re.DOTALL)
NOT_A_ZIP, UNUSUAL = "is not a zip file that can be read", "zip it without a password, in the usual way (Deflate)"
REFUSED: dict[str, tuple[bytes, str]] = {
    **{f"upwards {name}": (beside(name, shot(0)), "leads out of its folder: it is not safe") for name in UPWARDS},
    "a bomb of one entry": (beside("happy/bomb.png", bytes(30_000_000)), "unpacks to more than 200 times its size"),
    "entries over one another": (overlapping(), "lie over one another"),
    "a password": (LOCKED, UNUSUAL),
    "bzip2": (zipped({"happy/1.png": shot(1)}, method=zipfile.ZIP_BZIP2), UNUSUAL),
    "lzma": (zipped({"happy/1.png": shot(1)}, method=zipfile.ZIP_LZMA), UNUSUAL),
    **{f"cut at {share:.0%}": (PLAIN[: int(len(PLAIN) * share)], NOT_A_ZIP) for share in (0, 0.02, 0.3, 0.6, 0.99)},
    **{f"no zip {what!r}": (what, NOT_A_ZIP) for what in (b"PK", b"text", b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c")},
    "no UTF-8 that says it is": (zipped({"äx/1.png": shot(1)}).replace("äx".encode(), b"\xff\xfex"), NOT_A_ZIP),
    **{f"class {name[:9]!r}": (beside(f"{name}/1.png", shot(1)), "no name that can be kept") for name in NO_CLASS},
    "loose pictures only": (zipped({"cover.png": shot(1)}), "It lies in no class folder."),
    "no pictures": (zipped({"notes.txt": b"x", "happy/": b""}), "no pictures in class folders"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_zip_is_refused_in_one_sentence_and_leaves_nothing(sets: Sets, case: str):
    content, sentence = REFUSED[case]
    assert sentence in sets.refused(content)
    assert not Path("/tmp/evil.png").exists()


def at(place: int, what: bytes) -> bytes:
    """Return the plain zip with other bytes at a place."""
    return PLAIN[:place] + what + PLAIN[place + len(what) :]


SIZE_IN_LISTING = PLAIN.index(b"happy/0.png", PLAIN.index(b"PK\1\2")) - 46 + 24
LEFT_OUT: dict[str, tuple[bytes, dict[str, str]]] = {
    "a link": (beside("happy/x.png", b"/etc/passwd", stat.S_IFLNK | 0o777), {"happy/x.png": "link"}),
    **{
        f"a special file {kind:o}": (beside("happy/x.png", b"", kind | 0o777), {"happy/x.png": "no plain file"})
        for kind in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK)
    },
    **{
        f"called a picture: {content[:9]!r}": (beside("happy/x.jpg", content), {"happy/x.jpg": "not a picture"})
        for content in (ONE, SVG, b"<html><script>alert(1)</script>", b"#!/bin/sh\nrm -rf ~\n", POSTSCRIPT, b"")
    },
    "2,500 megapixels": (beside("happy/x.png", claiming(50_000, 50_000)), {"happy/x.png": "too large to open safely"}),
    "damaged": (at(100, b"\xff\xff\xff"), {"happy/0.png": "damaged"}),
    "larger than it says": (at(SIZE_IN_LISTING, struct.pack("<I", 100)), {"happy/0.png": "damaged"}),
    "a zero byte in a name": (beside("sad/x\0z.png", shot(3)), {"sad/x\0z.png": "name"}),
    "a long name": (beside(f"sad/{'x' * 300}.png", shot(3)), {f"sad/{'x' * 300}.png": "none that a file can have"}),
    "one name twice": (zipped([*plain_files().items(), ("happy/0.png", shot(1))]), {"happy/0.png": "twice"}),
    "40 folders deep": (beside("d/" * 40 + "1.png", shot(9)), {"d/" * 40 + "1.png": "more than 32 folders deep"}),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_cannot_be_kept_of_a_zip_is_left_out_and_named_with_the_reason(sets: Sets, case: str):
    content, expected = LEFT_OUT[case]
    made = sets.bring(content)
    assert set(made.left_out) == set(expected)
    assert all(expected[name] in reason for name, reason in made.left_out.items())
    assert sum(made.counts.values()) == (3 if case in ("damaged", "larger than it says") else 4)
    assert not any(path.is_symlink() for path in made.folder.rglob("*"))


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_servers_limits_refuse_a_set_and_leave_out_a_picture(sets: Sets, is_zip: bool):
    large = encoded(Image.effect_noise((300, 300), 90))
    files = {**plain_files(), "sad/large.png": large, "a/b/c/happy/deep.png": shot("deep")}
    source = zipped(files) if is_zip else files
    for limits, sentence in (
        ({"pictures": 3}, "pictures: the limit is 3"), ({"files": 3}, "too many files: the limit is 3"),
        ({"bytes": 2000}, "the limit is 2.0 KB"), ({"seconds": 1e-9}, "the limit: import fewer pictures"),
    ):  # fmt: skip
        with pytest.raises(PictureError, match=sentence):
            sets.within(source, **limits)
        assert sets.names() == []
    left_out = sets.within(source, picture_bytes=30_000, depth=3).left_out
    assert "limit of one picture" in left_out["sad/large.png"]
    assert any("more than 3 folders deep" in reason for reason in left_out.values())


def test_a_listing_longer_than_the_limit_allows_is_never_read_into_memory(sets: Sets):
    """Its entries are many and empty: the zip is small, and what is noted of each entry is not."""
    count, entry = 60_000, struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, *[0] * 6) + b"x"
    content = entry * count + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, count * len(entry), 0, 0)
    file = sets.given(content)
    tracemalloc.start()
    with pytest.raises(PictureError, match="too many files: the limit is 100"):
        sets.within(file, files=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def streamed() -> bytes:
    """Return a zip whose sizes stand behind its entries."""

    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in plain_files().items():
            made.writestr(name, content)
    return pipe.getvalue()


HARMLESS: dict[str, tuple[bytes | dict[str, bytes], dict[str, int], str]] = {
    "as small as a bomb": (
        zipped({"joy/1.bmp": encoded(Image.new("RGB", (900, 900), "white"), "BMP")}), {"joy": 1}, "",
    ),
    "dots within a name": (shots("happy/a."), {"happy": 1}, ""),
    "backslashes of old": (shots("dog\\joy\\1", "dog\\sad\\1"), {"joy": 1, "sad": 1}, "Everything lies in 'dog'"),
    "a stream": (streamed(), {"happy": 2, "sad": 2}, ""),
    "bytes before it": (b"#!/bin/sh\nexit\n" + PLAIN, {"happy": 2, "sad": 2}, ""),
    "any script": (shots("träne/😢", "嬉しい/写真", "سعيد/CON"), {"träne": 1, "嬉しい": 1, "سعيد": 1}, ""),
    "UTF-8 that does not say so": (zipped(shots("xxx/1")).replace(b"xxx", "äx".encode()), {"äx": 1}, ""),
    "a code page of old": (zipped(shots("fr?h/1")).replace(b"fr?h", b"fr\x94h"), {"fröh": 1}, ""),
    "a long name of a class": (shots(f"{'x' * 61}/1", f"{'é' * 100}/1"), {"x" * 60: 1, "é" * 60: 1}, ""),
    "names that a file system refuses": (
        shots("sad?/1", "an:b*c. /1", "x\u202ey/1"), {"sad-": 1, "an-b-c": 1, "xy": 1}, "",
    ),
    "classes that differ in case or form": (
        shots("Joy/1", "Joy/2", "joy/1", "Cafe\u0301/1", "Café/2"), {"joy": 3, "café": 2}, "are read as one class",
    ),
    "parts around the classes": (shots("d/a/joy/1", "d/b/joy/2", "d/b/sad/3"), {"joy": 2, "sad": 1}, "are read as one"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMLESS)
def test_an_odd_zip_that_harms_nobody_is_read_and_what_was_made_of_its_names_is_said(sets: Sets, case: str):
    content, counts, said = HARMLESS[case]
    made = sets.bring(content if isinstance(content, bytes) else zipped(content))
    assert {label.casefold(): count for label, count in made.counts.items()} == counts
    assert made.left_out == {}
    assert said in " ".join(made.told["notes"])
