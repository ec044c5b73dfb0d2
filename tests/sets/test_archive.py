"""Zips from strangers: each is a set or one sentence, and nothing is written anywhere but in the sets folder."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image
from zips import encoded, image, imported, make_zip, picture, plain_files, reasons, tree

from emotion.errors import PictureError
from emotion.pictures.folders import list_pictures
from emotion.sets.archive import ZipSource
from emotion.sets.limits import Limits


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in" / "photos.zip"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()


def refused(source: Path, tmp_path: Path, **options: object) -> str:
    """Import what has to be refused; return the sentence, after a look that nothing was written anywhere."""
    before = tree(tmp_path)
    with pytest.raises(PictureError) as caught:
        imported(source, tmp_path / "sets", **options)
    assert tree(tmp_path) == before
    assert str(caught.value).count("\n") == 0
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png", "happy/../../evil.png", "happy\\..\\..\\evil.png", "../../../../../../tmp/evil.png",
        "/happy/evil.png", "//server/share/evil.png", "\\\\server\\share\\evil.png", "C:/happy/evil.png",
        "c:\\happy\\evil.png", "c:evil.png", "happy/..", "../",
    ],
)  # fmt: skip
def test_an_entry_that_leads_elsewhere_refuses_the_zip(file: Path, tmp_path: Path, name: str) -> None:
    make_zip(file, {**plain_files(), name: picture("evil")})
    assert "which leads out of its folder: it is not safe to import." in refused(file, tmp_path)


def test_dots_within_a_name_lead_nowhere(file: Path, tmp_path: Path) -> None:
    make_zip(file, {"happy/a..png": picture(1), "./happy/./...b.jpg.png": picture(2), "happy/..c/d.png": picture(3)})
    found = imported(file, tmp_path / "sets")
    assert {row.original for row in found.manifest.pictures} == {"happy/a..png"}
    assert set(reasons(found).values()) == {"It is hidden, or belongs to a system."}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (stat.S_IFLNK, "It is a link to another file."),
        (stat.S_IFIFO, "It is no plain file."),
        (stat.S_IFCHR, "It is no plain file."),
        (stat.S_IFBLK, "It is no plain file."),
        (stat.S_IFSOCK, "It is no plain file."),
    ],
)
def test_links_pipes_and_devices_are_left_out(file: Path, tmp_path: Path, kind: int, reason: str) -> None:
    link = zipfile.ZipInfo("happy/link.png")
    link.create_system, link.external_attr = 3, (kind | 0o777) << 16
    make_zip(file, [*plain_files().items(), (link, b"/etc/passwd")])
    found = imported(file, tmp_path / "sets")
    assert reasons(found) == {"happy/link.png": reason}
    assert not any(path.is_symlink() for path in found.folder.rglob("*"))


def test_a_bomb_of_one_entry_is_refused_by_its_ratio(file: Path, tmp_path: Path) -> None:
    make_zip(file, {**plain_files(), "happy/bomb.png": bytes(30_000_000)})
    assert refused(file, tmp_path) == (
        "photos.zip holds 'happy/bomb.png', which unpacks to more than 200 times its size, the limit: "
        "leave it out of the zip."
    )


def test_a_small_blank_drawing_is_no_bomb(file: Path, tmp_path: Path) -> None:
    blank = encoded(Image.new("RGB", (900, 900), "white"), "BMP")
    make_zip(file, {"happy/blank.bmp": blank})
    with zipfile.ZipFile(file) as made:
        assert made.infolist()[0].file_size > 200 * made.infolist()[0].compress_size
    assert len(imported(file, tmp_path / "sets").manifest.pictures) == 1


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(pictures=3), "photos.zip holds 4 pictures: the limit is 3 a set."),
        (Limits(files=3), "photos.zip holds too many files: the limit is 3."),
        (Limits(bytes=2000), "photos.zip holds pictures of 13.4 KB: the limit is 2.0 KB a set."),
        (Limits(seconds=1e-9), "The import takes more than 1e-09 seconds, the limit: import fewer pictures."),
    ],
)
def test_what_is_beyond_a_limit_is_refused_and_the_limit_named(
    file: Path, tmp_path: Path, limits: Limits, sentence: str
) -> None:
    make_zip(file, plain_files())
    size = sum(len(content) for content in plain_files().values())
    assert refused(file, tmp_path, limits=limits) == sentence.replace("13.4 KB", f"{size / 1e3:.1f} KB")


def test_a_picture_beyond_a_limit_is_left_out_and_the_limit_named(file: Path, tmp_path: Path) -> None:
    large = encoded(Image.effect_noise((300, 300), 90), "PNG")
    make_zip(file, {**plain_files(), "sad/large.png": large, "a/b/c/happy/deep.png": picture("deep")})
    found = imported(file, tmp_path / "sets", limits=Limits(picture_bytes=30_000, depth=3))
    assert reasons(found) == {
        "sad/large.png": "It has more than 30.0 KB, the limit of one picture.",
        "a/b/c/happy/deep.png": "It lies more than 3 folders deep, the limit.",
    }
    found = imported(file, tmp_path / "sets", name="others", limits=Limits(pixels=2000))
    assert reasons(found) == {
        "sad/large.png": "It has 300 x 300 pixels: the limit is 0.002 megapixels, make it smaller."
    }


def test_a_listing_longer_than_all_files_may_need_is_never_read(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entries are many and empty: the zip is small, and what Python notes of each entry is not."""
    with zipfile.ZipFile(file, "w") as made:
        for number in range(3000):
            made.writestr(f"{number}", b"")
    monkeypatch.setattr(ZipSource, "_check", lambda *_: pytest.fail("the listing was read"))
    assert refused(file, tmp_path, limits=Limits(files=100)) == "photos.zip holds too many files: the limit is 100."


