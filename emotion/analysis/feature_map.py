"""A feature map: pictures of all species on the first two principal axes of the training pictures."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Figure, Mark, PictureMap, Points, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.study import Judge, Pool, Study, pools
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import colour_of, in_order
from emotion.core.progress import Progress
from emotion.data.folders import within

# Distinguishable without colours.
SHAPES = ("circle", "triangle", "square", "diamond", "cross", "star")
PER_CLASS = 20
# As many as a page can show with thumbnails.
MOST_POINTS = 240
Drawn = tuple[str, str, Path]


@dataclass(frozen=True)
class Point:
    """A picture on the map; ``picture`` is its path within its set's folder, ``predicted`` its predicted class."""

    set_name: str
    picture: str
    label: str
    predicted: str
    x: float
    y: float


@dataclass(frozen=True)
class Distances:
    """A set's distances to the reference set, in all directions of the whitened features.

    ``nearer`` of its ``n`` pictures are nearer, on average, to the centres of their own set's other emotions than to
    the centre of the same emotion in the reference set. ``across`` is the mean distance of two sets' centres of one
    emotion; ``within`` and ``within_reference`` are the mean distances between centres of two emotions of one set. All
    are root mean squares over directions, in units of the training pictures' mean spread.
    """

    n: int
    nearer: int
    across: float
    within: float
    within_reference: float


@dataclass(frozen=True)
class MapResult:
    """The map's points, the share (0 to 1) of the training pictures' variance on each axis, and the distances by set.

    ``fitted_on`` is the number of training pictures; ``unreadable`` counts sampled but unreadable pictures by set.
    """

    reference: str
    fitted_on: int
    explained: list[float]
    points: list[Point]
    unreadable: dict[str, int]
    distances: dict[str, Distances]


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, MapResult]:
    """Place some pictures of each emotion of each set on the map.

    Features are whitened within the classes of the run's picture set, as for the classifier, and the axes are the first
    two principal components of that set, which contains no picture of the map. Plain standardised features
    were tried on drawings and photographs: two axes hold more of their variance, but it is pose and background, and
    people's emotions overlap.

    Raises PictureError if pictures of the run or of the comparison's sets are gone, or too few can be read.
    """
    from sklearn.decomposition import PCA

    from emotion.training.head import whitening_of

    learnt = judge.learnt()
    found = yield from pools(comparison, judge.run, labels=comparison.classes)
    drawn = _draw(comparison, found)
    features = yield from judge.features([*(each.path for each in learnt), *(path for *_, path in drawn)])
    own, rows = features[: len(learnt)], features[len(learnt) :]
    known, readable = ~np.isnan(own).any(1), ~np.isnan(rows).any(1)
    if known.sum() < 2 or not readable.any():
        raise PictureError("Too few pictures can be read for a map: see to the picture sets, then compare again.")
    truth = np.array([judge.classes.index(each.label) for each in learnt])
    mean, projection = whitening_of(own[known], truth[known], classes=len(judge.classes))
    axes = PCA(2, svd_solver="full").fit((own[known] - mean) @ projection)
    seen = (rows[readable] - mean) @ projection
    kept = [each for each, is_readable in zip(drawn, readable, strict=True) if is_readable]
    called = judge.classifier.of_features(rows[readable]).argmax(1)
    places = axes.transform(seen).round(3).tolist()
    return MapResult(
        reference=comparison.reference,
        fitted_on=int(known.sum()),
        explained=[float(share) for share in axes.explained_variance_ratio_],
        points=[
            Point(name, within(str(path), comparison.folders[name]), label, judge.classes[said], x, y)
            for (name, label, path), said, (x, y) in zip(kept, called, places, strict=True)
        ],
        unreadable={
            name: sum(of == name and not ok for (of, *_), ok in zip(drawn, readable, strict=True))
            for name in comparison.sets
        },
        distances=distances_to(comparison.reference, seen, [(name, label) for name, label, _ in kept]),
    )


