"""A map of features: pictures of all species on the two axes along which the pictures trained on differ most."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Figure, Mark, PictureMap, Points, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural, reference_of
from emotion.analysis.pool import Pool, pools
from emotion.analysis.study import Judge, Study
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import colour_of, in_order
from emotion.core.progress import Progress
from emotion.data.folders import find_pictures, within

# Told apart without colours.
SHAPES = ("circle", "triangle", "square", "diamond", "cross", "star")
PER_CLASS = 20
# As many as a page can show with a small copy of each.
MOST_POINTS = 240


@dataclass(frozen=True)
class Point:
    """A picture on the map; ``picture`` is its path within its set's folder, ``predicted`` what the run calls it."""

    set_name: str
    picture: str
    label: str
    predicted: str
    x: float
    y: float


@dataclass(frozen=True)
class Distances:
    """How a set lies to the reference set, in all directions of the features, not on the map alone.

    ``nearer`` of its ``n`` pictures are nearer to the centres of their own set's other emotions, on average, than to
    the centre of the reference's pictures of the same emotion. ``across`` is the mean distance between the two sets'
    centres of one emotion, ``within`` and ``within_reference`` that between the centres of two emotions of a set: root
    mean squares over directions, 1 for the mean spread of the training pictures along one.
    """

    n: int
    nearer: int
    across: float
    within: float
    within_reference: float


@dataclass(frozen=True)
class MapResult:
    """Points, the share (0 to 1) of the training pictures' variance that each axis holds, and how sets lie apart.

    ``fitted_on`` counts the training pictures; ``unreadable`` counts by set what was drawn and could not be read.
    """

    reference: str
    fitted_on: int
    explained: list[float]
    points: list[Point]
    unreadable: dict[str, int]
    distances: dict[str, Distances]

    def sentences(self) -> list[str]:
        """Say for each set beside the reference whether its pictures lie by species or by emotion."""
        return [_sentence(name, each, self.reference) for name, each in self.distances.items()]

    def axes_sentence(self) -> str:
        """Say what the map shows, and how little of it that is."""
        return (
            f"The map shows {100 * sum(self.explained):.1f} % of the spread of the {self.fitted_on} training pictures: "
            "the two directions in which they differ most, once features are whitened as they are for the classifier. "
            "No picture on it has a part in them. What is said of distances rests on all directions, most of which it "
            "does not show."
        )


def ask(judge: Judge, comparison: Comparison, *, per_class: int = PER_CLASS) -> Generator[Progress, None, MapResult]:
    """Lay out up to ``per_class`` pictures of each emotion of each set.

    Features are whitened within the classes of the run's own picture set, as before a training of the classifier, and
    the axes are the first two principal components of that set: those of what the model learnt from, to which the
    people on the map are as new as the animals. Plain standardised features were tried, on drawn faces and on
    photographs: two axes hold more of their variance, but of pose and background, and people's emotions overlap.

    Raises:
        PictureError: pictures of the run or of the comparison's sets are gone, or too few can be read.
    """
    config = judge.run.config()
    listed = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    learnt = [each for each in listed if each.label in judge.classes]
    found = yield from pools(comparison, judge.run, labels=comparison.classes)
    drawn = draw(comparison, found, per_class=per_class)
    features = yield from judge.features([*(each.path for each in learnt), *(path for _, _, path in drawn)])
    truth = [judge.classes.index(each.label) for each in learnt]
    said = judge.judged(features[len(truth) :])
    return laid_out(comparison, drawn, features, said, truth=truth, classes=judge.classes)


