"""The best epoch's predictions on a run's validation pictures, and which classes it confuses."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.core.intervals import wilson_interval
from emotion.core.scored import ScoredPicture
from emotion.runs.run import UNREADABLE, Run

FILE = "validation.json"
# A larger table is unreadable: 300 classes have 90,000 cells.
MOST_CLASSES = 20


@dataclass(frozen=True)
class ClassScores:
    """The scores of one class: precision, recall and F1 (0 to 1), and ``support``, its number of validation pictures.

    Precision is None for a class that was never predicted.
    """

    label: str
    precision: float | None
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Validation:
    """The validation pictures of a run, scored by its best epoch; picture paths are relative to the picture set."""

    epoch: int
    classes: list[str]
    pictures: list[ScoredPicture]

    def confusion(self) -> dict[str, dict[str, int]]:
        """Return how many pictures of each class (outer) were predicted as each class (inner)."""
        counts = Counter((picture.label, picture.predicted) for picture in self.pictures)
        return {label: {said: counts[label, said] for said in self.classes} for label in self.classes}

    def cell(self, label: str, predicted: str) -> list[ScoredPicture]:
        """Return the pictures of ``label`` predicted as ``predicted``, the most confident first."""
        found = [picture for picture in self.pictures if (picture.label, picture.predicted) == (label, predicted)]
        return sorted(found, key=lambda picture: -picture.scores[predicted])

    def most_wrong(self, count: int) -> list[ScoredPicture]:
        """Return the ``count`` wrong predictions whose correct class has the lowest probability."""
        wrong = [picture for picture in self.pictures if picture.predicted != picture.label]
        return sorted(wrong, key=lambda picture: picture.correct_confidence)[:count]

    def per_class(self) -> list[ClassScores]:
        """Return precision, recall and F1 of each class, as scikit-learn defines them."""
        from sklearn.metrics import precision_recall_fscore_support

        truth, said = [p.label for p in self.pictures], [p.predicted for p in self.pictures]
        table = precision_recall_fscore_support(truth, said, labels=self.classes, zero_division=0.0)
        return [
            ClassScores(label, float(precision) if label in said else None, float(recall), float(f1), int(support))
            for label, precision, recall, f1, support in zip(self.classes, *table, strict=True)
        ]


def save_validation(validation: Validation, folder: Path) -> None:
    """Write a run's scored validation pictures, atomically."""
    pictures = [{"picture": each.picture, "label": each.label, "scores": each.scores} for each in validation.pictures]
    write_json(folder / FILE, {"epoch": validation.epoch, "classes": validation.classes, "pictures": pictures})


def load_validation(run: Run) -> Validation | None:
    """Return what ``save_validation`` wrote into a run; None before its first epoch is saved.
    Raises RunError where the file is damaged.
    """
    path = run.path / FILE
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        pictures = [ScoredPicture(row["picture"], "", row["label"], row["scores"]) for row in values["pictures"]]
        return Validation(int(values["epoch"]), list(values["classes"]), pictures)
    except UNREADABLE as error:
        raise RunError(f"The validation scores of {run.name} cannot be read: train it again.") from error


def most_confused(counts: Mapping[str, Mapping[str, int]], *, most: int = MOST_CLASSES) -> list[str]:
    """Return the ``most`` classes that are most often confused with others, in their order.

    ``counts`` are those of ``Validation.confusion``.
    """
    wrong = {
        label: sum(row[label] + counts[label][other] for other, row in counts.items() if other != label)
        for label in counts
    }
    kept = sorted(wrong, key=lambda label: -wrong[label])[:most]
    return [label for label in counts if label in kept]


def smallest_difference(correct: int, n: int) -> float:
    """Return how far apart two accuracies near ``correct`` of ``n`` pictures must be to differ by more than luck.

    A share (0 to 1): half the 95 % interval of a difference of two equal shares after Newcombe (1998, method 10,
    doi 10.1002/(sici)1097-0258(19980430)17:8<873::aid-sim779>3.0.co;2-i), made of Wilson intervals, which also holds
    near 0 and 1. It assumes independence: two models that mostly fail on the same pictures need a smaller difference.
    """
    share, (low, high) = correct / n, wilson_interval(correct, n)
    return math.hypot(share - low, high - share)
