"""Controls of any picture: what each takes away, and what it leaves."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageStat

from emotion.data.controls import COVER, PICTURE_CONTROLS, middle_of


def noise(width: int = 90, height: int = 60) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def changed(name: str, picture: Image.Image) -> Image.Image:
    return PICTURE_CONTROLS[name].change(picture)


@pytest.mark.parametrize("name", PICTURE_CONTROLS)
def test_a_control_changes_a_copy_of_any_shape_and_asks_one_question(name: str):
    picture = noise()
    after = changed(name, picture)
    assert after.mode == "RGB"
    assert picture == noise()
    assert after != picture
    assert PICTURE_CONTROLS[name].asks.count("?") == 1
    for size in ((1, 1), (1, 9), (2, 3), (301, 7)):
        assert min(changed(name, noise(*size)).size) >= 1


@pytest.mark.parametrize(("name", "covered", "left"), [("top_covered", 0, 30), ("bottom_covered", 30, 0)])
def test_the_covered_half_is_covered_and_the_other_untouched(name: str, covered: int, left: int):
    after = changed(name, noise())
    assert after.crop((0, covered, 90, covered + 30)).getcolors() == [(90 * 30, COVER)]
    assert after.crop((0, left, 90, left + 30)) == noise().crop((0, left, 90, left + 30))
    assert changed("top_covered", changed("bottom_covered", noise(9, 7))).getcolors() == [(63, COVER)]


@pytest.mark.parametrize(("name", "corner"), [("upside_down", (89, 59)), ("mirrored", (89, 0))])
def test_turned_twice_is_the_same(name: str, corner: tuple[int, int]):
    assert changed(name, changed(name, noise())) == noise()
    assert changed(name, noise()).getpixel((0, 0)) == noise().getpixel(corner)


def test_grey_has_no_colour_and_a_blurred_border_no_shapes_and_the_middle_stays():
    red, green, blue = changed("grey", noise()).split()
    assert red == green == blue
    assert changed("centre_crop", noise(100, 50)) == noise(100, 50).crop((18, 9, 82, 41))
    picture, after = noise(200, 200), changed("border_blurred", noise(200, 200))
    box = middle_of(picture)
    assert after.crop(box) == picture.crop(box)
    before, blurred = (ImageStat.Stat(each.crop((0, 0, 200, box[1]))) for each in (picture, after))
    assert max(blurred.stddev) < 0.1 * min(before.stddev)
    assert blurred.mean == pytest.approx(before.mean, abs=3)
