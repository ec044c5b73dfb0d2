"""Whatever the bytes are, an import is a saved set or one sentence, and nothing is written but in the sets folder.

A few seconds, the same every time. ``EMOTION_FUZZ_SECONDS=600`` goes on for as long, with new bytes every time.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

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


def bounded(examples: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run a property on so many examples, or again and again for ``EMOTION_FUZZ_SECONDS``."""
    quiet = settings(
        max_examples=examples, derandomize=not SECONDS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    def decorate(property_: Callable[[], None]) -> Callable[[], None]:
        held = quiet(property_)

        def test():
            end = time.monotonic() + SECONDS
            held()
            while time.monotonic() < end:
                held()

        test.__name__, test.__doc__ = property_.__name__, property_.__doc__
        return test

    return decorate


def rich_pictures() -> list[tuple[str, bytes]]:
    """A picture of every format, with whatever can stand in one."""
    exif = of_a_phone(6)
    small, other = image(1, width=24, height=20), image(2, width=24, height=20)
    frames = {"save_all": True, "append_images": [other]}
    return [
        ("jpg", encoded(small, "JPEG", exif=exif, comment=b"x", icc_profile=b"profile")),
        ("jpg", encoded(small, "JPEG", progressive=True, restart_marker_blocks=2)),
        ("jpg", encoded(small.convert("CMYK"), "JPEG", xmp=b"<x tiff:Orientation='6'/>")),
        ("jpg", encoded(small, "MPO", exif=exif, **frames)),
        ("png", encoded(small, "PNG", exif=exif)),
        ("png", encoded(small.quantize(4), "PNG", transparency=1)),
        ("png", encoded(small, "PNG", **frames)),
        ("webp", encoded(small, "WEBP", exif=exif, xmp=b"x", icc_profile=b"profile")),
        ("webp", encoded(small.convert("RGBA"), "WEBP", lossless=True, **frames)),
        ("gif", encoded(small, "GIF", comment=b"x", **frames)),
        ("bmp", encoded(small, "BMP")),
        ("tif", encoded(small, "TIFF", exif=exif, compression="tiff_lzw")),
        ("tif", encoded(small, "TIFF", compression="jpeg")),
    ]


PICTURES = rich_pictures()
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


def holds(content: bytes, *, name: str = "mine"):
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
        beside = [path for path in made.rglob("*") if path.is_file() and path.parent != made]
        assert sorted(pictures) == sorted(beside)
        for path in pictures:
            assert path.resolve().is_relative_to(made.resolve())
            open_picture(path)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["pictures", "show", made.name, "--sets", str(made.parent), "--json"]) == 0
        assert f'"pictures": {len(pictures)},' in out.getvalue()


@bounded(60)
@given(CHANGES)
def test_a_zip_with_any_bytes_changed_is_a_set_or_a_sentence(changes: Changes):
    holds(changed(WHOLE, changes))


@bounded(20)
@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_pieces_of_zips_among_any_bytes_are_a_set_or_a_sentence(content: bytes, start: int, end: int):
    holds(WHOLE[:start] + content + WHOLE[end:])


@bounded(20)
@given(st.lists(CHANGES, min_size=len(PICTURES), max_size=len(PICTURES)))
def test_pictures_with_any_bytes_changed_are_kept_or_left_out(changes: list[Changes]):
    """Their checksums in the zip are right, so that the changed bytes come to the readers of pictures."""
    files = [
        (f"happy/{number}.{kind}", mended(changed(content, each), is_png=kind == "png"))
        for number, ((kind, content), each) in enumerate(zip(PICTURES, changes, strict=True))
    ]
    holds(zipped([*files, ("sad/good.png", PICTURES[4][1])]))


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


ODD = ["..", ".", "", "/", "\\", "C:", "CON", "nul.png", "x" * 300, "\u202e", "__MACOSX", "a\0b", "happy"]
NAMES = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.sampled_from(ODD))


@bounded(30)
@given(st.lists(st.lists(NAMES, min_size=1, max_size=4), min_size=1, max_size=6), st.booleans())
def test_entries_of_any_name_are_a_set_or_a_sentence(names: list[list[str]], is_backslash: bool):
    content = PICTURES[5][1]
    files = [(("\\" if is_backslash else "/").join(parts) + ".png", content) for parts in names]
    holds(zipped([*files, ("sad/1.png", PICTURES[4][1])]))


@bounded(20)
@given(st.text(max_size=80))
def test_a_set_of_any_name_lies_in_the_sets_folder_or_is_a_sentence(name: str):
    holds(zipped([("sad/1.png", PICTURES[4][1])]), name=name)
