"""Remove a species' appearance: predictions after shifting each set's mean features to the training pictures' mean."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Table, Text, right_of, row, shaded
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.probabilities import Scores
from emotion.analysis.study import LEARNT, Judge, Study
from emotion.core.errors import PictureError
from emotion.core.format import listed
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.progress import Progress
from emotion.data.folders import Picture

NOTE = (
    "It uses the set’s pictures without their labels. It is a question to the model, and no better classifier: what is "
    "the species’ look goes, and what is left is what the pictures differ in."
)


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
    pictures = {
        of: [Picture(Path(each.picture), each.label) for each in comparison.pooled(of).pictures] for of in whole
    }
    found = yield from judge.features({LEARNT: judge.learnt(), **pictures})
    mean = found.pop(LEARNT).features.mean(0)
    sets = {name: shifted(judge, each.features, each.truth, mean=mean) for name, each in found.items()}
    return LookResult(sets, [name for name in comparison.sets if name not in whole])


def shifted(judge: Judge, features: np.ndarray, truth: np.ndarray, *, mean: np.ndarray) -> SetLook:
    """Return the predictions for (N, F) features as they are, and shifted so that their mean is ``mean``, (F,)."""

    def said(rows: np.ndarray) -> Said:
        scores = Scores(judge.classifier.of_features(rows), truth)
        called = np.bincount(scores.probabilities.argmax(1), minlength=len(judge.classes)).tolist()
        predicted, n = dict(zip(judge.classes, called, strict=True)), len(truth)
        return Said(predicted, scores.correct, scores.correct / n, wilson_interval(scores.correct, n), scores.log_loss)

    return SetLook(len(truth), said(features), said((features - features.mean(0) + mean).astype(np.float32)))


def blocks(result: LookResult, comparison: Comparison) -> list[Block]:
    rows, sentences = [], []
    for name, each in result.sets.items():
        before, after, (low, high) = each.before, each.after, each.before.accuracy_interval
        for what, said in (("as it is", before), ("its own mean taken off", after)):
            cells, right = shaded(said.predicted), right_of(said.correct, each.n)
            rows.append(row(f"{name}, {what}", *cells, right, f"{said.log_loss:.2f}", colour=comparison.colour(name)))
        sentences.append(
            f"Of {each.n} {plural(name)} {before.correct} are right, and without their look {after.correct}, "
            f"{'no more' if low <= after.accuracy <= high else 'more'} than luck moves; the most frequent answer comes "
            f"{max(before.predicted.values())} and then {max(after.predicted.values())} times."
        )
    left_out = (
        f" Not asked of {listed(result.left_out)}: where an emotion is lacking, the mean would take others away."
        if result.left_out
        else ""
    )
    head = (*(f"called {label}" for label in comparison.classes), "Right", "Log loss")
    return [
        *(Text(each, "finding") for each in sentences),
        Table("What is said with and without the species’ look", "Set", head, rows, note=NOTE + left_out),
    ]


STUDY = Study(
    "look", "Species’ look",
    "Does it call all dogs the same because they look alike to it? Each set’s mean is taken off its features.",
    LookResult, ask, blocks,
)  # fmt: skip
