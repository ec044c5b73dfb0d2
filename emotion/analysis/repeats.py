"""Means of samples that are drawn again and again, by several trainings: how far each source of luck moves them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def draw_means(
    values: np.ndarray, groups: Sequence[np.ndarray], *, size: int | None, draws: int, seed: Sequence[int]
) -> np.ndarray:
    """Return the (T, draws) means of samples of (T, N) ``values``, the same samples in each of the T rows.

    A sample has ``size`` places of each group of places (all for None, or where a group has no more), drawn without
    replacement; where none has more than that, there is a single one, so that the result is (T, 1).
    """
    sizes = [len(group) if size is None else min(size, len(group)) for group in groups]
    is_whole = sizes == [len(group) for group in groups]
    generator = np.random.default_rng(seed)

    def sample() -> np.ndarray:
        parts = zip(groups, sizes, strict=True)
        return np.concatenate([generator.choice(group, part, replace=False) for group, part in parts])

    places = np.stack([sample() for _ in range(1 if is_whole else draws)])
    means: np.ndarray = values[:, places].mean(2)
    return means


def deviations(means: np.ndarray) -> tuple[float | None, float]:
    """Return by how much (T, D) means move from training to training, and from draw to draw: standard deviations.

    By the law of total variance, Var(mean) = Var(E[mean | training]) + E[Var(mean | training)]: the first is the
    variance of the rows' means over trainings, the second the average variance within a row. Both are estimated
    without bias from a sample (n - 1). Since every training sees the same draws, luck of the draw cancels in the first.
    It is None for a single training, the second 0 for a single draw. Draws without replacement from N pictures move
    less the nearer their size is to N; that is so for the pictures that there are, not for all that there could be.
    """
    trainings, draws = means.shape
    training = float(means.mean(1).std(ddof=1)) if trainings > 1 else None
    return training, float(np.sqrt(means.var(1, ddof=1).mean())) if draws > 1 else 0.0
