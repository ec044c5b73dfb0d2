"""Without the species' look: what a run says once each set's own mean is taken from its features, not the people's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Cell, Row, Table, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.probabilities import Judged
from emotion.analysis.study import Judge, Study
from emotion.core.errors import PictureError
from emotion.core.format import listed, percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.labels import colour_of_set
from emotion.core.progress import Progress
from emotion.data.folders import find_pictures


@dataclass(frozen=True)
class Said:
    """What was said of a set: how often each class, how many right, and the log loss in nats."""

    predicted: dict[str, int]
    correct: int
    accuracy: float
    accuracy_interval: Interval
    log_loss: float


@dataclass(frozen=True)
class SetLook:
    """``n`` pictures of a set, judged as they are, and with the set's own mean in place of the training's."""

    n: int
    before: Said
    after: Said


@dataclass(frozen=True)
class LookResult:
    """By set; ``left_out`` are those that do not show every emotion."""

    sets: dict[str, SetLook]
    left_out: list[str]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, LookResult]:
    """Shift the features of each set that shows every class by the difference of its mean to the training's.

    Raises:
        PictureError: no set shows every class, or pictures of the run or of a set are gone.
    """
    whole = [name for name, shown in comparison.sets.items() if set(shown) == set(comparison.classes)]
    if not whole:
        raise PictureError(
            "No set shows every emotion here, and of one alone its mean would take the emotion off: press All emotions."
        )
    config = judge.run.config()
    listed_pictures = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    learnt = [each.path for each in listed_pictures if each.label in judge.classes]
    pictures = {name: comparison.pooled(name).pictures for name in whole}
    shown = [Path(each.picture) for rows in pictures.values() for each in rows]
    features = yield from judge.features([*learnt, *shown])
    mean, rest, found = np.nanmean(features[: len(learnt)], axis=0), features[len(learnt) :], {}
    for name, rows in pictures.items():
        own, rest = rest[: len(rows)], rest[len(rows) :]
        readable = ~np.isnan(own).any(1)
        truth = np.array([judge.classes.index(each.label) for each in rows])[readable]
        if not readable.any():
            raise PictureError(f"None of the pictures of {name} can be read any more: compare again.")
        found[name] = shifted(judge, own[readable], truth, mean=mean)
    return LookResult(found, [name for name in comparison.sets if name not in whole])


def shifted(judge: Judge, features: np.ndarray, truth: np.ndarray, *, mean: np.ndarray) -> SetLook:
    """Return what is said of (N, F) features as they are, and moved so that their mean is ``mean``, (F,)."""
    moved = features - features.mean(0) + mean
    before, after = (_said(judge.judged(rows), truth, judge.classes) for rows in (features, moved.astype(np.float32)))
    return SetLook(len(truth), before, after)


def blocks(result: LookResult, comparison: Comparison) -> list[Block]:
    """Return what was said before and after."""
    rows = []
    for name, each in result.sets.items():
        for what, said in (("as it is", each.before), ("its own mean taken off", each.after)):
            counts = (Cell(str(number), share=number / each.n, tone="plain") for number in said.predicted.values())
            right = Cell(f"{said.correct} of {each.n}", f"{percent(said.accuracy)}: {span(said.accuracy_interval)}")
            rows.append(
                Row(f"{name}, {what}", (*counts, right, Cell(f"{said.log_loss:.2f}")), colour=colour_of_set(name))
            )
    head = (*(f"called {label}" for label in comparison.classes), "Right", "Log loss")
    table = Table("What is said with and without the species’ look", "Set", head, tuple(rows))
    notes = (
        "It uses the set’s pictures without their labels. It is a question to the model, and no better classifier: "
        "what is the species’ look goes, and what is left is what the pictures differ in."
    )
    if result.left_out:
        notes += (
            f" Not asked of {listed(result.left_out)}: where a set does not show every emotion, its mean would take "
            "emotions away."
        )
    return [*(Text(_sentence(name, each), "finding") for name, each in result.sets.items()), table, Text(notes, "note")]


def _sentence(name: str, each: SetLook) -> str:
    most, other = (max(said.predicted.values()) for said in (each.before, each.after))
    evener = "evens out what it says" if other < most else "does not even out what it says"
    low, high = each.before.accuracy_interval
    same = low <= each.after.accuracy <= high
    right = f"{each.before.correct} and then {each.after.correct} of {each.n} are right"
    worth = "no more than luck moves" if same else "more than luck moves"
    return (
        f"Taking off the look of {plural(name)} {evener}: the most frequent answer comes {most} and then {other} "
        f"times. Log loss {each.before.log_loss:.2f} and then {each.after.log_loss:.2f}; {right}, {worth}."
    )


def _said(probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> Said:
    judged = Judged(probabilities, truth)
    called, correct = Counter(probabilities.argmax(1).tolist()), int(judged.is_right.sum())
    predicted = {label: called[place] for place, label in enumerate(classes)}
    return Said(predicted, correct, judged.accuracy, wilson_interval(correct, len(truth)), judged.log_loss)


STUDY = Study(
    "look",
    "Species’ look",
    "Is it how dogs look that makes it say one thing of all? Each set’s own mean is taken from its features.",
    LookResult,
    ask,
    blocks,
)
