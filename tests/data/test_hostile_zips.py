"""Zips from strangers: each is a set or one sentence, and nothing is written anywhere but in the sets folder."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from helpers.sets import Sets, encoded, image, odd_zip, plain_files, shot
from PIL import Image

from emotion.errors import PictureError

Build = Callable[[Path], object]
UPWARDS = [
    "../evil.png", "happy/../../evil.png", "happy\\..\\..\\evil.png", "../../../../../../tmp/evil.png",
    "/happy/evil.png", "//server/share/evil.png", "\\\\server\\share\\evil.png", "C:/happy/evil.png",
    "c:\\happy\\evil.png", "c:evil.png", "happy/..", "../",
]  # fmt: skip
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOT_PICTURES = [
    SVG, b"<html><script>alert(1)</script>", b"#!/bin/sh\nrm -rf ~\n", b"",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/evil) (w) file\n",
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "photos.zip"


def holding(files: Mapping[str, bytes]) -> Build:
    return lambda path: odd_zip(path, files)


def beside(name: str, content: bytes) -> Build:
    return holding({**plain_files(), name: content})


def rewritten(change: Callable[[bytes], bytes], files: dict[str, bytes] | None = None) -> Build:
    """A zip whose bytes are changed."""
    return lambda path: path.write_bytes(change(odd_zip(path, files or plain_files()).read_bytes()))


def locked(content: bytes) -> bytes:
    """Say of each entry that it has a password."""
    for signature, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = content.find(signature)
        while at >= 0:
            content = content[: at + place] + b"\1" + content[at + place + 1 :]
            at = content.find(signature, at + 4)
    return content


def overlapping(content: bytes) -> bytes:
    """The better zip bomb (Fifield 2019): many entries of the listing share one packed kernel."""
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    listing, tail = content[start:end], bytearray(content[end:])
    tail[8:12], tail[12:16] = struct.pack("<HH", 50, 50), struct.pack("<I", 50 * len(listing))
    return content[:start] + listing * 50 + bytes(tail)


def packed_by(method: int) -> Build:
    def build(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as made:
            made.writestr("happy/1.png", shot(1))

    return build


NOT_A_ZIP = "is not a zip file that can be read"
REFUSED: dict[str, tuple[Build, str]] = {
    **{f"upwards {name}": (beside(name, shot("evil")), "leads out of its folder: it is not safe") for name in UPWARDS},
    "a bomb of one entry": (beside("happy/bomb.png", bytes(30_000_000)), "unpacks to more than 200 times its size"),
    "entries over one another": (rewritten(overlapping, {"happy/1.png": shot(1)}), "lie over one another"),
    "a password": (rewritten(locked), "It is locked with a password: zip it without one."),
    "bzip2": (packed_by(zipfile.ZIP_BZIP2), "zip it in the usual one (Deflate)"),
    "lzma": (packed_by(zipfile.ZIP_LZMA), "zip it in the usual one (Deflate)"),
    **{
        f"cut at {share:.0%}": (rewritten(lambda content, share=share: content[: int(len(content) * share)]), NOT_A_ZIP)
        for share in (0, 0.02, 0.3, 0.6, 0.99)
    },
    **{
        f"no zip {content[:4]!r}": (lambda path, content=content: path.write_bytes(content), NOT_A_ZIP)
        for content in (b"PK", b"text", b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c")
    },
    "no UTF-8 that says it is": (
        rewritten(lambda content: content.replace("äx".encode(), b"\xff\xfex"), {"äx/1.png": shot(1)}), NOT_A_ZIP,
    ),
    **{
        f"class {name[:9]!r}": (beside(f"{name}/1.png", shot(1)), "class folder")
        for name in ("CON", "nul", "Com1", "lpt9.x", "x" * 61, "é" * 300, "   ", "\u202e")
    },
    "loose pictures only": (holding({"cover.png": shot(1)}), "It lies in no class folder."),
    "no pictures": (holding({"notes.txt": b"x", "happy/": b""}), "no pictures in class folders"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_zip_is_refused_in_one_sentence_and_leaves_nothing(sets: Sets, file: Path, case: str) -> None:
    build, sentence = REFUSED[case]
    build(file)
    assert sentence in sets.refused(file)
    assert not Path("/tmp/evil.png").exists()


def of_kind(kind: int) -> Build:
    """A zip with an entry that is a link, a pipe or a device."""
    entry = zipfile.ZipInfo("happy/x.png")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    return lambda path: odd_zip(path, [*plain_files().items(), (entry, b"/etc/passwd")])


def changed_at(find: Callable[[bytes], int], new: bytes) -> Build:
    """A zip with bytes replaced at a place that is looked for."""
    return rewritten(lambda content: content[: find(content)] + new + content[find(content) + len(new) :])


def claiming(width: int, height: int) -> bytes:
    """Return a small file whose header claims many pixels."""
    content = bytearray(shot(1))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def with_large_profile() -> bytes:
    content, data = shot("profile"), b"x\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(data)) + b"iCCP" + data + struct.pack(">I", zlib.crc32(b"iCCP" + data))
    return content[:33] + chunk + content[33:]


def twice(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd_zip(path, [*plain_files().items(), ("happy/0.png", shot("another"))])


def first_in_listing(content: bytes) -> int:
    return content.index(b"happy/0.png", content.index(b"PK\1\2")) - 46


SYSTEMS = ["__MACOSX/happy/._1.png", "happy/.DS_Store", "happy/Thumbs.db", "happy/desktop.ini", ".git/x/1.png"]
INNER = odd_zip(io.BytesIO(), {"sad/1.png": shot("inner")}).getvalue()  # type: ignore[attr-defined, arg-type]
LEFT_OUT: dict[str, tuple[Build, dict[str, str]]] = {
    "a link": (of_kind(stat.S_IFLNK), {"happy/x.png": "link"}),
    **{
        f"a special file {kind:o}": (of_kind(kind), {"happy/x.png": "no plain file"})
        for kind in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK)
    },
    "a zip within": (beside("happy/inner.zip", INNER), {"happy/inner.zip": "archive within"}),
    "a zip called a picture": (beside("happy/x.png", INNER), {"happy/x.png": "not a picture"}),
    **{
        f"called a picture: {content[:9]!r}": (beside("happy/x.jpg", content), {"happy/x.jpg": "not a picture"})
        for content in NOT_PICTURES
    },
    "another kind": (beside("happy/b.svg", SVG), {"happy/b.svg": "save it as .jpg or .png"}),
    "a text": (beside("happy/c.txt", b"x"), {"happy/c.txt": "not a picture by its name"}),
    "150 megapixels": (beside("happy/x.png", claiming(15_000, 10_000)), {"happy/x.png": "the limit is 120 megapixels"}),
    "2,500 megapixels": (beside("happy/x.png", claiming(50_000, 50_000)), {"happy/x.png": "too large to open safely"}),
    "a profile of 100 MB": (beside("happy/x.png", with_large_profile()), {"happy/x.png": ""}),
    "damaged": (changed_at(lambda content: 100, b"\xff\xff\xff"), {"happy/0.png": "damaged"}),
    "larger than it says": (
        changed_at(lambda content: first_in_listing(content) + 24, struct.pack("<I", 100)), {"happy/0.png": "damaged"},
    ),
    "a zero byte in a name": (
        rewritten(
            lambda content: content.replace(b"sad/xyz.png", b"sad/x\0z.png"), plain_files() | {"sad/xyz.png": shot(3)}
        ),
        {"sad/x\0z.png": "name"},
    ),
    "one name twice": (twice, {"happy/0.png": "twice"}),
    "what systems leave": (
        holding(plain_files() | dict.fromkeys(SYSTEMS, shot(9))), dict.fromkeys(SYSTEMS, "hidden"),
    ),
    "33 folders deep": (beside("d/" * 40 + "1.png", shot(9)), {"d/" * 40 + "1.png": "more than 32 folders deep"}),
    "loose": (beside("cover.png", shot("cover")), {"cover.png": "no class folder"}),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_cannot_be_kept_of_a_zip_is_left_out_and_named_with_the_reason(sets: Sets, file: Path, case: str) -> None:
    build, expected = LEFT_OUT[case]
    build(file)
    made = sets.bring(file)
    assert set(made.left_out) == set(expected)
    for name, reason in expected.items():
        assert reason in made.left_out[name]
    assert made.counts in ({"happy": 2, "sad": 2}, {"happy": 1, "sad": 2})
    assert not any(path.is_symlink() for path in made.folder.rglob("*"))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"pictures": 3}, "holds 4 pictures: the limit is 3"),
        ({"files": 3}, "too many files: the limit is 3"),
        ({"bytes": 2000}, "the limit is 2.0 KB a set"),
        ({"seconds": 1e-9}, "the limit: import fewer pictures"),
    ],
)
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_set_beyond_a_servers_limit_is_refused_and_the_limit_named(
    sets: Sets, file: Path, is_zip: bool, limits: dict[str, float], sentence: str
) -> None:
    odd_zip(file, plain_files())
    source = file if is_zip else file.parent / "photos"
    zipfile.ZipFile(file).extractall(file.parent / "photos")
    with pytest.raises(PictureError, match=sentence):
        sets.within(source, **limits)
    assert sets.names() == []


def test_a_picture_beyond_a_servers_limit_is_left_out_and_the_limit_named(sets: Sets, file: Path) -> None:
    large = encoded(Image.effect_noise((300, 300), 90))
    odd_zip(file, {**plain_files(), "sad/large.png": large, "a/b/c/happy/deep.png": shot("deep")})
    left_out = sets.within(file, picture_bytes=30_000, depth=3).left_out
    assert "limit of one picture" in left_out["sad/large.png"]
    assert "more than 3 folders deep" in left_out["a/b/c/happy/deep.png"]
    assert "300 x 300 pixels: the limit is" in sets.within(file, name="other", pixels=2000).left_out["sad/large.png"]


def test_a_listing_longer_than_the_limit_allows_is_never_read_into_memory(sets: Sets, file: Path) -> None:
    """Its entries are many and empty: the zip is small, and what is noted of each entry is not."""
    count, entry = 60_000, struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, *[0] * 6) + b"x"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, count * len(entry), 0, 0)
    file.write_bytes(entry * count + end)
    tracemalloc.start()
    with pytest.raises(PictureError, match="too many files: the limit is 100"):
        sets.within(file, files=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


HARMLESS: dict[str, tuple[Build, dict[str, int]]] = {
    "a blank drawing packs as well as a bomb": (
        holding({"happy/blank.bmp": encoded(Image.new("RGB", (900, 900), "white"), "BMP")}),
        {"happy": 1},
    ),
    "dots within a name": (holding({"happy/a..png": shot(1)}), {"happy": 1}),
    "backslashes of old packers": (
        holding({"dogs\\happy\\1.png": shot(1), "dogs\\sad\\1.png": shot(2)}), {"happy": 1, "sad": 1},
    ),
    "bytes before it": (rewritten(lambda content: b"#!/bin/sh\nexit\n" + content), {"happy": 2, "sad": 2}),
    "any script": (
        holding({name: shot(name) for name in ("träne/😢.png", "嬉しい/写真.png", "سعيد/CON.png")}),
        {"träne": 1, "嬉しい": 1, "سعيد": 1},
    ),
    "UTF-8 that does not say so": (
        rewritten(lambda content: content.replace(b"xxx", "äx".encode()), {"xxx/1.png": shot(1)}), {"äx": 1},
    ),
    "a code page of old": (
        rewritten(lambda content: content.replace(b"fr?h", b"fr\x94h"), {"fr?h/1.png": shot(1)}), {"fröh": 1},
    ),
    "a long name of a picture": (holding({f"sad/{'x' * 300}.png": shot(1)}), {"sad": 1}),
    "names that a file system refuses": (
        holding({"sad?/1.png": shot(1), "an:b*c. /1.png": shot(2), "x\u202ey/1.png": shot(3)}),
        {"sad-": 1, "an-b-c": 1, "xy": 1},
    ),
    "classes that differ in case or form": (
        holding({f"{name}.png": shot(name) for name in ("Joy/1", "Joy/2", "joy/1", "Cafe\u0301/1", "Café/2")}),
        {"joy": 3, "Café": 2},
    ),
    "a folder around it": (
        holding({f"my dogs/{name}": content for name, content in plain_files().items()}),
        {"happy": 2, "sad": 2},
    ),
    "parts around the classes": (
        holding({f"d/{part}/{name}": shot((part, name)) for part in "ab" for name in plain_files()}),
        {"happy": 4, "sad": 4},
    ),
}  # fmt: skip
SAID = {
    "names that a file system refuses": "'sad?' is called 'sad-'",
    "classes that differ in case or form": "are read as one class",
    "a folder around it": "Everything lies in 'my dogs'",
    "parts around the classes": "are read as one",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_an_odd_zip_that_harms_nobody_is_read_and_what_was_made_of_its_names_is_said(
    sets: Sets, file: Path, case: str
) -> None:
    build, counts = HARMLESS[case]
    build(file)
    made = sets.bring(file)
    assert {label.casefold(): count for label, count in made.counts.items()} == {
        label.casefold(): count for label, count in counts.items()
    }
    assert made.left_out == {}
    assert SAID.get(case, "") in " ".join(made.told["notes"])


def test_a_stream_of_a_zip_with_sizes_behind_its_entries_is_read(sets: Sets, file: Path) -> None:
    class Pipe(io.RawIOBase):
        content = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes, /) -> int:  # type: ignore[override]
            self.content += bytes(data)
            return len(data)

    pipe = Pipe()
    odd_zip(pipe, plain_files())  # type: ignore[arg-type]
    file.write_bytes(pipe.content)
    assert sets.bring(file).counts == {"happy": 2, "sad": 2}


def test_a_script_behind_a_picture_is_cut_off(sets: Sets, file: Path) -> None:
    parts = {f"happy/{kind}.png": shot(kind, kind) + b"<script>alert(1)" for kind in ("PNG", "JPEG", "WEBP")}
    odd_zip(file, {**parts, "happy/gif.gif": encoded(image(4), "GIF", comment=b"<script>alert(2)")})
    made = sets.bring(file)
    assert made.counts == {"happy": 4}
    assert not any(b"<script>" in path.read_bytes() for path in made.files())
