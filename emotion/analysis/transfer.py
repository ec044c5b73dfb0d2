"""Transfer between species: a classifier is trained on each set of a comparison and tested on all of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Cell, Table, Text, row
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import plural
from emotion.analysis.linear import FOLDS, SEED, LabelledSet, chosen, learn
from emotion.analysis.statistics import area_under_curve, bootstrap
from emotion.analysis.study import Judge, Study, pictures_of
from emotion.core.errors import PictureError
from emotion.core.format import capital, in_words, listed, minus, percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.labels import chance_level, species_of
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.runs.run import Run
from emotion.training.shipped import fingerprinted

RESAMPLES = 2000
# Fewer pictures of a class do not reach every fold.
LEAST = FOLDS


@dataclass(frozen=True)
class Judged:
    """The test of a classifier on a set: accuracy with Wilson's interval, and macro AUC."""

    n: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    auc: float


@dataclass(frozen=True)
class Share:
    """(accuracy from the run's species − chance) ÷ (accuracy from the set itself − chance), both tested on the set.

    The interval is a bootstrap over the set's pictures, with the trained classifiers held fixed.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TransferResult:
    """``matrix`` is by training set, then by test set; ``share`` is by set, None if undefined.

    ``reference`` is the set of the run's own species; ``observed`` is the run's own accuracy on each set, if known.
    """

    reference: str
    classes: list[str]
    chance: float
    matrix: dict[str, dict[str, Judged]]
    share: dict[str, Share | None]
    observed: dict[str, float]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, TransferResult]:
    """Measure transfer between the comparison's sets with features of the run's backbone before its training.

    Raises PictureError if a set is gone, or too few pictures of two classes can be used.
    """
    found = {name: pictures_of(comparison, name, comparison.classes) for name in comparison.sets}
    observed = {name: comparison.pooled(name).accuracy for name in comparison.sets if not comparison.emotion}
    return (yield from _of_pictures(judge, found, comparison.classes, observed))


@dataclass(frozen=True)
class Transfer:
    """Transfer between sets outside of a comparison; ``sets`` maps a name to a folder of class folders."""

    run: Run
    sets: Mapping[str, str]
    use_aliases: bool = False

    def carry_out(self, judge: Judge) -> Generator[Progress, None, TransferResult]:
        """Return the transfer between the sets, in the run's classes; PictureError as ``ask``."""
        found = {name: find_pictures(Path(folder), use_aliases=self.use_aliases) for name, folder in self.sets.items()}
        return (yield from _of_pictures(judge, found, judge.classes, {}))


def _of_pictures(
    judge: Judge, sets: Mapping[str, Sequence[Picture]], classes: Sequence[str], observed: Mapping[str, float]
) -> Generator[Progress, None, TransferResult]:
    features = yield from judge.backbone_features([each.path for pictures in sets.values() for each in pictures])
    counts = [[picture.label for picture in pictures] for pictures in sets.values()]
    shared = [label for label in classes if all(each.count(label) >= LEAST for each in counts)]
    if len(shared) < 2:
        raise PictureError(
            f"The sets have fewer than two emotions in common with {LEAST} pictures or more: compare other sets."
        )
    labelled: dict[str, LabelledSet] = {}
    for name, pictures in sets.items():
        rows, features = features[: len(pictures)], features[len(pictures) :]
        usable = [n for n, each in enumerate(pictures) if each.label in shared and not np.isnan(rows[n]).any()]
        rest = [pictures[n] for n in usable]
        truth = np.array([shared.index(each.label) for each in rest], dtype=int)
        if min(np.bincount(truth, minlength=len(shared))) < LEAST:
            raise PictureError(f"Too few pictures of {name} can be read: {LEAST} of each emotion are needed.")
        yield Progress(len(labelled), len(sets), f"looking for near-duplicates among {plural(name)}")
        known = fingerprinted([(str(each.path), each.sha256) for each in rest])
        labelled[name] = LabelledSet(rows[usable], truth, np.array(known.groups([each.path for each in rest])))
    return (yield from transfer(labelled, classes=shared, observed=observed))


