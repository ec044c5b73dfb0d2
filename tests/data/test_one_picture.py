"""One picture: a file of any kind becomes upright RGB or one sentence, and a control changes a copy of it."""

import io
import random
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.sets import claiming, encoded, jpeg_claiming
from PIL import Image, ImageChops, ImageStat

from emotion.core.errors import PictureError
from emotion.data.controls import COVER, PICTURE_CONTROLS, middle_of
from emotion.data.decoding import kept_form, open_picture

HALVES = Image.new("RGB", (60, 40), "blue")
HALVES.paste("red", (30, 0, 60, 40))
HEIC = Path(__file__).parent / "turned.heic"


@pytest.mark.parametrize(
    ("mode", "given", "kind", "expected"),
    [
        ("L", 200, "JPEG", (200, 200, 200)), ("CMYK", (0, 0, 0, 55), "JPEG", (200, 200, 200)),
        ("RGBA", (255, 0, 0, 0), "PNG", (255, 255, 255)), ("RGBA", (255, 0, 0, 128), "PNG", (255, 127, 127)),
    ],
)  # fmt: skip
def test_brightness_is_kept_and_what_is_clear_is_white(mode: str, given: Any, kind: str, expected: tuple[int, ...]):
    file = io.BytesIO(encoded(Image.new(mode, (16, 16), given), kind))
    assert open_picture(file).getpixel((8, 8)) == pytest.approx(expected, abs=3)


def test_a_text_file_named_jpg_is_one_sentence_with_the_visitors_name(tmp_path: Path):
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(PictureError, match=r"^holiday\.jpg is not a picture: use a \.jpg, \.png or \.webp file\.$"):
        open_picture(tmp_path / "a.jpg", name="holiday.jpg")
    with pytest.raises(
        PictureError, match=r"^gone\.jpg cannot be read \(No such file or directory\): check its path\.$"
    ):
        open_picture(tmp_path / "gone.jpg")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (claiming(10_000, 5_010), "has 10000 x 5010 pixels: make it smaller than 50 megapixels."),
        (claiming(20_000, 20_000), "is too large to open safely: make it smaller."),
        (jpeg_claiming(15_000, 15_000), "is too large to open safely: make it smaller."),
        # Of many scans, without being called progressive.
        (jpeg_claiming(13_000, 13_000, scans=3), "has 13000 x 13000 pixels: make it smaller than 50 megapixels."),
        (jpeg_claiming(400, 400, scans=60), "has 60 scans: save it again, with 50 at most."),
    ],
)
def test_fault_what_takes_too_long_is_refused_before_it_is_decoded(content: bytes, sentence: str):
    with pytest.raises(PictureError, match=rf"^It {re.escape(sentence)}$"):
        open_picture(io.BytesIO(content), name="It", side=224)


def told(content: bytes) -> Image.Image | None:
    """Return what the reader makes of a file, which an import keeps; None where both refuse it."""
    try:
        image = open_picture(io.BytesIO(content), name="It")
    except PictureError as error:
        sentence = str(error)
        with pytest.raises(PictureError, match=r"^It "):
            open_picture(io.BytesIO(kept_form(content)[0]), name="It")
        assert re.fullmatch(r"It [^\n]+\.", sentence)
        return None
    kept = open_picture(io.BytesIO(kept_form(content)[0]))
    assert max(ImageStat.Stat(ImageChops.difference(image, kept)).mean) < 3
    return image


def is_turned(image: Image.Image | None) -> bool:
    """Whether two halves stand upright: blue above red."""
    assert image is not None
    assert sum(image.size) == 100
    return image.size == (40, 60) and image.getpixel((20, 5))[2] > 200 and image.getpixel((20, 55))[0] > 200


