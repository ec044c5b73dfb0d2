"""Draw a seeded sample of labelled pictures. Opens no picture."""

from __future__ import annotations

import random
from collections.abc import Sequence

from emotion.errors import PictureError
from emotion.labels import ALIASES_SETTING, alias_offer, emotion_meant
from emotion.pictures.folders import Picture


def sample(pictures: Sequence[Picture], *, label: str, size: int | None, seed: int) -> list[Picture]:
    """Draw ``size`` pictures of one class without replacement (all of them for None), in the order drawn.

    The draw depends on the seed and the sorted file paths alone.

    Raises:
        PictureError: the class has no picture, or fewer than asked for.
    """
    return draw_in_order(pictures, label=label, size=size, seed=seed)[:size]


def draw_in_order(pictures: Sequence[Picture], *, label: str, size: int | None, seed: int) -> list[Picture]:
    """Return all pictures of one class: first those that ``sample`` draws, then their stand-ins, in the order drawn.

    Raises:
        PictureError: as ``sample``.
    """
    pool = sorted((picture for picture in pictures if picture.label == label), key=lambda picture: str(picture.path))
    if not pool:
        raise PictureError(
            f"There are no pictures of {label!r} in this set: choose another emotion or another set."
            f"{_offer(pictures, label)}"
        )
    if size is None:
        return pool
    if size > len(pool):
        raise PictureError(f"There are only {len(pool)} pictures of {label!r}: choose a sample of at most that many.")
    rng = random.Random(seed)
    # sample(pool, k + 1) need not begin with sample(pool, k): the sample is drawn first, then the others from the
    # rest, so that one picture which cannot be read changes nothing but its own place.
    drawn = rng.sample(pool, size)
    taken = set(drawn)
    rest = [picture for picture in pool if picture not in taken]
    return drawn + rng.sample(rest, len(rest))


def _offer(pictures: Sequence[Picture], label: str) -> str:
    same = {picture.label for picture in pictures if emotion_meant(picture.label) == emotion_meant(label)}
    offer = alias_offer(same, how=f"switch on “{ALIASES_SETTING}” (--use-aliases)")
    return f" {offer}" if offer else ""
