"""Controls of any picture: what each takes away, and what it leaves."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageChops, ImageStat

from emotion.data.controls import COVER, PICTURE_CONTROLS, middle_of

NAMES = list(PICTURE_CONTROLS)


def noise(width: int = 90, height: int = 60) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def changed(name: str, picture: Image.Image) -> Image.Image:
    return PICTURE_CONTROLS[name].change(picture)


def same(first: Image.Image, second: Image.Image) -> bool:
    return first.size == second.size and ImageChops.difference(first, second).getbbox() is None


@pytest.mark.parametrize("name", NAMES)
def test_a_control_changes_a_copy_of_any_shape_and_asks_one_question(name: str):
    picture = noise()
    after = changed(name, picture)
    assert after.mode == "RGB"
    assert same(picture, noise())
    assert not same(after, picture)
    assert PICTURE_CONTROLS[name].asks.count("?") == 1
    for size in ((1, 1), (1, 9), (2, 3), (301, 7)):
        assert min(changed(name, noise(*size)).size) >= 1


def test_a_grey_picture_has_no_colour_left():
    red, green, blue = changed("grey", noise()).split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


@pytest.mark.parametrize(("name", "covered", "left"), [("top_covered", 0, 30), ("bottom_covered", 30, 0)])
def test_the_covered_half_is_covered_and_the_other_untouched(name: str, covered: int, left: int):
    after = changed(name, noise())
    assert after.crop((0, covered, 90, covered + 30)).getcolors() == [(90 * 30, COVER)]
    assert same(after.crop((0, left, 90, left + 30)), noise().crop((0, left, 90, left + 30)))
    assert changed("top_covered", changed("bottom_covered", noise(9, 7))).getcolors() == [(63, COVER)]


@pytest.mark.parametrize(("name", "corner"), [("upside_down", (89, 59)), ("mirrored", (89, 0))])
def test_turned_twice_is_the_same(name: str, corner: tuple[int, int]):
    assert same(changed(name, changed(name, noise())), noise())
    assert changed(name, noise()).getpixel((0, 0)) == noise().getpixel(corner)


def test_the_centre_crop_is_the_middle_and_a_blurred_border_leaves_it_and_loses_its_shapes():
    assert same(changed("centre_crop", noise(100, 50)), noise(100, 50).crop((18, 9, 82, 41)))
    picture, after = noise(200, 200), changed("border_blurred", noise(200, 200))
    box = middle_of(picture)
    assert same(after.crop(box), picture.crop(box))
    before, blurred = (ImageStat.Stat(each.crop((0, 0, 200, box[1]))) for each in (picture, after))
    assert max(blurred.stddev) < 0.1 * min(before.stddev)
    assert blurred.mean == pytest.approx(before.mean, abs=3)