def test_entries_that_lie_over_one_another_are_refused(file: Path, tmp_path: Path) -> None:
    """The better zip bomb (Fifield 2019): many entries of the listing share one packed kernel."""
    make_zip(file, {"happy/1.png": picture(1)})
    content = file.read_bytes()
    start = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    listing = content[start:end]
    tail = bytearray(content[end:])
    tail[8:12] = struct.pack("<HH", 50, 50)
    tail[12:16] = struct.pack("<I", 50 * len(listing))
    file.write_bytes(content[:start] + listing * 50 + bytes(tail))
    assert refused(file, tmp_path) == ("photos.zip holds entries that lie over one another: it is not safe to import.")


def test_a_zip_within_the_zip_is_not_opened_and_counted(file: Path, tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "in" / "inner.zip", {"sad/1.png": picture("inner")}).read_bytes()
    make_zip(file, {**plain_files(), "happy/inner.zip": inner, "happy/renamed.png": inner})
    found = imported(file, tmp_path / "sets")
    assert reasons(found) == {
        "happy/inner.zip": "It is an archive within: unpack it first.",
        "happy/renamed.png": "It is not a picture, whatever its name says.",
    }
    assert len(found.manifest.pictures) == 4


def test_a_locked_zip_is_one_sentence(file: Path, tmp_path: Path) -> None:
    content = make_zip(file, plain_files()).read_bytes()
    for signature, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = content.find(signature)
        while at >= 0:
            content = content[: at + place] + b"\1" + content[at + place + 1 :]
            at = content.find(signature, at + 4)
    file.write_bytes(content)
    assert refused(file, tmp_path) == (
        "No picture in photos.zip can be used; the first of 4 left out is happy/0.png: "
        "It is locked with a password: zip it without one."
    )


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_zip_that_was_cut_short_is_one_sentence(file: Path, tmp_path: Path, share: float) -> None:
    whole = make_zip(file, plain_files()).read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    assert refused(file, tmp_path) == (
        "photos.zip is not a zip file that can be read, or was cut short: zip the folder again."
    )


