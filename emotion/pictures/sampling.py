"""Draw a seeded sample of labelled pictures. Opens no picture."""

from __future__ import annotations

import random
from collections.abc import Sequence

from emotion.errors import PictureError
from emotion.pictures.folders import Picture


def sample(pictures: Sequence[Picture], *, label: str, size: int | None, seed: int) -> list[Picture]:
    """Draw ``size`` pictures of one class without replacement (all of them for None), in the order drawn.

    The draw depends on the seed and the sorted file paths alone.

    Raises:
        PictureError: the class has no picture, or fewer than asked for.
    """
    pool = sorted((picture for picture in pictures if picture.label == label), key=lambda picture: str(picture.path))
    if not pool:
        raise PictureError(f"There are no pictures of {label!r} in this set: choose another emotion or another set.")
    if size is None:
        return pool
    if size > len(pool):
        raise PictureError(f"There are only {len(pool)} pictures of {label!r}: choose a sample of at most that many.")
    return random.Random(seed).sample(pool, size)