def odd_exif(rng: random.Random) -> bytes:
    """Return EXIF that turns a picture by its first entry; of the others tag, type, count and value are anything."""
    order = rng.choice("<>")
    entries = [struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 6, 0)]
    for tag in sorted([*rng.sample(range(0x0113, 0xFFFF), rng.randint(1, 6)), rng.choice([0x0128, 0x011A, 0x8769])]):
        kind, count = rng.choice([0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 99]), rng.choice([0, 1, 1, 2, 3, 1000])
        entries.append(struct.pack(f"{order}HHI", tag, kind, count) + rng.randbytes(4))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    return b"Exif\0\0" + head + b"".join(entries) + rng.choice([bytes(4), rng.randbytes(4), b""]) + rng.randbytes(40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_fault_exif_that_nobody_could_write_or_that_is_damaged_keeps_no_pixel_from_being_read(kind: str):
    rng = random.Random(kind)
    for _ in range(40):
        whole = odd_exif(rng)
        # Whatever else is odd in it, it says which side is up.
        assert kind == "TIFF" or is_turned(told(encoded(HALVES, kind, exif=whole)))
        exif = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            exif[rng.randrange(6, len(exif))] = rng.randrange(256)
        damaged = bytes(exif[: rng.randint(7, len(exif))])
        assert told(encoded(HALVES, kind, **{"xmp" if kind == "TIFF" else "exif": damaged})) is not None


def chunk(kind: bytes, data: bytes, *, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def odd_chunks() -> Iterator[bytes]:
    """Yield chunks that say nothing of the pixels, each odd in its own way."""
    long, bomb = b"a happy face, " * 150_000, zlib.compress(bytes(100_000_000), 1)
    for kind in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"tIME", b"prVt", b"acTL"):
        yield chunk(kind, b"prompt\0\0" + zlib.compress(long))
        yield chunk(kind, b"x\0\0\0\0\0\xff\xfe", checksum=7)
    yield from (chunk(kind, b"x\0\0" + bomb) for kind in (b"zTXt", b"iCCP"))
    yield from (chunk(b"tEXt", b"prompt\0" + long), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + long))
    yield from (chunk(b"iCCP", b"no profile"), chunk(b"gAMA", b""), chunk(b"fcTL", bytes(26)))
    yield chunk(b"tEXt", b"k\0" + long[:900_000]) * 100


def test_fault_what_is_no_pixel_has_no_say_in_a_png():
    plain, exif = encoded(HALVES), Image.Exif()
    exif[0x0112] = 6
    turned = encoded(HALVES, exif=exif)
    for odd in odd_chunks():
        for content in (plain, turned):
            end = content.index(b"IEND") - 4
            for place in (33, end):
                image = told(content[:place] + odd + content[place:])
                assert is_turned(image) == (content is turned), odd[:60]


def test_fault_what_is_no_pixel_has_no_say_in_a_jpeg():
    plain = encoded(HALVES, "JPEG", quality=95)
    thumbnail = b"Exif\0\0" + b"\xff\xda" * 100  # No scan of the picture itself.
    odd = [(0xE1, thumbnail), (0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xE2, b"MPF\0II*\0"), (0xEE, b"Adobe")]
    for marker, begin in odd:
        for more in (b"", b"\1", random.Random(begin).randbytes(30)):
            segment = struct.pack(">BBH", 0xFF, marker, len(begin + more) + 2) + begin + more
            image = told(plain[:2] + segment + plain[2:])
            assert image is not None, segment
            assert image.size == HALVES.size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"])
def test_a_tiff_of_any_mode_is_read_or_told_of(mode: str):
    kinds = {"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"}
    for kind in kinds | ({"1": {"group4"}, "P": set()}.get(mode, {"jpeg"})):
        image = told(encoded(HALVES.convert(mode), "TIFF", compression=kind))
        # Pillow writes this one otherwise than it reads it.
        assert (image is None) == ((mode, kind) == ("YCbCr", "raw"))


@pytest.mark.parametrize(
    ("kind", "white"), [("uint8", 255), (">u2", 65535), ("<u2", 65535), ("int32", 2**31 - 1), ("float32", 1.0)]
)
@pytest.mark.parametrize("brightest", [0.3, 0.6, 1.0])
def test_fault_grey_of_any_depth_is_as_bright_as_its_type_says(kind: str, white: float, brightest: float):
    ramp = np.tile(np.linspace(0, brightest, 64), (16, 1))
    expected = [round(value * 255) for value in ramp[0]]
    for form in ("TIFF", "PNG") if kind in ("uint8", "<u2") else ("TIFF",):
        image = told(encoded(Image.fromarray((ramp * white).astype(kind)), form))
        assert image is not None
        assert np.abs(np.asarray(image)[8, :, 0].astype(int) - expected).max() <= 1


