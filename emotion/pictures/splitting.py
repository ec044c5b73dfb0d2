"""Split labelled pictures into those trained on and those validated on. Opens no picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.errors import PictureError
from emotion.pictures.folders import Picture, class_names, count_labels


@dataclass(frozen=True)
class Split:
    """Pictures to train on and to validate on, and the classes in their order."""

    classes: list[str]
    train: list[Picture]
    validation: list[Picture]

    def without(self, paths: Collection[Path]) -> Split:
        """Return the split without the pictures of these files."""
        gone = set(paths)
        train, validation = (
            [picture for picture in part if picture.path not in gone] for part in (self.train, self.validation)
        )
        return Split(self.classes, train, validation)


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
    # At least as many as there are classes, so that every class can be judged.
    held_back = min(max(round(len(items) * fraction), len(classes)), len(items) - len(classes))
    train, validation = train_test_split(
        items, test_size=held_back, random_state=seed, stratify=[picture.label for picture in items]
    )
    # A class so small that its share is no whole picture may have none in one of the parts.
    _lend_missing(train, validation, classes)
    _lend_missing(validation, train, classes)
    return Split(classes, train, validation)


def _lend_missing(having: list[Picture], lacking: list[Picture], classes: Sequence[str]) -> None:
    """Move the first picture, in their drawn order, of each class that ``lacking`` has none of."""
    for label in sorted(set(classes) - {picture.label for picture in lacking}):
        lent = next(picture for picture in having if picture.label == label)
        having.remove(lent)
        lacking.append(lent)
