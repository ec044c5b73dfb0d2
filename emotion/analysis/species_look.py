"""Remove a species' appearance: predictions after shifting each set's mean features to the training pictures' mean."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Table, Text, right_of, row, shaded
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.probabilities import Judged
from emotion.analysis.study import Judge, Study
from emotion.core.errors import PictureError
from emotion.core.format import listed
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.progress import Progress


@dataclass(frozen=True)
class Said:
    """Predictions for a set: the count of each class, the number correct, and the log loss in nats."""

    predicted: dict[str, int]
    correct: int
    accuracy: float
    accuracy_interval: Interval
    log_loss: float


@dataclass(frozen=True)
class SetLook:
    """``n`` pictures of a set, judged as they are and after the shift of their mean."""

    n: int
    before: Said
    after: Said


@dataclass(frozen=True)
class LookResult:
    """Results by set; ``left_out`` are the sets that lack an emotion."""

    sets: dict[str, SetLook]
    left_out: list[str]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, LookResult]:
    """Shift each set's features so that their mean equals the training pictures'; sets that lack a class are left out.

    Raises PictureError if no set shows every class, or pictures of the run or of a set are gone.
    """
    whole = [name for name, shown in comparison.sets.items() if set(shown) == set(comparison.classes)]
    if not whole:
        raise PictureError(
            "No set shows every emotion here, and of one alone its mean would take the emotion off: press All emotions."
        )
    learnt, pictures = judge.learnt(), {name: comparison.pooled(name).pictures for name in whole}
    shown = [Path(each.picture) for rows in pictures.values() for each in rows]
    features = yield from judge.features([*(each.path for each in learnt), *shown])
    mean, rest, found = np.nanmean(features[: len(learnt)], axis=0), features[len(learnt) :], {}
    for name, rows in pictures.items():
        own, rest = rest[: len(rows)], rest[len(rows) :]
        readable = ~np.isnan(own).any(1)
        if not readable.any():
            raise PictureError(f"None of the pictures of {name} can be read any more: compare again.")
        truth = np.array([judge.classes.index(each.label) for each in rows])[readable]
        found[name] = shifted(judge, own[readable], truth, mean=mean)
    return LookResult(found, [name for name in comparison.sets if name not in whole])


def shifted(judge: Judge, features: np.ndarray, truth: np.ndarray, *, mean: np.ndarray) -> SetLook:
    """Return the predictions for (N, F) features as they are, and shifted so that their mean is ``mean``, (F,)."""
    moved = features - features.mean(0) + mean
    before, after = (
        _said(judge.classifier.of_features(rows), truth, judge.classes) for rows in (features, moved.astype(np.float32))
    )
    return SetLook(len(truth), before, after)


def _said(probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> Said:
    judged = Judged(probabilities, truth)
    correct = int(judged.is_right.sum())
    called = np.bincount(probabilities.argmax(1), minlength=len(classes)).tolist()
    predicted = dict(zip(classes, called, strict=True))
    return Said(predicted, correct, judged.accuracy, wilson_interval(correct, len(truth)), judged.log_loss)


def blocks(result: LookResult, comparison: Comparison) -> list[Block]:
    """Return the predictions before and after the shift."""
    rows = [
        row(
            f"{name}, {what}",
            *shaded(said.predicted),
            right_of(said.correct, each.n),
            f"{said.log_loss:.2f}",
            colour=comparison.colour(name),
        )
        for name, each in result.sets.items()
        for what, said in (("as it is", each.before), ("its own mean taken off", each.after))
    ]
    head = (*(f"called {label}" for label in comparison.classes), "Right", "Log loss")
    notes = (
        "It uses the set’s pictures without their labels. It is a question to the model, and no better classifier: "
        "what is the species’ look goes, and what is left is what the pictures differ in."
    )
    if result.left_out:
        notes += (
            f" Not asked of {listed(result.left_out)}: where a set does not show every emotion, its mean would take "
            "emotions away."
        )
    return [
        *(Text(_sentence(name, each), "finding") for name, each in result.sets.items()),
        Table("What is said with and without the species’ look", "Set", head, rows),
        Text(notes, "note"),
    ]


def _sentence(name: str, each: SetLook) -> str:
    most, other = (max(said.predicted.values()) for said in (each.before, each.after))
    evener = "evens out what it says" if other < most else "does not even out what it says"
    low, high = each.before.accuracy_interval
    worth = "no more than luck moves" if low <= each.after.accuracy <= high else "more than luck moves"
    return (
        f"Taking off the look of {plural(name)} {evener}: the most frequent answer comes {most} and then {other} "
        f"times. Log loss {each.before.log_loss:.2f} and then {each.after.log_loss:.2f}; {each.before.correct} and "
        f"then {each.after.correct} of {each.n} are right, {worth}."
    )


STUDY = Study(
    "look", "Species’ look",
    "Does it call all dogs the same because they look alike to it? Each set’s mean is taken off its features.",
    LookResult, ask, blocks,
)  # fmt: skip