@pytest.mark.parametrize("content", [b"", b"PK", b"text", b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c"])
def test_what_is_no_zip_is_one_sentence(file: Path, tmp_path: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "is not a zip file that can be read" in refused(file, tmp_path)


def test_an_entry_whose_content_is_damaged_is_left_out(file: Path, tmp_path: Path) -> None:
    make_zip(file, plain_files())
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as made:
        content[made.getinfo("happy/0.png").header_offset + 60] ^= 0xFF
    file.write_bytes(content)
    assert reasons(imported(file, tmp_path / "sets")) == {"happy/0.png": "It is damaged in the zip."}


def test_an_entry_that_is_larger_than_it_says_is_left_out(file: Path, tmp_path: Path) -> None:
    make_zip(file, plain_files())
    content = bytearray(file.read_bytes())
    place = content.index(b"happy/0.png", content.index(b"PK\1\2")) - 46
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    file.write_bytes(content)
    assert reasons(imported(file, tmp_path / "sets")) == {"happy/0.png": "It is damaged in the zip."}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_way_to_pack_is_named(file: Path, tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("happy/1.png", picture(1))
    assert "packed in a way that is not read: zip it in the usual one (Deflate)." in refused(file, tmp_path)


def test_of_two_entries_with_one_name_the_first_counts(file: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_zip(file, [("happy/1.png", picture("first")), ("happy/1.png", picture("second"))])
    found = imported(file, tmp_path / "sets")
    assert reasons(found) == {"happy/1.png": "It is in the zip twice."}
    assert (found.folder / "happy" / "0001.png").read_bytes() == picture("first")


def test_names_in_any_script_become_classes_and_numbered_files(file: Path, tmp_path: Path) -> None:
    names = ["glücklich/träne 😢.png", "嬉しい/写真.png", "سعيد/صورة.png", "happy/CON.png", "happy/aux .png"]
    make_zip(file, {name: picture(name) for name in names} | {f"sad/{'x' * 300}.png": picture("long")})
    found = imported(file, tmp_path / "sets")
    assert set(found.manifest.counts()) == {"glücklich", "嬉しい", "سعيد", "happy", "sad"}
    assert {row.original for row in found.manifest.pictures} == {*names, f"sad/{'x' * 300}.png"}
    assert set(list_pictures(found.folder)) == set(found.manifest.counts())
    for path in found.folder.glob("*/*"):
        assert path.stem.isdecimal()


@pytest.mark.parametrize(("written", "read"), [("glücklich", "glücklich"), ("嬉しい", "嬉しい"), ("fr\x94hlich", None)])
def test_names_in_utf_8_that_do_not_say_so_are_read_as_such(
    file: Path, tmp_path: Path, written: str, read: str | None
) -> None:
    raw = written.encode("latin-1") if read is None else written.encode()
    placeholder = "x" * len(raw)
    content = make_zip(file, {f"{placeholder}/1.png": picture(1)}).read_bytes()
    file.write_bytes(content.replace(placeholder.encode(), raw))
    # 0x94 is an ö in the code page of old.
    assert set(imported(file, tmp_path / "sets").manifest.counts()) == {read or "fröhlich"}


def test_names_that_say_utf_8_and_are_not_are_one_sentence(file: Path, tmp_path: Path) -> None:
    content = make_zip(file, {"äx/1.png": picture(1)}).read_bytes()
    file.write_bytes(content.replace("äx".encode(), b"\xff\xfex"))
    assert "is not a zip file that can be read" in refused(file, tmp_path)


def test_a_zero_byte_in_a_name_is_left_out(file: Path, tmp_path: Path) -> None:
    content = make_zip(file, {**plain_files(), "sad/xyz.png": picture("zero")}).read_bytes()
    file.write_bytes(content.replace(b"sad/xyz.png", b"sad/x\0z.png"))
    assert reasons(imported(file, tmp_path / "sets")) == {"sad/x\0z.png": "Its name is none that a file can have."}


def test_classes_that_differ_in_case_or_form_are_one_and_said(file: Path, tmp_path: Path) -> None:
    names = ["Happy/1.png", "Happy/2.png", "happy/1.png", "Cafe\u0301/1.png", "Café/2.png", "café/3.png"]
    make_zip(file, {name: picture(name) for name in names})
    found = imported(file, tmp_path / "sets")
    assert found.manifest.counts() == {"happy": 3, "Café": 3}
    assert [note for note in found.manifest.notes if "written" in note] == [
        "'Café' and 'café' are read as one class, 'Café': they differ only in how they are written.",
        "'Happy' and 'happy' are read as one class, 'happy': they differ only in how they are written.",
    ]


def test_names_that_a_file_system_refuses_are_made_safe_and_said(file: Path, tmp_path: Path) -> None:
    make_zip(file, {"sad?/1.png": picture(1), "an:b*c. /1.png": picture(2), "x\u202ey/1.png": picture(3)})
    found = imported(file, tmp_path / "sets")
    assert set(found.manifest.counts()) == {"sad-", "an-b-c", "xy"}
    assert "The class folder 'sad?' is called 'sad-', which every file system can hold." in found.manifest.notes


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "lpt9.x", "x" * 61, "x" * 300, "é" * 300, "   ", "\u202e"])
def test_a_class_folder_whose_name_cannot_be_kept_is_one_sentence(file: Path, tmp_path: Path, name: str) -> None:
    make_zip(file, {**plain_files(), f"{name}/1.png": picture(1)})
    assert "class folder" in refused(file, tmp_path)


def test_what_systems_leave_in_a_zip_is_left_alone(file: Path, tmp_path: Path) -> None:
    names = ["__MACOSX/happy/._1.png", "happy/.DS_Store", "happy/Thumbs.db", "happy/desktop.ini", ".git/x/1.png"]
    make_zip(file, {**plain_files(), **{name: picture(name) for name in names}})
    found = imported(file, tmp_path / "sets")
    assert reasons(found) == dict.fromkeys(names, "It is hidden, or belongs to a system.")
    assert list(found.manifest.counts()) == ["happy", "sad"]


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/evil) (w) file\n"


@pytest.mark.parametrize(
    "content", [SVG, b"<html><script>alert(1)</script>", b"#!/bin/sh\nrm -rf ~\n", POSTSCRIPT, b""]
)
def test_other_content_renamed_to_jpg_is_left_out(file: Path, tmp_path: Path, content: bytes) -> None:
    make_zip(file, {**plain_files(), "happy/x.jpg": content})
    assert reasons(imported(file, tmp_path / "sets")) == {"happy/x.jpg": "It is not a picture, whatever its name says."}


def test_a_script_behind_a_picture_is_cut_off(file: Path, tmp_path: Path) -> None:
    parts = {
        f"happy/{kind}.png": picture(kind, kind) + b"<script>alert(1)</script>" for kind in ("PNG", "JPEG", "WEBP")
    }
    make_zip(file, {**parts, "happy/gif.gif": picture("gif", "GIF", comment=b"<script>alert(2)</script>")})
    found = imported(file, tmp_path / "sets")
    assert len(found.manifest.pictures) == 4
    assert not any(b"<script>" in path.read_bytes() for path in found.folder.glob("*/*"))


def test_other_kinds_of_pictures_are_told_how_to_be_saved(file: Path, tmp_path: Path) -> None:
    make_zip(file, {**plain_files(), "happy/a.HEIC": b"x", "happy/b.svg": SVG, "happy/c.txt": b"x"})
    assert reasons(imported(file, tmp_path / "sets")) == {
        "happy/a.HEIC": "It is of a kind that is not read (.heic): save it as .jpg or .png.",
        "happy/b.svg": "It is of a kind that is not read (.svg): save it as .jpg or .png.",
        "happy/c.txt": "It is not a picture by its name.",
    }


def bomb_png(width: int, height: int) -> bytes:
    """Return a small file whose header claims many pixels."""
    content = bytearray(encoded(image(1), "PNG"))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (15_000, 10_000, "It has 15000 x 10000 pixels: the limit is 120 megapixels, make it smaller."),
        (50_000, 50_000, "It is too large to open safely: make it smaller."),
    ],
)
def test_a_picture_that_would_unpack_to_gigabytes_is_left_out_before_it_does(
    file: Path, tmp_path: Path, width: int, height: int, reason: str
) -> None:
    make_zip(file, {**plain_files(), "happy/bomb.png": bomb_png(width, height)})
    assert reasons(imported(file, tmp_path / "sets")) == {"happy/bomb.png": reason}


