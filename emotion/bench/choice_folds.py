"""Folds for cross-validation in which one person or source is never on both sides. Knows nothing of recipes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emotion.errors import PictureError

FOLDS = 5
# Average cosine distance of centred features up to which pictures count as near-duplicates: frames of one film, one
# picture in two sizes. Half of all pairs of different pictures are farther apart than 0.9, 99 of 100 than 0.25.
DISTANCE = 0.33
CLUSTERS = 50
# Groups differ in size, so some shuffles give folds of uneven classes: the most even of these is taken.
SHUFFLES = 20
Indices = NDArray[np.int64]
Matrix = NDArray[np.float32]


def group(features: Matrix, mirrors: Matrix) -> dict[str, Indices]:
    """Return the (N,) groups of near-duplicates, and ``hard`` ones, whole neighbourhoods of look-alikes.

    ``features`` and ``mirrors`` are (N, F), of the N pictures and of their mirrors.
    """
    centre = features.mean(0)
    plain, mirrored = _directions(features - centre), _directions(mirrors - centre)
    groups = near_duplicates(plain, mirrored)
    return {"near-duplicates": groups, "hard": neighbourhoods(plain, groups)}


def near_duplicates(plain: Matrix, mirrored: Matrix) -> Indices:
    """Return the (N,) groups of agglomerative clustering with average linkage, cut at ``DISTANCE``.

    Two pictures are as near as their cosine or, if that is greater, the cosine of one and the other's mirror. Rows
    are of length 1.
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(plain) < 2:
        return np.zeros(len(plain), dtype=np.int64)
    across = plain @ mirrored.T
    distances = 1 - np.maximum(plain @ plain.T, np.maximum(across, across.T))
    np.fill_diagonal(distances, 0)
    clustering = AgglomerativeClustering(
        n_clusters=None, distance_threshold=DISTANCE, metric="precomputed", linkage="average"
    )
    return np.asarray(clustering.fit_predict(distances.clip(0)), dtype=np.int64)


def neighbourhoods(plain: Matrix, groups: Indices) -> Indices:
    """Return the (N,) clusters of Ward's method, ``CLUSTERS`` at most, each of ``groups`` whole in one of them."""
    from sklearn.cluster import AgglomerativeClustering

    count = min(CLUSTERS, len(np.unique(groups)))
    clusters = np.asarray(AgglomerativeClustering(n_clusters=count, linkage="ward").fit_predict(plain), dtype=np.int64)
    for group in np.unique(groups):
        members = groups == group
        clusters[members] = np.bincount(clusters[members]).argmax()
    return clusters


def divide(groups: Indices, labels: Indices, *, seed: int) -> Indices:
    """Return the (N,) folds, 0 to ``FOLDS`` - 1, of the most even of the stratified divisions that ``seed`` draws.

    No group is cut. ``labels`` are (N,) class indices.

    Raises:
        PictureError: too few groups, or too few pictures of a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    count = len(np.unique(groups))
    if count < FOLDS:
        raise PictureError(
            f"These {len(groups)} pictures make only {count} groups of look-alikes, too few for {FOLDS} folds: "
            "add pictures of other people."
        )
    if np.bincount(labels).min() < FOLDS:
        raise PictureError(f"A class has fewer than {FOLDS} pictures, too few for {FOLDS} folds: add some to it.")

    def shuffled(shuffle: int) -> Indices:
        folds = np.zeros(len(groups), dtype=np.int64)
        division = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=shuffle).split(groups, labels, groups)
        for fold, (_, tested) in enumerate(division):
            folds[tested] = fold
        return folds

    shuffles = range(seed * SHUFFLES, (seed + 1) * SHUFFLES)
    best = min(map(shuffled, shuffles), key=lambda folds: _unevenness(folds, labels))
    counts = _counts(best, labels)
    if (counts.sum(0) - counts).min() < 2:
        raise PictureError(
            "A class has too few groups of look-alikes to be on both sides of a fold: add pictures of other people."
        )
    return best


def _unevenness(folds: Indices, labels: Indices) -> float:
    return float(_counts(folds, labels).std(0).sum())


def _counts(folds: Indices, labels: Indices) -> Indices:
    """Return how many pictures of each class each fold has: (``FOLDS``, classes)."""
    counts = np.zeros((FOLDS, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(counts, (folds, labels), 1)
    return counts


def _directions(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)
