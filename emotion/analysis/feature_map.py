"""A feature map: pictures of all species on the first two principal axes of the training pictures."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Figure, Mark, PictureMap, Points, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.study import LEARNT, FeatureSet, Judge, Study, pictures_of, unseen
from emotion.core.format import count
from emotion.core.labels import colour_of, in_order
from emotion.core.progress import Progress
from emotion.data.folders import Picture, within

# Distinguishable without colours.
SHAPES = ("circle", "triangle", "square", "diamond", "cross", "star")
# A page can show so many points with thumbnails.
PER_CLASS, MOST_POINTS = 20, 240


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
    two principal components of that set, which contains no picture of the map. Of plain standardised features two axes
    hold more of the variance, but it is pose and background, and people's emotions overlap.

    Raises PictureError if pictures of the run or of the comparison's sets are gone.
    """
    from sklearn.decomposition import PCA

    from emotion.training.head import whitening_of

    usable = yield from unseen(judge.run, pictures_of(comparison, comparison.classes))
    drawn = _draw(usable, comparison)
    seen = yield from judge.features({LEARNT: judge.learnt(), **drawn})
    learnt = seen.pop(LEARNT)
    mean, projection = whitening_of(learnt.features, learnt.truth, classes=len(judge.classes))
    axes = PCA(2, svd_solver="full").fit((learnt.features - mean) @ projection)
    whitened = {name: replace(each, features=(each.features - mean) @ projection) for name, each in seen.items()}
    points = []
    for name, each in seen.items():
        called = judge.classifier.of_features(each.features).argmax(1)
        places = axes.transform(whitened[name].features).round(3).tolist()
        for picture, said, (x, y) in zip(each.pictures, called, places, strict=True):
            file = within(str(picture.path), comparison.folders[name])
            points.append(Point(name, file, picture.label, judge.classes[said], x, y))
    reference = comparison.reference
    found = {name: _distances(whitened[reference], each) for name, each in whitened.items() if name != reference}
    return MapResult(
        reference=reference,
        fitted_on=len(learnt.pictures),
        explained=axes.explained_variance_ratio_.tolist(),
        points=points,
        unreadable={name: len(drawn[name]) - len(each.pictures) for name, each in seen.items()},
        distances={name: each for name, each in found.items() if each},
    )


def _draw(usable: Mapping[str, list[Picture]], comparison: Comparison) -> dict[str, list[Picture]]:
    """Return the pictures on the map by set, drawn by the comparison's seed without replacement."""
    shown = dict.fromkeys((name, each.label) for name, pictures in usable.items() for each in pictures)
    size = max(1, min(PER_CLASS, MOST_POINTS // len(shown)))
    drawn: dict[str, list[Picture]] = {name: [] for name in usable}
    for name, label in shown:
        alike = [each for each in usable[name] if each.label == label]
        drawn[name] += random.Random(f"{comparison.seed}/{name}/{label}").sample(alike, min(size, len(alike)))
    return drawn


def _distances(known: FeatureSet, other: FeatureSet) -> Distances | None:
    """Return the distances of whitened features to the reference's; None with fewer than two emotions in common."""
    from scipy.spatial.distance import cdist, pdist

    shared = np.intersect1d(known.truth, other.truth)
    if len(shared) < 2:
        return None
    ours, theirs = (np.stack([of.features[of.truth == label].mean(0) for label in shared]) for of in (known, other))
    is_shared, scale = np.isin(other.truth, shared), np.sqrt(ours.shape[1])
    rows, places = other.features[is_shared], np.searchsorted(shared, other.truth[is_shared])
    is_own = places[:, None] == np.arange(len(shared))
    to_others = np.where(is_own, 0, cdist(rows, theirs)).sum(1) / (len(shared) - 1)
    return Distances(
        n=len(rows),
        nearer=int((to_others < cdist(rows, ours)[is_own]).sum()),
        across=float(np.linalg.norm(ours - theirs, axis=1).mean() / scale),
        within=float(pdist(theirs).mean() / scale),
        within_reference=float(pdist(ours).mean() / scale),
    )


def blocks(result: MapResult, comparison: Comparison) -> list[Block]:
    shapes = dict(zip(dict.fromkeys(point.set_name for point in result.points), cycle(SHAPES), strict=False))
    marks = []
    for point in result.points:
        path = str(Path(comparison.folders[point.set_name]) / point.picture)
        title = f"{point.set_name}, shows {point.label}, called {point.predicted}: {point.picture}"
        marks.append(Mark(point.x, point.y, colour_of(point.label), shapes[point.set_name], path, title))
    pictures, (first, second) = count(len(marks), "picture"), (f"{share * 100:.1f} %" for share in result.explained)
    chart = PictureMap(
        alt=f"{pictures} by their features; how they lie is said beside it.",
        x_axis=f"First axis, {first} of the spread",
        y_axis=f"Second axis, {second} of the spread",
        marks=marks,
        colours=[(label, colour_of(label)) for label in in_order({point.label for point in result.points})],
        shapes=list(shapes.items()),
    )
    unreadable, ours = sum(result.unreadable.values()), plural(result.reference)
    left_out = f" {count(unreadable, 'picture')} cannot be read and left out." if unreadable else ""
    note = (
        f"{pictures}, drawn by seed {comparison.seed}. The map shows {100 * sum(result.explained):.1f} % of the spread "
        f"of the {result.fitted_on} training pictures: the two directions in which they differ most, once whitened as "
        f"for the classifier. What is said of distances rests on all directions.{left_out}"
    )
    sentences = [
        f"Over all directions, {each.nearer} of {each.n} {theirs} lie nearer to the centres of {theirs} of other "
        f"emotions than to that of {ours} of the same emotion. Centres of one emotion lie {each.across:.2f} apart "
        f"between {ours} and {theirs}; those of two emotions {each.within:.2f} among {theirs}, "
        f"{each.within_reference:.2f} among {ours} (1 is the spread of the training pictures)."
        for theirs, each in ((plural(name), each) for name, each in result.distances.items())
    ]
    return [
        Points(sentences),
        Figure("Pictures by their features: colour is emotion, shape is set.", [chart]),
        Text(note, "note"),
    ]


STUDY = Study("map", "Feature map", "Do pictures lie together by emotion or by species?", MapResult, ask, blocks)
