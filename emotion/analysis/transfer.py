"""Transfer between species: a classifier is trained on each set of a comparison and tested on all of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.analysis.blocks import Block, Cell, Table, Text, row
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import plural
from emotion.analysis.statistics import Estimate, area_under_curve, bootstrap
from emotion.analysis.study import Judge, Study, pictures_of
from emotion.core.errors import PictureError
from emotion.core.format import capital, in_words, listed, minus, percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.labels import chance_level, species_of
from emotion.core.progress import Progress
from emotion.data.folders import Picture
from emotion.training.shipped import fingerprinted

# Inverse regularisation strengths; one is chosen for each training set, by folds within it.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
FOLDS, SEED, RESAMPLES = 5, 0, 2000
# Fewer pictures of a class do not reach every fold.
LEAST = FOLDS
NOTE = (
    "In each cell the share right, its 95 % Wilson interval, the mean area under the ROC curve of each emotion against "
    f"the rest, and the pictures. Guessing gets {{}}, and an AUC of 0.50. On the diagonal {in_words(FOLDS)} folds: no "
    "picture, nor a near-duplicate, is judged by what was learnt of it."
)
ABOUT = (
    "It asks what the backbone, as it was before any training, holds of each species, and learns from the very sets "
    "that one judges by: that is the question, and no test of the run."
)
OF_THE_RUN = (
    " The run itself has {} right: it learnt from its own training pictures, by many small steps; here one regularised "
    "logistic regression a row learns from the compared sets."
)


@dataclass(frozen=True)
class LabelledSet:
    """(N, F) features, their (N,) class indices, and (N,) groups of near-duplicates, which stay in one fold."""

    features: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Accuracy:
    """The test of a classifier on a set: accuracy with Wilson's interval, and macro AUC."""

    n: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    auc: float


@dataclass(frozen=True)
class TransferResult:
    """``matrix`` is by training set, then by test set; ``reference`` is the set of the run's own species.

    ``share`` is by set: (accuracy from the run's species − chance) ÷ (accuracy from the set itself − chance), both
    tested on the set, with a bootstrap over its pictures, the trained classifiers held fixed. None if undefined.
    """

    reference: str
    classes: list[str]
    chance: float
    matrix: dict[str, dict[str, Accuracy]]
    share: dict[str, Estimate | None]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, TransferResult]:
    """Measure transfer between the comparison's sets; PictureError if a set is gone, or as ``between``."""
    return between(judge, pictures_of(comparison, comparison.classes))


def between(judge: Judge, sets: Mapping[str, Sequence[Picture]]) -> Generator[Progress, None, TransferResult]:
    """Measure transfer between sets of pictures, in the run's classes, with features of its untrained backbone.

    Raises PictureError if too few pictures of two classes can be used.
    """
    counts = [[picture.label for picture in pictures] for pictures in sets.values()]
    shared = [label for label in judge.classes if all(each.count(label) >= LEAST for each in counts)]
    if len(shared) < 2:
        raise PictureError(
            f"The sets have fewer than two emotions in common with {LEAST} pictures or more: compare other sets."
        )
    wanted = {name: [each for each in pictures if each.label in shared] for name, pictures in sets.items()}
    found = yield from judge.features(wanted, is_untrained=True)
    labelled: dict[str, LabelledSet] = {}
    for name, each in found.items():
        truth = np.array([shared.index(picture.label) for picture in each.pictures])
        if min(np.bincount(truth, minlength=len(shared))) < LEAST:
            raise PictureError(f"Too few pictures of {name} can be read: {LEAST} of each emotion are needed.")
        yield Progress(len(labelled), len(sets), f"looking for near-duplicates among {plural(name)}")
        known = fingerprinted([(str(picture.path), picture.sha256) for picture in each.pictures])
        groups = known.groups([picture.path for picture in each.pictures])
        labelled[name] = LabelledSet(each.features, truth, np.array(groups))
    return (yield from transfer(labelled, classes=shared))


def transfer(sets: Mapping[str, LabelledSet], *, classes: Sequence[str]) -> Generator[Progress, None, TransferResult]:
    """Train on each set and test on all: on the training set by cross-validation, on the others directly."""
    chance, said = chance_level(len(classes)), {}
    for number, (name, learnt) in enumerate(sets.items()):
        yield Progress(number, len(sets), f"learning from {plural(name)}")
        strength, own = _cross_validated(learnt, classes=len(classes))
        said[name] = {
            other: own if other == name else _learn(learnt.features, learnt.truth, each.features, [strength])[0]
            for other, each in sets.items()
        }
    reference = next((name for name in sets if species_of(name) == REFERENCE), next(iter(sets)))
    matrix = {
        name: {other: _accuracy(rows, sets[other].truth) for other, rows in each.items()} for name, each in said.items()
    }
    share = {
        name: _share(said[reference][name], said[name][name], each.truth, chance=chance)
        for name, each in sets.items()
        if name != reference
    }
    return TransferResult(reference, list(classes), chance, matrix, share)


