"""The page's icon, drawn as the sets are.

``python -m emotion.faces.emblem`` writes it into ``assets``; ``--check`` draws it again and compares.
"""

from __future__ import annotations

import argparse
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from emotion.faces.expression import expression_of
from emotion.faces.identity import identity_of, rng_of
from emotion.faces.portrait import draw

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ICON = ASSETS / "favicon.png"
ICON_SIDE = 128
# The seed of the dog on the icon.
DOG = 2


def icon() -> Image.Image:
    """Return the page's icon, (128, 128) RGBA: a happy dog with round corners."""
    head = _portrait("dog", DOG, "happy").crop((24, 20, 204, 200))
    return _rounded(head.resize((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS), ICON_SIDE // 5)


def _portrait(species: str, seed: int, emotion: str) -> Image.Image:
    expression = expression_of(emotion, species=species, strength=1.0, rng=rng_of("expression", seed))
    return draw(species, identity_of(species, seed=seed, styles=("flat",)), expression, seed, plain=True)


def _rounded(picture: Image.Image, radius: int) -> Image.Image:
    mask = Image.new("L", [side * 4 for side in picture.size])
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * 4, fill=255)
    shown = picture.convert("RGBA")
    shown.putalpha(mask.reduce(4))
    return shown


def encoded(picture: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Write the picture, or check it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emotion.faces.emblem", description=__doc__)
    parser.add_argument("--check", action="store_true", help="draw again and compare with the files that are there")
    options = parser.parse_args(arguments)
    picture = icon()
    if not options.check:
        ICON.write_bytes(encoded(picture))
    same = ICON.is_file() and Image.open(ICON).convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()
    print(f"{ICON.name}: {'as drawn' if same else 'differs'}, {picture.width} x {picture.height}")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
