"""Pictures that show no face: those that can be made anywhere, and a person's own. Judges nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from emotion.bench.workplace import ROOT
from emotion.drawing.canvas import SIZE, Canvas
from emotion.drawing.scene import background_of, lit, scene_of
from emotion.pictures.folders import PICTURE_SUFFIXES

SCENES, OTHERS = 60, 20
# Seeds that no drawn set uses.
FIRST_SEED = 10_000


def find_faceless(folder: Path | None, *, made: Path) -> dict[str, list[Path]]:
    """Return pictures of no face by source: those that are ``made`` here, and each folder inside ``folder``."""
    makers = {
        "drawn scenes": _scenes,
        "photographs of scikit-learn": _samples,
        "noise": _noise,
        "plain colours": _plain,
        "text": _text,
    }
    found: dict[str, list[Path]] = {}
    for name, make in makers.items():
        place = made / name.replace(" ", "-")
        place.mkdir(parents=True, exist_ok=True)
        found[name] = []
        for number, image in enumerate(make()):
            found[name].append(place / f"{number:03}.png")
            image.save(found[name][-1])
    for each in sorted(folder.iterdir()) if folder else []:
        pictures = sorted(path for path in each.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
        if pictures:
            found[each.name] = pictures
    return found


def _scenes() -> Iterator[Image.Image]:
    """Yield what stands behind the drawn faces, without a face."""
    for number in range(SCENES):
        scene, style = scene_of(FIRST_SEED + number), ("flat", "soft")[number % 2]
        canvas = Canvas(background_of(scene, style=style), style=style, light=scene.light)
        yield lit(canvas.finished(), scene.warmth)


def _samples() -> Iterator[Image.Image]:
    """Yield a temple in China and a flower."""
    from sklearn.datasets import load_sample_image

    for name in ("china.jpg", "flower.jpg"):
        yield Image.fromarray(load_sample_image(name))


def _noise() -> Iterator[Image.Image]:
    """Yield grey and coloured noise, fine and coarse."""
    rng = np.random.default_rng(FIRST_SEED)
    for number in range(OTHERS):
        side, bands = (SIZE, SIZE // 4, SIZE // 16, SIZE // 32)[number % 4], 3 if number % 8 >= 4 else 1
        values = rng.integers(0, 256, (side, side, bands), dtype=np.uint8).repeat(3 // bands, axis=2)
        yield Image.fromarray(values).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def _plain() -> Iterator[Image.Image]:
    rng = random.Random(FIRST_SEED)
    for _ in range(OTHERS):
        yield Image.new("RGB", (SIZE, SIZE), (rng.randrange(256), rng.randrange(256), rng.randrange(256)))


def _text() -> Iterator[Image.Image]:
    """Yield pages of the README in several sizes."""
    rng, words = random.Random(FIRST_SEED), (ROOT / "README.md").read_text(encoding="utf-8").split()
    for _ in range(OTHERS):
        paper, ink = rng.choice((("white", "black"), ("beige", "black"), ("#222222", "white")))
        size = rng.choice((14, 20, 32, 60))
        page = Image.new("RGB", (2 * SIZE, 2 * SIZE), paper)
        draw, start = ImageDraw.Draw(page), rng.randrange(len(words) - 500)
        for line in range(2 * SIZE // size):
            text = " ".join(words[start + 9 * line : start + 9 * line + 14])
            draw.text((10, 8 + line * size * 1.4), text, font=ImageFont.load_default(size), fill=ink)
        yield page
