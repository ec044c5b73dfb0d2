"""Seeded variations of a picture: flip, crop, colour. A picture goes in, a picture comes out."""

from __future__ import annotations

import hashlib
import random

from PIL import Image, ImageEnhance

from emotion.config import Augmentation

# Smallest share of the width that a crop keeps, and the reach of each colour factor around 1.
_STRENGTHS: dict[str, tuple[float, float]] = {"light": (0.85, 0.1), "strong": (0.7, 0.3)}


def vary(image: Image.Image, *, augmentation: Augmentation, key: str) -> Image.Image:
    """Return a variation that depends on ``key`` alone; the picture itself for ``off``.

    A key names the seed, the picture and the view or epoch, so that neither the order of the pictures nor the
    number of processes changes what is drawn.
    """
    if augmentation == "off":
        return image
    smallest, reach = _STRENGTHS[augmentation]
    rng = random.Random(hashlib.sha256(key.encode()).digest())
    side = rng.uniform(smallest, 1.0)
    width, height = max(1, round(image.width * side)), max(1, round(image.height * side))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    image = image.crop((left, top, left + width, top + height))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(1 - reach, 1 + reach))
    return image
