"""The page's own pictures, drawn as the sets are: its icon, and the card that stands beside a link to it.

``python -m emotion.faces.emblem`` writes both into ``assets``; ``--check`` draws them again and compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from emotion.faces.canvas import SIZE
from emotion.faces.expression import expression_of
from emotion.faces.identity import identity_of, rng_of
from emotion.faces.portrait import draw
from emotion.labels import EMOTION_COLOURS

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ICON, CARD = "favicon.png", "social-card.png"
ICON_SIDE, CARD_SIZE = 128, (1200, 630)
# Who stands for the page, by seed.
PERSON, DOG = 204, 2
GROUND, TEXT, QUIET = "#F6F7FB", "#1E2537", "#5B677A"
TITLE = ("Emotion,", "across species")
LINES = ("Teach an image classifier", "four human emotions.", "Can it read a dog?")
SHOWN = ("happy", "tired")
GAP, RADIUS, TAG = 22, 28, 40


def icon() -> Image.Image:
    """Return the page's icon, (128, 128) RGBA: a happy dog with round corners."""
    head = _portrait("dog", DOG, "happy").crop((24, 20, 204, 200))
    return _rounded(head.resize((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS), ICON_SIDE // 5)


def card() -> Image.Image:
    """Return the card beside a link, (1200, 630) RGB: what is asked, and of whom."""
    picture = Image.new("RGB", CARD_SIZE, GROUND)
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(TITLE):
        # The one font that comes with Pillow has one weight.
        pen.text((72, 120 + number * 78), line, TEXT, ImageFont.load_default(70), stroke_width=1, stroke_fill=TEXT)
    for number, line in enumerate(LINES):
        pen.text((74, 316 + number * 48), line, QUIET, ImageFont.load_default(36))
    left, top = CARD_SIZE[0] - 2 * SIZE - GAP - 72, (CARD_SIZE[1] - 2 * SIZE - GAP) // 2
    for row, emotion in enumerate(SHOWN):
        for column, (species, seed) in enumerate({"human": PERSON, "dog": DOG}.items()):
            face = _rounded(_portrait(species, seed, emotion), RADIUS)
            at = (left + column * (SIZE + GAP), top + row * (SIZE + GAP))
            picture.paste(face, at, face)
            # People are labelled; of a dog it is asked.
            _tag(pen, at, emotion if species == "human" else "?", EMOTION_COLOURS[emotion] if not column else QUIET)
    return picture


def files() -> Mapping[str, Image.Image]:
    """Return every picture by its file's name."""
    return {ICON: icon(), CARD: card()}


def _portrait(species: str, seed: int, emotion: str) -> Image.Image:
    expression = expression_of(emotion, species=species, strength=1.0, rng=rng_of("expression", seed))
    return draw(species, identity_of(species, seed=seed, styles=("flat",)), expression, seed, plain=True)


def _rounded(picture: Image.Image, radius: int) -> Image.Image:
    mask = Image.new("L", [side * 4 for side in picture.size])
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * 4, fill=255)
    shown = picture.convert("RGBA")
    shown.putalpha(mask.reduce(4))
    return shown


def _tag(pen: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, colour: str) -> None:
    font = ImageFont.load_default(24)
    width = round(pen.textlength(text, font)) + 28
    left, top = corner[0] + 12, corner[1] + SIZE - TAG - 12
    pen.rounded_rectangle((left, top, left + width, top + TAG), TAG // 2, fill=colour)
    pen.text((left + 14, top + TAG / 2), text, "white", font, anchor="lm", stroke_width=0.5, stroke_fill="white")


def encoded(picture: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures, or check them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emotion.faces.emblem", description=__doc__)
    parser.add_argument("--check", action="store_true", help="draw again and compare with the files that are there")
    options = parser.parse_args(arguments)
    wrong = 0
    for name, picture in files().items():
        path = ASSETS / name
        if not options.check:
            path.write_bytes(encoded(picture))
        same = path.is_file() and Image.open(path).convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()
        wrong += not same
        print(f"{name}: {'as drawn' if same else 'differs'}, {picture.width} x {picture.height}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
