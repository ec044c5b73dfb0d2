"""Picture files of every kind become upright RGB, or one sentence."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.sets import claiming, encoded, jpeg_claiming
from PIL import Image, ImageChops, ImageStat

from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.kept import kept_form

HALVES = Image.new("RGB", (60, 40), "blue")
HALVES.paste("red", (30, 0, 60, 40))
HEIC = Path(__file__).parent / "turned.heic"


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_fault_which_side_is_up_is_read_out_of_exif_that_nobody_could_write(kind: str):
    for seed in range(40):
        assert is_turned(told(encoded(HALVES, kind, exif=odd_exif(random.Random(seed))))), seed


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_fault_exif_that_is_damaged_anywhere_does_not_keep_the_pixels_from_being_read(kind: str):
    rng = random.Random(kind)
    for _ in range(40):
        exif = bytearray(odd_exif(rng))
        for _ in range(rng.randint(1, 8)):
            exif[rng.randrange(6, len(exif))] = rng.randrange(256)
        options = {"exif": bytes(exif[: rng.randint(7, len(exif))])} if kind != "TIFF" else {"xmp": bytes(exif)}
        assert told(encoded(HALVES, kind, **options)) is not None


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
    odd = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xE2, b"MPF\0II*\0"), (0xEE, b"Adobe"), (0xED, b""))
    for marker, begin in odd:
        for more in (b"", b"\1", random.Random(begin).randbytes(30)):
            segment = struct.pack(">BBH", 0xFF, marker, len(begin + more) + 2) + begin + more
            image = told(plain[:2] + segment + plain[2:])
            assert image is not None, segment
            assert image.size == HALVES.size


def test_pixels_that_are_damaged_are_told_of():
    content = encoded(HALVES)
    for place in (20, content.index(b"IDAT") + 6):
        assert told(content[:place] + b"\xff" + content[place + 1 :]) is None


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


def test_fault_grey_outside_its_scale_is_told_of_and_neither_black_nor_white():
    for values, kind in (([0.0, 200.0], "float32"), ([-1, 2**30], "int32"), ([0, 255], "int32")):
        assert told(encoded(Image.fromarray(np.array([values], kind)), "TIFF")) is None


def test_a_heic_is_turned_and_kept_as_jpeg():
    content = HEIC.read_bytes()
    upright = told(content)
    assert upright.size == (48, 64)
    assert upright.getpixel((5, 5))[2] > 200
    assert upright.getpixel((5, 60))[0] > 200
    assert kept_form(content)[1] == ".jpg"
    assert told(content[:400]) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("size", [(1200, 800), (500, 1900), (99, 640), (64, 64)])
def test_fault_a_side_that_is_asked_for_leaves_twice_as_much_and_looks_the_same(kind: str, size: tuple[int, int]):
    content = encoded(Image.radial_gradient("L").resize(size).convert("RGB"), kind)
    whole, small = (open_picture(io.BytesIO(content), side=side) for side in (None, 40))
    assert min(small.size) >= min(80, *size)
    assert (small.size == size) == (min(size) < 160)
    apart = ImageChops.difference(whole.resize((40, 40), reducing_gap=3), small.resize((40, 40)))
    assert max(ImageStat.Stat(apart).mean) < 3


@pytest.mark.parametrize(("size", "kind"), [((4300, 4300), "WEBP"), ((2000, 10), "PNG"), ((5, 501), "BMP")])
def test_fault_a_picture_that_takes_too_much_memory_is_told_of(size: tuple[int, int], kind: str):
    options = {"quality": 1, "method": 0} if kind == "WEBP" else {}
    assert told(encoded(Image.new("RGB", size), kind, **options)) is None
