"""Picture files of every kind become upright RGB, or one sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from emotion.errors import PictureError
from emotion.pictures.decoding import open_picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    file = tmp_path / ("picture.tif" if mode in ("I", "F", "CMYK") else "picture.png")
    Image.new(mode, (6, 4)).save(file)
    image = open_picture(file)
    assert (image.mode, image.size) == ("RGB", (6, 4))


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    Image.new("I;16", (2, 2), 32768).save(tmp_path / "grey.png")
    assert open_picture(tmp_path / "grey.png").getpixel((0, 0)) == pytest.approx((127, 127, 127), abs=1)


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert open_picture(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)


def test_a_phones_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    image = Image.new("RGB", (8, 4), "red")
    image.paste("blue", (0, 0, 4, 4))
    image.save(tmp_path / "phone.png", exif=exif)
    upright = open_picture(tmp_path / "phone.png")
    assert upright.size == (4, 8)
    assert upright.getpixel((0, 0)) == (0, 0, 255)


def test_an_animation_counts_by_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "wink.gif", save_all=True, append_images=frames[1:])
    assert open_picture(tmp_path / "wink.gif").getpixel((0, 0)) == (255, 0, 0)


def test_a_text_file_named_jpg_is_one_sentence_with_the_visitors_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(PictureError, match=r"^holiday\.jpg is not a picture: use a \.jpg, \.png or \.webp file\.$"):
        open_picture(tmp_path / "a.jpg", name="holiday.jpg")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_a_truncated_picture_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"cut.{suffix}"
    Image.effect_noise((64, 64), 90).convert("RGB").save(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=rf"cut\.{suffix} (cannot be read|is not a picture)"):
        open_picture(file)


def test_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    head = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(head, format="PNG")
    with pytest.raises(PictureError, match=r"20000 x 20000 pixels: make it smaller|too large to open safely"):
        open_picture(head, name="huge.png")


def test_a_missing_picture_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"There is no picture gone\.jpg"):
        open_picture(tmp_path / "gone.jpg")


def test_a_single_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert open_picture(tmp_path / "dot.png").size == (1, 1)
