"""Whatever the bytes are, an import is a saved set or one sentence, and nothing is written but in the sets folder.

A few seconds, the same every time. ``EMOTION_FUZZ_SECONDS=600`` goes on for as long, with new bytes every time.
"""

import contextlib
import io
import os
import tempfile
import time
import zlib
from pathlib import Path

import pytest
from helpers.sets import encoded, image, import_steps, of_a_phone, result_of, tree, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotion.cli import main
from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.folders import list_folder

SECONDS = float(os.environ.get("EMOTION_FUZZ_SECONDS", "0"))
# What a mutation lets a header claim is not decoded here: it would take seconds a picture.
LIMITS = {"files": 200, "picture_bytes": 5_000_000}

# Of every format, with whatever can stand in one.
EXIF, SMALL = of_a_phone(6), image(1, width=24, height=20)
FRAMES = {"save_all": True, "append_images": [image(2, width=24, height=20)]}
PICTURES = [
    ("jpg", encoded(SMALL, "JPEG", exif=EXIF, comment=b"x", icc_profile=b"profile")),
    ("jpg", encoded(SMALL, "JPEG", progressive=True, restart_marker_blocks=2)),
    ("jpg", encoded(SMALL.convert("CMYK"), "JPEG", xmp=b"<x tiff:Orientation='6'/>")),
    ("jpg", encoded(SMALL, "MPO", exif=EXIF, **FRAMES)),
    ("png", encoded(SMALL, "PNG", exif=EXIF)),
    ("png", encoded(SMALL.quantize(4), "PNG", transparency=1)),
    ("png", encoded(SMALL, "PNG", **FRAMES)),
    ("webp", encoded(SMALL, "WEBP", exif=EXIF, xmp=b"x", icc_profile=b"profile")),
    ("webp", encoded(SMALL.convert("RGBA"), "WEBP", lossless=True, **FRAMES)),
    ("gif", encoded(SMALL, "GIF", comment=b"x", **FRAMES)),
    ("bmp", encoded(SMALL, "BMP")),
    ("tif", encoded(SMALL, "TIFF", exif=EXIF, compression="tiff_lzw")),
    ("tif", encoded(SMALL, "TIFF", compression="jpeg")),
]
GOOD = ("sad/good.png", PICTURES[4][1])
CLASSES = ("happy", "sad")
WHOLE = zipped({f"set/{CLASSES[row % 2]}/{row}.{kind}": content for row, (kind, content) in enumerate(PICTURES)})

# Where, and what: a byte set, bytes put in, bytes taken out, or numbers that headers are afraid of.
NUMBERS = st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\1\0\0\0"])
WHATS = st.one_of(st.binary(min_size=1, max_size=4), NUMBERS, st.integers(1, 64))
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), WHATS, st.booleans()), min_size=1, max_size=6)
Changes = list[tuple[float, bytes | int, bool]]


def changed(content: bytes, changes: Changes) -> bytes:
    for place, what, is_put_in in changes:
        at = int(place * len(content))
        if isinstance(what, int):
            content = content[:at] + content[at + what :]
        else:
            content = content[:at] + what + content[at if is_put_in else at + len(what) :]
    return content


def holds(content: bytes, name: str):
    """Import a zip of this content and look at what has become of it."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        (folder / "photos.zip").write_bytes(content)
        try:
            result_of(import_steps(folder / "photos.zip", folder / "sets", name=name, **LIMITS))
        except PictureError as error:
            sentence = str(error)
            assert sentence.strip()
            assert "\n" not in sentence
            assert tree(folder) == {"photos.zip"}
            return
        assert {path.name for path in folder.iterdir()} == {"photos.zip", "sets"}
        [made] = [path for path in (folder / "sets").iterdir() if path.name != ".sets-lock"]
        assert made.is_dir()
        pictures = [path for paths in list_folder(made).paths().values() for path in paths]
        assert sorted(pictures) == sorted(path for path in made.glob("*/**/*") if path.is_file())
        for path in pictures:
            assert path.resolve().is_relative_to(made.resolve())
            open_picture(path)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["pictures", "show", made.name, "--sets", str(made.parent), "--json"]) == 0
        assert f'"pictures": {len(pictures)},' in out.getvalue()


def with_changed_pictures(changes: tuple[Changes, ...]) -> bytes:
    """Return a zip whose checksums are right, so that the changed bytes come to the readers of pictures."""
    files = [
        (f"happy/{number}.{kind}", mended(changed(content, each), is_png=kind == "png"))
        for number, ((kind, content), each) in enumerate(zip(PICTURES, changes, strict=True))
    ]
    return zipped([*files, GOOD])


def mended(content: bytes, *, is_png: bool) -> bytes:
    """Set a PNG's checksums right as far as its chunks can be followed; otherwise nothing behind them is reached."""
    if not is_png:
        return content
    whole, at = bytearray(content), 8
    while at + 12 <= len(whole):
        end = at + 8 + int.from_bytes(whole[at : at + 4])
        if end + 4 > len(whole):
            break
        whole[end : end + 4] = zlib.crc32(whole[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(whole)


def with_entries(paths: list[str]) -> bytes:
    """Return a zip of a good picture and one at each of the paths."""
    return zipped([*((f"{path}.png", PICTURES[5][1]) for path in paths), GOOD])


ODD = ["..", ".", "", "/", "\\", "C:", "CON", "nul.png", "x" * 300, "\u202e", "__MACOSX", "a\0b", "happy"]
NAMES = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.sampled_from(ODD))
PATHS = st.one_of(st.lists(NAMES, min_size=1, max_size=4).map(slash.join) for slash in "/\\")
# How many examples, of what, and under what name.
ZIPS: dict[str, tuple[int, st.SearchStrategy[bytes], st.SearchStrategy[str]]] = {
    "any bytes changed": (60, CHANGES.map(lambda changes: changed(WHOLE, changes)), st.just("mine")),
    "pictures with any bytes changed": (
        20, st.tuples(*[CHANGES] * len(PICTURES)).map(with_changed_pictures), st.just("mine"),
    ),
    "entries and a set of any name": (
        30, st.lists(PATHS, min_size=1, max_size=6).map(with_entries), st.just("mine") | st.text(max_size=80),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ZIPS)
def test_a_zip_of_any_bytes_under_any_name_is_a_set_or_a_sentence(case: str):
    examples, zips, names = ZIPS[case]
    quiet = settings(
        max_examples=examples, derandomize=not SECONDS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    held, end = quiet(given(zips, names)(holds)), time.monotonic() + SECONDS
    held()
    while time.monotonic() < end:
        held()