def test_a_profile_that_unpacks_to_gigabytes_is_left_out(file: Path, tmp_path: Path) -> None:
    content = picture("profile")
    data = b"x\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(data)) + b"iCCP" + data + struct.pack(">I", zlib.crc32(b"iCCP" + data))
    make_zip(file, {**plain_files(), "happy/bomb.png": content[:33] + chunk + content[33:]})
    assert set(reasons(imported(file, tmp_path / "sets"))) == {"happy/bomb.png"}


def test_loose_pictures_have_no_class(file: Path, tmp_path: Path) -> None:
    make_zip(file, {**plain_files(), "cover.png": picture("cover")})
    assert reasons(imported(file, tmp_path / "sets")) == {"cover.png": "It lies in no class folder."}
    make_zip(file, {"cover.png": picture("cover"), "notes.txt": b"x"})
    assert "the first of 1 left out is cover.png: It lies in no class folder." in refused(file, tmp_path, name="other")
    make_zip(file, {"notes.txt": b"x", "happy/": b""})
    assert refused(file, tmp_path, name="other") == (
        "There are no pictures in class folders in photos.zip: put .jpg, .png or .webp files into one folder per class."
    )


def test_a_wrapping_folder_is_no_class_and_said(file: Path, tmp_path: Path) -> None:
    files = {f"my dogs/{name}": content for name, content in plain_files().items()}
    make_zip(file, {**files, "my dogs/cover.png": picture("cover")})
    found = imported(file, tmp_path / "sets")
    assert found.manifest.counts() == {"happy": 2, "sad": 2}
    assert found.manifest.notes == ["Everything lies in 'my dogs': the class folders within are read."]
    assert reasons(found) == {"my dogs/cover.png": "It lies in no class folder."}