def drawn_per_class(cells: int, *, per_class: int = PER_CLASS) -> int:
    """Return how many pictures are drawn of each emotion of each set, where these are ``cells`` together."""
    return max(1, min(per_class, MOST_POINTS // cells))


Drawn = tuple[str, str, Path]


def draw(comparison: Comparison, found: Mapping[str, Pool], *, per_class: int) -> list[Drawn]:
    """Return set, emotion and path of the pictures to lay out, drawn by the comparison's seed without replacement."""
    cells = [(name, label, paths) for name, pool in found.items() for label, paths in pool.pictures.items()]
    size = drawn_per_class(len(cells), per_class=per_class)
    return [
        (name, label, path)
        for name, label, paths in cells
        for path in random.Random(f"{comparison.seed}/{name}/{label}").sample(paths, min(size, len(paths)))
    ]


def laid_out(
    comparison: Comparison,
    drawn: Sequence[Drawn],
    features: np.ndarray,
    said: np.ndarray,
    *,
    truth: Sequence[int],
    classes: Sequence[str],
) -> MapResult:
    """Project (L + N, F) features, first those of the L training pictures of classes ``truth``, then the drawn ones.

    ``said`` are the (N, C) probabilities of the drawn ones. A picture without features (NaN) is left out and counted.

    Raises:
        PictureError: fewer than two training pictures can be read, or none of those drawn.
    """
    from sklearn.decomposition import PCA

    from emotion.training.head import whitening_of

    learnt, rows = features[: len(truth)], features[len(truth) :]
    known = ~np.isnan(learnt).any(1)
    readable = ~np.isnan(rows).any(1)
    if known.sum() < 2 or not readable.any():
        raise PictureError("Too few pictures can be read for a map: see to the picture sets, then compare again.")
    mean, projection = whitening_of(learnt[known], np.array(truth)[known], classes=len(classes))
    axes = PCA(2, svd_solver="full").fit((learnt[known] - mean) @ projection)
    seen = (rows[readable] - mean) @ projection
    kept = [each for each, is_readable in zip(drawn, readable, strict=True) if is_readable]
    called = [classes[number] for number in said[readable].argmax(1)]
    places = axes.transform(seen).round(3).tolist()
    reference = reference_of(comparison)
    return MapResult(
        reference=reference,
        fitted_on=int(known.sum()),
        explained=[float(share) for share in axes.explained_variance_ratio_],
        points=[
            Point(name, within(str(path), comparison.folders[name]), label, predicted, x, y)
            for (name, label, path), predicted, (x, y) in zip(kept, called, places, strict=True)
        ],
        unreadable={
            name: sum(each[0] == name and not ok for each, ok in zip(drawn, readable, strict=True))
            for name in comparison.sets
        },
        distances=distances_to(reference, seen, [(name, label) for name, label, _ in kept]),
    )


def distances_to(reference: str, seen: np.ndarray, groups: Sequence[tuple[str, str]]) -> dict[str, Distances]:
    """Return how each other set lies to the reference, from (N, F) whitened features and their sets and emotions.

    A set that shares fewer than two emotions with the reference has none.
    """
    names = list(dict.fromkeys(name for name, _ in groups))
    places = {group: [place for place, each in enumerate(groups) if each == group] for group in dict.fromkeys(groups)}
    centres = {group: seen[rows].mean(0) for group, rows in places.items()}
    found = {}
    for name in names:
        shared = [label for of, label in centres if of == name and (reference, label) in centres]
        if name == reference or len(shared) < 2:
            continue
        verdicts = [
            np.mean([_apart(seen[row], centres[name, other]) for other in shared if other != label])
            < _apart(seen[row], centres[reference, label])
            for label in shared
            for row in places[name, label]
        ]
        found[name] = Distances(
            n=len(verdicts),
            nearer=int(np.sum(verdicts)),
            across=float(np.mean([_apart(centres[name, label], centres[reference, label]) for label in shared])),
            within=_between(name, shared, centres),
            within_reference=_between(reference, shared, centres),
        )
    return found


def _between(name: str, labels: Sequence[str], centres: Mapping[tuple[str, str], np.ndarray]) -> float:
    return float(np.mean([_apart(centres[name, one], centres[name, other]) for one, other in combinations(labels, 2)]))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


def _sentence(name: str, each: Distances, reference: str) -> str:
    theirs, ours = plural(name), plural(reference)
    return (
        f"Over all directions, {each.nearer} of {each.n} {theirs} lie nearer to the centres of {theirs} of other "
        f"emotions than to that of {ours} of the same emotion. Centres of one emotion lie {each.across:.2f} apart "
        f"between {ours} and {theirs}; those of two emotions {each.within:.2f} among {theirs}, "
        f"{each.within_reference:.2f} among {ours} (1 is the spread of the training pictures)."
    )


def blocks(result: MapResult, comparison: Comparison) -> list[Block]:
    """Return what the map says, and the map."""
    names = list(dict.fromkeys(point.set_name for point in result.points))
    shapes = {name: SHAPES[number % len(SHAPES)] for number, name in enumerate(names)}
    marks = tuple(
        Mark(
            point.x, point.y, colour_of(point.label), shapes[point.set_name],
            str(Path(comparison.folders[point.set_name]) / point.picture),
            f"{point.set_name}, shows {point.label}, called {point.predicted}: {point.picture}",
        )
        for point in result.points
    )  # fmt: skip
    first, second = (f"{share * 100:.1f} % of the spread" for share in result.explained)
    chart = PictureMap(
        alt=f"{count(len(marks), 'picture')} by their features; how they lie is said beside it.",
        x_axis=f"First axis, {first}", y_axis=f"Second axis, {second}", marks=marks,
        colours=tuple((label, colour_of(label)) for label in in_order({point.label for point in result.points})),
        shapes=tuple(shapes.items()),
    )  # fmt: skip
    unreadable = sum(result.unreadable.values())
    left_out = f" {count(unreadable, 'picture')} cannot be read and left out." if unreadable else ""
    return [
        Points(tuple((each, "") for each in result.sentences())),
        Figure("Pictures by their features: colour is emotion, shape is set.", (chart,)),
        Text(
            f"{count(len(marks), 'picture')}, drawn by seed {comparison.seed}. {result.axes_sentence()}{left_out}",
            "note",
        ),
    ]


STUDY = Study("map", "Feature map", "Do pictures lie together by emotion or by species?", MapResult, ask, blocks)