def _cross_validated(learnt: LabelledSet, *, classes: int) -> tuple[float, np.ndarray]:
    """Return the strength with the lowest log loss over folds, and the folds' (N, C) probabilities.

    Choosing among six strengths by log loss inflates the folds' accuracy only slightly.
    """
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedGroupKFold

    said = np.zeros((len(STRENGTHS), len(learnt.truth), classes))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(learnt.features, learnt.truth, learnt.groups):
        if len(np.unique(learnt.truth[train])) < classes:
            raise PictureError(
                "Nearly all pictures of an emotion look alike, so none can be judged by others: compare other sets."
            )
        said[:, test] = _learn(learnt.features[train], learnt.truth[train], learnt.features[test], STRENGTHS)
    best = int(np.argmin([log_loss(learnt.truth, each, labels=range(classes)) for each in said]))
    return STRENGTHS[best], said[best]


def _learn(features: np.ndarray, truth: np.ndarray, others: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """Fit (N, F) features, whitened within their classes; return the (S, M, C) probabilities of (M, F) others.

    One logistic regression per strength, the strongest regularisation first; each starts at the previous solution.
    """
    from sklearn.linear_model import LogisticRegression

    from emotion.training.head import whitening_of

    mean, projection = whitening_of(features, truth, classes=int(truth.max()) + 1)
    seen, shown = (features - mean) @ projection, ((others - mean) @ projection).astype(np.float64)
    model = LogisticRegression(max_iter=1000, warm_start=True, tol=1e-3)
    return np.stack([model.set_params(C=strength).fit(seen, truth).predict_proba(shown) for strength in strengths])


def _accuracy(said: np.ndarray, truth: np.ndarray) -> Accuracy:
    correct, n = int((said.argmax(1) == truth).sum()), len(truth)
    areas = area_under_curve(said.T, np.arange(said.shape[1])[:, None] == truth[None])
    return Accuracy(n, correct, correct / n, wilson_interval(correct, n), float(np.nanmean(areas)))


def _share(across: np.ndarray, within: np.ndarray, truth: np.ndarray, *, chance: float) -> Estimate | None:
    """Return the share; None if the classifier trained on the set itself is no better than guessing."""
    one, other = across.argmax(1) == truth, within.argmax(1) == truth
    if wilson_interval(int(other.sum()), len(truth))[0] <= chance:
        return None

    def share(places: np.ndarray) -> np.ndarray:
        part, whole = one[places].mean(1) - chance, other[places].mean(1) - chance
        value: np.ndarray = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
        return value

    return bootstrap(share, len(truth), resamples=RESAMPLES, seed=SEED)


def blocks(result: TransferResult, comparison: Comparison) -> list[Block]:
    rows = []
    for name, judged in result.matrix.items():
        cells = []
        for other, each in judged.items():
            detail = f"{span(each.accuracy_interval)}, AUC {each.auc:.2f}, n {each.n:,}"
            above = max(0.0, each.accuracy - result.chance) / (1 - result.chance)
            cells.append(Cell(percent(each.accuracy), detail, above, "right" if other == name else "plain"))
        rows.append(row(f"from {plural(name)}", *cells, colour=comparison.colour(name)))
    head = [f"judged: {plural(name)}" for name in result.matrix]
    note = NOTE.format(percent(result.chance))
    own = [f"{percent(comparison.pooled(name).accuracy)} of {plural(name)}" for name in result.share]
    about = ABOUT + (OF_THE_RUN.format(listed(own)) if own and not comparison.emotion else "")
    return [
        *(Text(each, "finding") for each in sentences(result)),
        Table("Right, by who was learnt from and who was judged", "Learnt", head, rows, note=note),
        Text(about, "note"),
    ]


def sentences(result: TransferResult) -> list[str]:
    """Return a sentence on the transfer to each other set."""
    found, ours = [], plural(result.reference)
    for name, share in result.share.items():
        theirs = plural(name)
        across, within = (percent(result.matrix[of][name].accuracy) for of in (result.reference, name))
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
