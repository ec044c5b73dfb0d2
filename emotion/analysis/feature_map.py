"""A map of features: pictures of all species on the two axes along which the pictures trained on differ most."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.findings import plural, reference_of
from emotion.analysis.keeping import kept
from emotion.analysis.pool import Pool, pools
from emotion.analysis.study import Judge
from emotion.core.errors import PictureError
from emotion.core.progress import Progress
from emotion.data.folders import find_pictures, within
from emotion.runs.run import Run

KEPT_AS = "map"
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

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MapResult:
        """Rebuild what ``to_json`` returned.

        Raises:
            KeyError, TypeError: it is something else.
        """
        points = [Point(**each) for each in values["points"]]
        distances = {name: Distances(**each) for name, each in values["distances"].items()}
        return cls(**{**values, "points": points, "distances": distances})

    def sentences(self) -> list[str]:
        """Say for each set beside the reference whether its pictures lie by species or by emotion."""
        return [_sentence(name, each, self.reference) for name, each in self.distances.items()]

    def axes_sentence(self) -> str:
        """Say what the axes are."""
        first, second = (f"{share * 100:.1f} %" for share in self.explained)
        return (
            f"The axes are the two directions in which the {self.fitted_on} training pictures differ most, once "
            f"features are whitened as they are for the classifier: they hold {first} and {second} of the spread. No "
            "picture on the map has a part in them."
        )


@dataclass(frozen=True)
class FeatureMap:
    """Lay out up to ``per_class`` pictures of each emotion of each set; ``comparison`` is the comparison's file.

    Features are whitened within the classes of the run's own picture set, as before a training of the classifier, and
    the axes are the first two principal components of that set: those of what the model learnt from, to which the
    people on the map are as new as the animals. Plain standardised features were tried, on drawn faces and on
    photographs: two axes hold more of their variance, but of pose and background, and people's emotions overlap.
    """

    run: Run
    comparison: str
    per_class: int = PER_CLASS

    def carry_out(self, judge: Judge) -> Generator[Progress, None, MapResult]:
        """Look at the training pictures and at the drawn ones, as far as they are not known yet, and project them.

        Raises:
            RunError: the comparison cannot be read.
            PictureError: pictures of the run or of the comparison's sets are gone, or too few can be read.
        """
        comparison = load_comparison(Path(self.comparison))
        config = self.run.config()
        listed = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
        learnt = [each for each in listed if each.label in judge.classes]
        found = yield from pools(comparison, self.run, labels=comparison.classes)
        drawn = draw(comparison, found, per_class=self.per_class)
        features = yield from judge.features([*(each.path for each in learnt), *(path for _, _, path in drawn)])
        truth = [judge.classes.index(each.label) for each in learnt]
        said = judge.judged(features[len(truth) :])
        return laid_out(comparison, drawn, features, said, truth=truth, classes=judge.classes)


def kept_map(comparison: Path) -> MapResult | None:
    """Return the map that is kept of a comparison; None where there is none that can be read."""
    values = kept(comparison, KEPT_AS)
    try:
        return MapResult.from_json(values) if values else None
    except (KeyError, TypeError, AttributeError):
        return None


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
        f"{each.nearer} of {each.n} {theirs} lie nearer to the centres of {theirs} of other emotions than to that of "
        f"{ours} of the same emotion. Centres of one emotion lie {each.across:.2f} apart between {ours} and {theirs}; "
        f"those of two emotions {each.within:.2f} among {theirs}, {each.within_reference:.2f} among {ours} "
        "(1 is the spread of the training pictures)."
    )
