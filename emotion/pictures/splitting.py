"""Split labelled pictures into those trained on and those validated on. Opens no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emotion.errors import PictureError
from emotion.pictures.folders import Picture, class_names, count_labels


@dataclass(frozen=True)
class Split:
    """Pictures to train on and to validate on, and the classes in their order."""

    classes: list[str]
    train: list[Picture]
    validation: list[Picture]


def split(pictures: Sequence[Picture], *, fraction: float, seed: int) -> Split:
    """Hold back ``fraction`` (0 to 1) of every class for validation, drawn by ``seed`` alone.

    Raises:
        PictureError: fewer than two classes, or a class too small to be in both parts.
    """
    from sklearn.model_selection import train_test_split

    items = sorted(pictures, key=lambda picture: str(picture.path))
    classes = class_names(items)
    if len(classes) < 2:
        raise PictureError(f"Only one class, {classes[0]!r}, has pictures: add at least one more class folder.")
    small = [label for label, count in count_labels(items).items() if count < 2]
    if small:
        raise PictureError(
            f"The class {small[0]!r} has one picture: add at least one more, to train on one and validate on another."
        )
    # Rounded up, and at least one of each class, so that every class can be judged.
    held_back = min(max(round(len(items) * fraction), len(classes)), len(items) - len(classes))
    train, validation = train_test_split(
        items, test_size=held_back, random_state=seed, stratify=[picture.label for picture in items]
    )
    return Split(classes, train, validation)