def transfer(
    sets: Mapping[str, LabelledSet], *, classes: Sequence[str], observed: Mapping[str, float]
) -> Generator[Progress, None, TransferResult]:
    """Train on each set and test on all: on the training set by cross-validation, on the others directly."""
    chance, count = chance_level(len(classes)), len(classes)
    said: dict[str, dict[str, np.ndarray]] = {}
    for number, (name, learnt) in enumerate(sets.items()):
        yield Progress(number, len(sets), f"learning from {plural(name)}")
        strength, own = chosen(learnt, classes=count)
        judge = learn(learnt.features, learnt.truth, [strength], classes=count)
        said[name] = {other: own if other == name else judge(each.features)[0] for other, each in sets.items()}
    reference = next((name for name in sets if species_of(name) == REFERENCE), next(iter(sets)))
    return TransferResult(
        reference=reference,
        classes=list(classes),
        chance=chance,
        matrix={
            name: {other: _judged(rows, sets[other].truth) for other, rows in each.items()}
            for name, each in said.items()
        },
        share={
            name: _share(said[reference][name], said[name][name], each.truth, chance=chance)
            for name, each in sets.items()
            if name != reference
        },
        observed=dict(observed),
    )


def _judged(said: np.ndarray, truth: np.ndarray) -> Judged:
    correct, n = int((said.argmax(1) == truth).sum()), len(truth)
    areas = area_under_curve(said.T, np.arange(said.shape[1])[:, None] == truth[None])
    return Judged(n, correct, correct / n, wilson_interval(correct, n), float(np.nanmean(areas)))


def _share(across: np.ndarray, within: np.ndarray, truth: np.ndarray, *, chance: float) -> Share | None:
    """Return the share; None if the classifier trained on the set itself is no better than guessing."""
    one, other = across.argmax(1) == truth, within.argmax(1) == truth
    if wilson_interval(int(other.sum()), len(truth))[0] <= chance:
        return None

    def share(places: np.ndarray) -> np.ndarray:
        whole = other[places].mean(1) - chance
        value: np.ndarray = np.where(whole > 0, (one[places].mean(1) - chance) / np.where(whole > 0, whole, 1), np.nan)
        return value

    interval = bootstrap(share, len(truth), resamples=RESAMPLES, seed=SEED)
    value = float(share(np.arange(len(truth))[None])[0])
    return Share(value, *interval) if interval else None


def blocks(result: TransferResult, comparison: Comparison) -> list[Block]:
    """Return the shares, and the matrix of accuracies."""
    rows = []
    for name, judged in result.matrix.items():
        cells = []
        for other, each in judged.items():
            detail = f"{span(each.accuracy_interval)}, AUC {each.auc:.2f}, n {each.n:,}"
            above = max(0.0, each.accuracy - result.chance) / (1 - result.chance)
            cells.append(Cell(percent(each.accuracy), detail, above, "right" if other == name else "plain"))
        rows.append(row(f"from {plural(name)}", *cells, colour=comparison.colour(name)))
    note = (
        "In each cell the share right, its 95 % Wilson interval, the mean area under the ROC curve of each emotion "
        f"against the rest, and the pictures. Guessing gets {percent(result.chance)}, and an AUC of 0.50. On the "
        f"diagonal {in_words(FOLDS)} folds: no picture, nor a near-duplicate, is judged by what was learnt of it."
    )
    head = [f"judged: {plural(name)}" for name in result.matrix]
    own = [f"{percent(share)} of {plural(name)}" for name, share in result.observed.items() if name != result.reference]
    differs = (
        f" The run itself has {listed(own)} right: it learnt from its own training pictures, by many small steps; here "
        "one regularised logistic regression a row learns from the compared sets."
        if own
        else ""
    )
    return [
        *(Text(each, "finding") for each in sentences(result)),
        Table("Right, by who was learnt from and who was judged", "Learnt", head, rows, note=note),
        Text(
            "It asks what the backbone, as it was before any training, holds of each species, and learns from the very "
            f"sets that one judges by: that is the question, and no test of the run.{differs}",
            "note",
        ),
    ]


def sentences(result: TransferResult) -> list[str]:
    """Return a sentence on the transfer to each other set."""
    found, ours = [], plural(result.reference)
    for name, share in result.share.items():
        theirs = plural(name)
        across = percent(result.matrix[result.reference][name].accuracy)
        within = percent(result.matrix[name][name].accuracy)
        both = f"learnt from {ours} {across} of {theirs} are right, learnt from {theirs} {within}"
        if share:
            part = f"{minus(percent(share.value))} of the way to {theirs} (95 %: {span((share.low, share.high))})"
            found.append(f"What {ours} teach goes {part}: {both}.")
        else:
            found.append(f"{capital(both)}, which cannot be told from guessing: there is no way to go part of.")
    return found


STUDY = Study(
    "transfer", "Transfer",
    "Does what is learnt from people carry over to animals? A classifier is trained on each set and tested on all.",
    TransferResult, ask, blocks,
)  # fmt: skip
