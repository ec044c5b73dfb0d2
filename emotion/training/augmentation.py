"""Seeded variations of a picture: flip, crop, frame, colour. A picture goes in, a picture comes out."""

from __future__ import annotations

import hashlib
import random

from PIL import Image, ImageEnhance, ImageStat

from emotion.core.config import Augmentation

# Smallest share of the width that a crop keeps, and the reach of each colour factor around 1.
_STRENGTHS: dict[str, tuple[float, float]] = {
    "light": (0.85, 0.1),
    "zoom": (0.7, 0.2),
    "strong": (0.7, 0.3),
    "frame": (0.75, 0.2),
}
# How much wider than the picture the frame around it may be.
_WIDEST_FRAME = 2.0


def vary(image: Image.Image, *, augmentation: Augmentation, key: str, farther: bool | None = None) -> Image.Image:
    """Return a variation that depends on ``key`` alone; the picture itself for ``off``.

    A key names the picture and the view or epoch, so that neither the order of the pictures nor the number of
    processes changes what is drawn. ``zoom`` and ``frame`` crop every other picture, and put the others smaller into
    a frame of their mean colour, since a face that fills a training picture may be small in the one that is asked
    about; ``farther`` says which of the two it is to be, in place of chance.
    """
    if augmentation == "off":
        return image
    smallest, reach = _STRENGTHS[augmentation]
    rng = random.Random(hashlib.sha256(key.encode()).digest())
    if farther is None:
        farther = augmentation in ("zoom", "frame") and rng.random() < 0.5
    image = _framed(image, rng) if farther else _cropped(image, rng, smallest)
    if rng.random() < 0.5:
        image = mirrored(image)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(1 - reach, 1 + reach))
    return image


def mirrored(image: Image.Image) -> Image.Image:
    """Return the picture with left and right exchanged."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _cropped(image: Image.Image, rng: random.Random, smallest: float) -> Image.Image:
    side = rng.uniform(smallest, 1.0)
    width, height = max(1, round(image.width * side)), max(1, round(image.height * side))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _framed(image: Image.Image, rng: random.Random) -> Image.Image:
    scale = rng.uniform(1.0, _WIDEST_FRAME)
    width, height = round(image.width * scale), round(image.height * scale)
    colour = tuple(round(value) for value in ImageStat.Stat(image).mean)
    frame = Image.new("RGB", (width, height), colour)
    frame.paste(image, (rng.randint(0, width - image.width), rng.randint(0, height - image.height)))
    return frame


def vary_view(image: Image.Image, sha256: str, *, view: int, augmentation: Augmentation) -> Image.Image:
    """Return a view of a picture, which depends on the picture's content alone, so that every seed shares it.

    The first further view of ``frame`` is the mirrored picture: it changes no proportion. Those of ``zoom`` are closer
    and farther by turns.
    """
    if view == 0:
        return image
    if view == 1 and augmentation == "frame":
        return mirrored(image)
    farther = view % 2 == 0 if augmentation == "zoom" else None
    return vary(image, augmentation=augmentation, key=f"{sha256}/view {view}", farther=farther)
