"""How much of the way a model goes: who was learnt from by who was judged, for every set of a comparison."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Cell, Row, Table, Text
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import plural
from emotion.analysis.linear import FOLDS, SEED, LabelledSet, chosen, learn
from emotion.analysis.pool import pictures_of
from emotion.analysis.statistics import area_under_curve, bootstrap
from emotion.analysis.study import Judge, Study
from emotion.core.errors import PictureError
from emotion.core.format import capital, in_words, listed, minus, percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.labels import chance_level, colour_of_set, species_of
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.runs.run import Run
from emotion.training.shipped import fingerprinted

RESAMPLES = 2000
# Fewer pictures of a class find no place in every fold.
LEAST = FOLDS


@dataclass(frozen=True)
class Judged:
    """How pictures of a set were judged by what was learnt of one: accuracy with Wilson's interval, and macro AUC."""

    n: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    auc: float


@dataclass(frozen=True)
class Share:
    """(learnt from the run's species − chance) ÷ (learnt from the set itself − chance), both judged on the set.

    The interval is that of a bootstrap over its pictures, with everything learnt held fixed.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TransferResult:
    """``matrix`` by who was learnt from, then by who was judged; ``share`` by set, None where there is none.

    ``reference`` is the set of the run's own species, ``observed`` what the run itself had right of each set, where
    that is known.
    """

    reference: str
    classes: list[str]
    chance: float
    matrix: dict[str, dict[str, Judged]]
    share: dict[str, Share | None]
    observed: dict[str, float]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, TransferResult]:
    """Look at all pictures of the comparison's sets by the run's backbone as it was before the training.

    Raises:
        PictureError: a set is gone, or too few pictures of two classes can be used.
    """
    found = {name: pictures_of(comparison, name, comparison.classes) for name in comparison.sets}
    observed = {name: comparison.pooled(name).accuracy for name in comparison.sets if not comparison.emotion}
    return (yield from of_sets(judge, found, classes=comparison.classes, observed=observed))


@dataclass(frozen=True)
class Transfer:
    """The same asked of sets that no comparison has; ``sets`` maps a name to a folder of class folders."""

    run: Run
    sets: Mapping[str, str]
    use_aliases: bool = False

    def carry_out(self, judge: Judge) -> Generator[Progress, None, TransferResult]:
        """Return the transfer between the sets, in the run's classes.

        Raises:
            PictureError: a set is missing, or too few pictures of two classes can be used.
        """
        found = {name: find_pictures(Path(folder), use_aliases=self.use_aliases) for name, folder in self.sets.items()}
        return (yield from of_sets(judge, found, classes=judge.classes))


def of_sets(
    judge: Judge,
    sets: Mapping[str, Sequence[Picture]],
    *,
    classes: Sequence[str],
    observed: Mapping[str, float] | None = None,
) -> Generator[Progress, None, TransferResult]:
    """Return the transfer between sets of labelled pictures.

    Raises:
        PictureError: too few pictures of two classes can be used.
    """
    paths = [picture.path for pictures in sets.values() for picture in pictures]
    features = yield from judge.backbone_features(paths)
    labels, labelled = shared_classes(sets, classes), dict[str, LabelledSet]()
    for name, pictures in sets.items():
        rows, features = features[: len(pictures)], features[len(pictures) :]
        usable = [n for n, each in enumerate(pictures) if each.label in labels and not np.isnan(rows[n]).any()]
        rest = [pictures[n] for n in usable]
        truth = np.array([labels.index(each.label) for each in rest], dtype=int)
        if min(np.bincount(truth, minlength=len(labels))) < LEAST:
            raise PictureError(f"Too few pictures of {name} can be read: {LEAST} of each emotion are needed.")
        yield Progress(len(labelled), len(sets), f"looking for near-duplicates among {plural(name)}")
        known = fingerprinted([(str(each.path), each.sha256) for each in rest])
        groups = known.groups([each.path for each in rest])
        labelled[name] = LabelledSet(rows[usable], truth, np.array(groups))
    return (yield from transfer(labelled, classes=labels, observed=observed or {}))


def shared_classes(sets: Mapping[str, Sequence[Picture]], classes: Sequence[str]) -> list[str]:
    """Return the classes of which every set has enough pictures.

    Raises:
        PictureError: these are fewer than two.
    """
    counts = {name: [picture.label for picture in pictures] for name, pictures in sets.items()}
    labels = [label for label in classes if all(each.count(label) >= LEAST for each in counts.values())]
    if len(labels) < 2:
        raise PictureError(
            f"The sets have fewer than two emotions in common with {LEAST} pictures or more: compare other sets."
        )
    return labels


def transfer(
    sets: Mapping[str, LabelledSet], *, classes: Sequence[str], observed: Mapping[str, float]
) -> Generator[Progress, None, TransferResult]:
    """Learn from each set and judge all of them: itself by folds, the others by all of it."""
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
            name: {other: _judged(rows, sets[other].truth) for other, rows in row.items()} for name, row in said.items()
        },
        share={
            name: _share(said[reference][name], said[name][name], each.truth, chance=chance)
            for name, each in sets.items()
            if name != reference
        },
        observed=dict(observed),
    )


def blocks(result: TransferResult, comparison: Comparison) -> list[Block]:
    """Return the share of the way, and the matrix behind it."""
    names = list(result.matrix)
    rows = tuple(
        Row(
            f"from {plural(name)}",
            tuple(
                Cell(
                    percent(each.accuracy),
                    f"{span(each.accuracy_interval)}, AUC {each.auc:.2f}, n {each.n:,}",
                    share=max(0.0, each.accuracy - result.chance) / (1 - result.chance),
                    tone="right" if other == name else "plain",
                )
                for other, each in row.items()
            ),
            colour=colour_of_set(name),
        )
        for name, row in result.matrix.items()
    )
    note = (
        "In each cell the share right, its 95 % Wilson interval, the mean area under the ROC curve of each emotion "
        f"against the rest, and the pictures. Guessing gets {percent(result.chance)}, and an AUC of 0.50. On the "
        f"diagonal {in_words(FOLDS)} folds: no picture, nor a near-duplicate, is judged by what was learnt of it."
    )
    head = tuple(f"judged: {plural(name)}" for name in names)
    table = Table("Right, by who was learnt from and who was judged", "Learnt", head, rows, note=note)
    own = [f"{percent(share)} of {plural(name)}" for name, share in result.observed.items() if name != result.reference]
    differs = (
        f" The run itself has {listed(own)} right: it learnt from its own training pictures, by many small steps; here "
        "one regularised logistic regression a row learns from the compared sets."
        if own
        else ""
    )
    return [
        *(Text(each, "finding") for each in sentences(result)),
        table,
        Text(
            "It asks what the backbone, as it was before any training, holds of each species, and learns from the very "
            f"sets that one judges by: that is the question, and no test of the run.{differs}",
            "note",
        ),
    ]


def sentences(result: TransferResult) -> list[str]:
    """Say of each other set how much of the way to it goes."""
    return [_sentence(result, name) for name in result.share]


def _sentence(result: TransferResult, name: str) -> str:
    ours, theirs, share = plural(result.reference), plural(name), result.share[name]
    across = percent(result.matrix[result.reference][name].accuracy)
    within = percent(result.matrix[name][name].accuracy)
    both = f"learnt from {ours} {across} of {theirs} are right, learnt from {theirs} {within}"
    if share is None:
        return f"{capital(both)}, which cannot be told from guessing: there is no way to go part of."
    return (
        f"What {ours} teach goes {minus(percent(share.value))} of the way to {theirs} (95 %: "
        f"{span((share.low, share.high))}): {both}."
    )


def _judged(said: np.ndarray, truth: np.ndarray) -> Judged:
    correct, n = int((said.argmax(1) == truth).sum()), len(truth)
    areas = area_under_curve(said.T, np.arange(said.shape[1])[:, None] == truth[None])
    return Judged(n, correct, correct / n, wilson_interval(correct, n), float(np.nanmean(areas)))


def _share(across: np.ndarray, within: np.ndarray, truth: np.ndarray, *, chance: float) -> Share | None:
    """Return the share of the way; None where what was learnt of the set itself cannot be told from guessing."""
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


STUDY = Study(
    "transfer",
    "Transfer",
    "How much of the way to animals does what people teach go? Each set is learnt from, and every set judged.",
    TransferResult,
    ask,
    blocks,
)
