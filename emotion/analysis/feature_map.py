"""A feature map: pictures of all species on the first two principal axes of the training pictures."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Figure, Mark, PictureMap, Points, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.study import LEARNT, Judge, Pool, Study, pools
from emotion.core.format import count
from emotion.core.labels import colour_of, in_order
from emotion.core.progress import Progress
from emotion.data.folders import Picture, within

# Distinguishable without colours.
SHAPES = ("circle", "triangle", "square", "diamond", "cross", "star")
PER_CLASS = 20
# As many as a page can show with thumbnails.
MOST_POINTS = 240


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

    Raises PictureError if pictures of the run or of the comparison's sets are gone.
    """
    from sklearn.decomposition import PCA

    from emotion.training.head import whitening_of

    drawn = _draw(comparison, (yield from pools(comparison, judge.run, labels=comparison.classes)))
    seen = yield from judge.feature_sets({LEARNT: judge.learnt(), **drawn})
    learnt = seen.pop(LEARNT)
    mean, projection = whitening_of(learnt.features, learnt.truth, classes=len(judge.classes))
    axes = PCA(2, svd_solver="full").fit((learnt.features - mean) @ projection)
    whitened = {name: (each.features - mean) @ projection for name, each in seen.items()}
    points = []
    for name, each in seen.items():
        called = judge.classifier.of_features(each.features).argmax(1)
        places = axes.transform(whitened[name]).round(3).tolist()
        for picture, said, (x, y) in zip(each.pictures, called, places, strict=True):
            file = within(str(picture.path), comparison.folders[name])
            points.append(Point(name, file, picture.label, judge.classes[said], x, y))
    groups = [(point.set_name, point.label) for point in points]
    return MapResult(
        reference=comparison.reference,
        fitted_on=len(learnt.pictures),
        explained=[float(share) for share in axes.explained_variance_ratio_],
        points=points,
        unreadable={name: len(drawn[name]) - len(each.pictures) for name, each in seen.items()},
        distances=distances_to(comparison.reference, np.concatenate(list(whitened.values())), groups),
    )


def _draw(comparison: Comparison, found: Mapping[str, Pool]) -> dict[str, list[Picture]]:
    """Return the pictures on the map by set, drawn by the comparison's seed without replacement."""
    cells = {
        (name, label): [each for each in pool.pictures if each.label == label]
        for name, pool in found.items()
        for label in comparison.classes
    }
    cells = {cell: pictures for cell, pictures in cells.items() if pictures}
    size = max(1, min(PER_CLASS, MOST_POINTS // len(cells)))
    drawn: dict[str, list[Picture]] = {name: [] for name in found}
    for (name, label), pictures in cells.items():
        rng = random.Random(f"{comparison.seed}/{name}/{label}")
        drawn[name] += rng.sample(pictures, min(size, len(pictures)))
    return drawn


def distances_to(reference: str, seen: np.ndarray, groups: Sequence[tuple[str, str]]) -> dict[str, Distances]:
    """Return each other set's distances to the reference, from (N, F) whitened features and their sets and emotions.

    A set with fewer than two emotions in common with the reference is omitted.
    """
    from scipy.spatial.distance import cdist, pdist

    rows = {group: seen[[each == group for each in groups]] for group in dict.fromkeys(groups)}
    centres, scale, found = {group: each.mean(0) for group, each in rows.items()}, np.sqrt(seen.shape[1]), {}
    for name in dict.fromkeys(name for name, _ in groups if name != reference):
        shared = [label for of, label in centres if of == name and (reference, label) in centres]
        if len(shared) < 2:
            continue
        ours, theirs = (np.stack([centres[of, label] for label in shared]) for of in (reference, name))
        is_nearer = [
            np.delete(cdist(rows[name, label], theirs), place, axis=1).mean(1)
            < cdist(rows[name, label], ours)[:, place]
            for place, label in enumerate(shared)
        ]
        found[name] = Distances(
            n=sum(map(len, is_nearer)),
            nearer=int(np.concatenate(is_nearer).sum()),
            across=float(np.linalg.norm(ours - theirs, axis=1).mean() / scale),
            within=float(pdist(theirs).mean() / scale),
            within_reference=float(pdist(ours).mean() / scale),
        )
    return found


def blocks(result: MapResult, comparison: Comparison) -> list[Block]:
    """Return the reading of the map, and the map."""
    shapes = dict(zip(dict.fromkeys(point.set_name for point in result.points), cycle(SHAPES), strict=False))
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
        f"of the {result.fitted_on} training pictures: the two directions in which they differ most, once whitened as "
        f"for the classifier. What is said of distances rests on all directions.{left_out}"
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