def test_a_heic_is_turned_and_kept_as_jpeg():
    content = HEIC.read_bytes()
    upright = told(content)
    assert (upright.size, kept_form(content)[1]) == ((48, 64), ".jpg")
    assert upright.getpixel((5, 5))[2] > 200
    assert upright.getpixel((5, 60))[0] > 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("size", [(1200, 800), (500, 1900), (99, 640), (64, 64)])
def test_fault_a_side_that_is_asked_for_leaves_twice_as_much_and_looks_the_same(kind: str, size: tuple[int, int]):
    content = encoded(Image.radial_gradient("L").resize(size).convert("RGB"), kind)
    whole, small = (open_picture(io.BytesIO(content), side=side) for side in (None, 40))
    assert min(small.size) >= min(80, *size)
    assert (small.size == size) == (min(size) < 160)
    apart = ImageChops.difference(whole.resize((40, 40), reducing_gap=3), small.resize((40, 40)))
    assert max(ImageStat.Stat(apart).mean) < 3


NOISE = Image.effect_noise((64, 64), 90).convert("RGB")
WHOLE = {kind: encoded(NOISE, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")}
UPRIGHT = encoded(HALVES)
TOLD_OF = {
    **{f"half a {kind}": content[: len(content) // 2] for kind, content in WHOLE.items()},
    "the beginning of a HEIC": HEIC.read_bytes()[:400],
    **{
        f"a damaged {what}": UPRIGHT[:place] + b"\xff" + UPRIGHT[place + 1 :]
        for what, place in (("head", 20), ("pixel", UPRIGHT.index(b"IDAT") + 6))
    },
    **{
        f"grey out of its scale: {values}": encoded(Image.fromarray(np.array([values], kind)), "TIFF")
        for values, kind in (((0.0, 200.0), "float32"), ((-1, 2**30), "int32"), ((0, 255), "int32"))
    },
    "a large WebP": encoded(Image.new("RGB", (4300, 4300)), "WEBP", quality=1, method=0),
    "a long PNG": encoded(Image.new("RGB", (2000, 10))),
    "a high BMP": encoded(Image.new("RGB", (5, 501)), "BMP"),
}


@pytest.mark.parametrize("case", TOLD_OF)
def test_fault_what_is_damaged_too_large_or_unclear_is_one_sentence(case: str):
    assert told(TOLD_OF[case]) is None


def test_fault_a_tile_that_is_larger_than_its_picture_is_refused():
    tile = zlib.compress(b"\0" * 1_000_000)
    tags = {256: 200, 257: 200, 258: 8, 259: 8, 262: 1, 277: 1, 322: 20_000, 323: 20_000, 324: 0, 325: len(tile)}
    offset = 8 + 2 + 12 * len(tags) + 4
    rows = [struct.pack("<HHII", tag, 4, 1, offset if tag == 324 else value) for tag, value in sorted(tags.items())]
    content = b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(rows) + b"\0" * 4 + tile
    with pytest.raises(PictureError, match="megapixels"):
        open_picture(io.BytesIO(content), name="It")


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


def test_each_control_takes_away_what_it_says_and_nothing_else():
    for name, covered, left in (("top_covered", 0, 30), ("bottom_covered", 30, 0)):
        after = changed(name, noise())
        assert after.crop((0, covered, 90, covered + 30)).getcolors() == [(90 * 30, COVER)]
        assert after.crop((0, left, 90, left + 30)) == noise().crop((0, left, 90, left + 30))
    for name, corner in (("upside_down", (89, 59)), ("mirrored", (89, 0))):
        assert changed(name, changed(name, noise())) == noise()
        assert changed(name, noise()).getpixel((0, 0)) == noise().getpixel(corner)
    red, green, blue = changed("grey", noise()).split()
    assert red == green == blue
    assert changed("centre_crop", noise(100, 50)) == noise(100, 50).crop((18, 9, 82, 41))
    picture, after = noise(200, 200), changed("border_blurred", noise(200, 200))
    box = middle_of(picture)
    assert after.crop(box) == picture.crop(box)
    before, blurred = (ImageStat.Stat(each.crop((0, 0, 200, box[1]))) for each in (picture, after))
    assert max(blurred.stddev) < 0.1 * min(before.stddev)
    assert blurred.mean == pytest.approx(before.mean, abs=3)
