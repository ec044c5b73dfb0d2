"""Draw pictures by seed: a sample of one class, or a split of all classes. Opens no picture."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.labels import ALIASES_SETTING, alias_offer, emotion_meant
from emotion.data.folders import Picture, count_labels


def draw_in_order(pictures: Sequence[Picture], *, label: str, size: int | None, seed: int) -> list[Picture]:
    """Return all pictures of one class: ``size`` of them drawn without replacement, then their substitutes, as drawn.

    The draw depends only on the seed and the sorted file paths; without a size, pictures are in the order of paths.
    Raises PictureError where the class has no picture, or fewer than asked for.
    """
    pool = sorted((picture for picture in pictures if picture.label == label), key=lambda picture: str(picture.path))
    if not pool:
        same = {picture.label for picture in pictures if emotion_meant(picture.label) == emotion_meant(label)}
        offer = alias_offer(same, how=f"switch on “{ALIASES_SETTING}” (--use-aliases)")
        raise PictureError(
            f"There are no pictures of {label!r} in this set: choose another emotion or another set. {offer}".rstrip()
        )
    if size is None:
        return pool
    if size > len(pool):
        raise PictureError(f"There are only {len(pool)} pictures of {label!r}: choose a sample of at most that many.")
    rng = random.Random(seed)
    # sample(pool, k + 1) need not begin with sample(pool, k): the sample is drawn first and the others from the rest,
    # so that an unreadable picture changes only its own place.
    drawn = rng.sample(pool, size)
    taken = set(drawn)
    rest = [picture for picture in pool if picture not in taken]
    return drawn + rng.sample(rest, len(rest))


@dataclass(frozen=True)
class Split:
    """Training and validation pictures, and the classes in their order."""

    classes: list[str]
    train: list[Picture]
    validation: list[Picture]

    def without(self, paths: Collection[Path]) -> Split:
        """Return the split without the pictures of these files."""
        gone = set(paths)
        parts = ([each for each in part if each.path not in gone] for part in (self.train, self.validation))
        return Split(self.classes, *parts)


def split(pictures: Sequence[Picture], *, fraction: float, seed: int) -> Split:
    """Hold out ``fraction`` (0 to 1) of every class for validation, drawn by ``seed`` alone.
    Raises PictureError where there are fewer than two classes, or a class is too small to be in both parts.
    """
    from sklearn.model_selection import train_test_split

    items = sorted(pictures, key=lambda picture: str(picture.path))
    counts = count_labels(items)
    classes = list(counts)
    if len(classes) < 2:
        raise PictureError(f"Only one class, {classes[0]!r}, has pictures: add at least one more class folder.")
    if small := [label for label, count in counts.items() if count < 2]:
        raise PictureError(
            f"The class {small[0]!r} has one picture: add at least one more, to train on one and validate on another."
        )
    # At least one picture for each class, so that every class can be validated.
    held_back = min(max(round(len(items) * fraction), len(classes)), len(items) - len(classes))
    train, validation = train_test_split(
        items, test_size=held_back, random_state=seed, stratify=[picture.label for picture in items]
    )
    # A class whose share is less than one picture may be missing from one of the parts.
    for having, lacking in ((train, validation), (validation, train)):
        for label in sorted(set(classes) - {picture.label for picture in lacking}):
            lent = next(picture for picture in having if picture.label == label)
            having.remove(lent)
            lacking.append(lent)
    return Split(classes, train, validation)