def test_several_levels_are_read_as_the_innermost_folder_and_said(file: Path, tmp_path: Path) -> None:
    files = {f"data/{part}/{name}": picture((part, name)) for part in ("train", "test") for name in plain_files()}
    make_zip(file, files)
    found = imported(file, tmp_path / "sets")
    assert found.manifest.counts() == {"happy": 4, "sad": 4}
    assert found.manifest.notes == [
        "Everything lies in 'data': the class folders within are read.",
        "Pictures of one class lie in several folders (test/happy, train/happy) and are read as one: a split into "
        "parts that the source brings along is not kept.",
    ]


def test_backslashes_of_old_packers_part_folders(file: Path, tmp_path: Path) -> None:
    make_zip(file, {"dogs\\happy\\1.png": picture(1), "dogs\\sad\\1.png": picture(2)})
    assert imported(file, tmp_path / "sets").manifest.counts() == {"happy": 1, "sad": 1}


def test_an_entry_is_read_only_as_far_as_the_listing_says(file: Path) -> None:
    make_zip(file, {"happy/1.png": picture(1)})
    source = ZipSource(file, Limits())
    [entry] = source.entries
    assert source.read(entry) == picture(1)
    source.close()
    with pytest.raises(PictureError, match="damaged in the zip"):
        source.read(entry)


def test_a_zip_behind_other_bytes_is_read(file: Path, tmp_path: Path) -> None:
    content = make_zip(file, plain_files()).read_bytes()
    file.write_bytes(b"#!/bin/sh\nexit\n" + content)
    assert len(imported(file, tmp_path / "sets").manifest.pictures) == 4


def test_a_stream_of_a_zip_with_sizes_behind_its_entries_is_read(file: Path, tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object, /) -> int:
            self.content += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in plain_files().items():
            made.writestr(name, content)
    file.write_bytes(pipe.content)
    assert len(imported(file, tmp_path / "sets").manifest.pictures) == 4