def _draw(comparison: Comparison, found: Mapping[str, Pool]) -> list[Drawn]:
    """Return set, emotion and path of the pictures on the map, drawn by the comparison's seed without replacement."""
    cells = [(name, label, paths) for name, pool in found.items() for label, paths in pool.pictures.items()]
    size = max(1, min(PER_CLASS, MOST_POINTS // len(cells)))
    return [
        (name, label, path)
        for name, label, paths in cells
        for path in random.Random(f"{comparison.seed}/{name}/{label}").sample(paths, min(size, len(paths)))
    ]


def distances_to(reference: str, seen: np.ndarray, groups: Sequence[tuple[str, str]]) -> dict[str, Distances]:
    """Return each other set's distances to the reference, from (N, F) whitened features and their sets and emotions.

    A set with fewer than two emotions in common with the reference is omitted.
    """
    rows = {group: seen[[each == group for each in groups]] for group in dict.fromkeys(groups)}
    centres = {group: each.mean(0) for group, each in rows.items()}
    found = {}
    for name in dict.fromkeys(name for name, _ in groups if name != reference):
        shared = [label for of, label in centres if of == name and (reference, label) in centres]
        if len(shared) < 2:
            continue
        verdicts = [
            np.mean([_apart(row, centres[name, other]) for other in shared if other != label])
            < _apart(row, centres[reference, label])
            for label in shared
            for row in rows[name, label]
        ]
        within, within_reference = (
            float(np.mean([_apart(centres[of, one], centres[of, other]) for one, other in combinations(shared, 2)]))
            for of in (name, reference)
        )
        across = float(np.mean([_apart(centres[name, label], centres[reference, label]) for label in shared]))
        found[name] = Distances(len(verdicts), int(np.sum(verdicts)), across, within, within_reference)
    return found


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


def blocks(result: MapResult, comparison: Comparison) -> list[Block]:
    """Return the reading of the map, and the map."""
    names = list(dict.fromkeys(point.set_name for point in result.points))
    shapes = {name: SHAPES[number % len(SHAPES)] for number, name in enumerate(names)}
    marks = [
        Mark(
            point.x, point.y, colour_of(point.label), shapes[point.set_name],
            str(Path(comparison.folders[point.set_name]) / point.picture),
            f"{point.set_name}, shows {point.label}, called {point.predicted}: {point.picture}",
        )
        for point in result.points
    ]  # fmt: skip
    first, second = (f"{share * 100:.1f} % of the spread" for share in result.explained)
    pictures = count(len(marks), "picture")
    chart = PictureMap(
        alt=f"{pictures} by their features; how they lie is said beside it.",
        x_axis=f"First axis, {first}", y_axis=f"Second axis, {second}", marks=marks,
        colours=[(label, colour_of(label)) for label in in_order({point.label for point in result.points})],
        shapes=list(shapes.items()),
    )  # fmt: skip
    unreadable = sum(result.unreadable.values())
    left_out = f" {count(unreadable, 'picture')} cannot be read and left out." if unreadable else ""
    note = (
        f"{pictures}, drawn by seed {comparison.seed}. The map shows {100 * sum(result.explained):.1f} % of the spread "
        f"of the {result.fitted_on} training pictures: the two directions in which they differ most, once features are "
        "whitened as they are for the classifier. No picture on it has a part in them. What is said of distances rests "
        f"on all directions, most of which it does not show.{left_out}"
    )
    return [
        Points([_sentence(name, each, result.reference) for name, each in result.distances.items()]),
        Figure("Pictures by their features: colour is emotion, shape is set.", [chart]),
        Text(note, "note"),
    ]


def _sentence(name: str, each: Distances, reference: str) -> str:
    """Return whether a set's pictures group by species or by emotion."""
    theirs, ours = plural(name), plural(reference)
    return (
        f"Over all directions, {each.nearer} of {each.n} {theirs} lie nearer to the centres of {theirs} of other "
        f"emotions than to that of {ours} of the same emotion. Centres of one emotion lie {each.across:.2f} apart "
        f"between {ours} and {theirs}; those of two emotions {each.within:.2f} among {theirs}, "
        f"{each.within_reference:.2f} among {ours} (1 is the spread of the training pictures)."
    )


STUDY = Study("map", "Feature map", "Do pictures lie together by emotion or by species?", MapResult, ask, blocks)
