"""Picture files of every kind become upright RGB, or one sentence."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from emotion.errors import PictureError
from emotion.pictures.decoding import open_picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str):
    file = tmp_path / ("picture.tif" if mode in ("I", "F", "CMYK") else "picture.png")
    Image.new(mode, (6, 4)).save(file)
    image = open_picture(file)
    assert (image.mode, image.size) == ("RGB", (6, 4))


@pytest.mark.parametrize(
    ("mode", "given", "file", "expected"),
    [
        ("L", 200, "grey.jpg", (200, 200, 200)), ("CMYK", (0, 0, 0, 55), "press.jpg", (200, 200, 200)),
        ("I;16", 32768, "sixteen_bits.png", (127, 127, 127)), ("RGBA", (255, 0, 0, 0), "clear.png", (255, 255, 255)),
        ("RGBA", (255, 0, 0, 128), "half_clear.png", (255, 127, 127)),
    ],
)  # fmt: skip
def test_a_picture_keeps_its_brightness_and_is_white_where_it_is_clear(
    tmp_path: Path, mode: str, given: object, file: str, expected: tuple[int, ...]
):
    Image.new(mode, (16, 16), given).save(tmp_path / file)  # type: ignore[arg-type]
    assert open_picture(tmp_path / file).getpixel((8, 8)) == pytest.approx(expected, abs=3)


def test_a_phones_rotation_is_undone_and_of_an_animation_the_first_frame_counts(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    red, blue = Image.new("RGB", (8, 4), "red"), Image.new("RGB", (4, 4), "blue")
    red.paste("blue", (0, 0, 4, 4))
    red.save(tmp_path / "phone.png", exif=exif)
    upright = open_picture(tmp_path / "phone.png")
    assert (upright.size, upright.getpixel((0, 0))) == ((4, 8), (0, 0, 255))
    blue.save(tmp_path / "wink.gif", save_all=True, append_images=[red.resize((4, 4))])
    assert open_picture(tmp_path / "wink.gif").getpixel((0, 0)) == (0, 0, 255)


def test_a_text_file_named_jpg_is_one_sentence_with_the_visitors_name(tmp_path: Path):
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(PictureError, match=r"^holiday\.jpg is not a picture: use a \.jpg, \.png or \.webp file\.$"):
        open_picture(tmp_path / "a.jpg", name="holiday.jpg")
    with pytest.raises(PictureError, match=r"There is no picture gone\.jpg"):
        open_picture(tmp_path / "gone.jpg")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_a_truncated_picture_is_one_sentence(tmp_path: Path, suffix: str):
    file = tmp_path / f"cut.{suffix}"
    Image.effect_noise((64, 64), 90).convert("RGB").save(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=rf"cut\.{suffix} (cannot be read|is not a picture)"):
        open_picture(file)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, suffix: str):
    Image.new("RGB", (8, 8)).save(tmp_path / f"huge.{suffix}")
    content = bytearray((tmp_path / f"huge.{suffix}").read_bytes())
    for width, height, sentence in (
        (15_000, 15_000, "is too large to open safely: make it smaller.")
        if suffix == "jpg"
        else (10_000, 5_010, "has 10000 x 5010 pixels: make it smaller than 50 megapixels."),
        (20_000, 20_000, "is too large to open safely: make it smaller."),
    ):
        if suffix == "png":
            content[16:24] = struct.pack(">II", width, height)
            content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        else:
            frame = content.index(b"\xff\xc0")
            content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
        (tmp_path / f"huge.{suffix}").write_bytes(content)
        with pytest.raises(PictureError, match=rf"^huge\.{suffix} {re.escape(sentence)}$"):
            open_picture(tmp_path / f"huge.{suffix}")
