"""Statistics of probabilities: differences of samples, paired changes, repeated draws, and their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.core.format import points
from emotion.core.intervals import LEVEL, Interval

RESAMPLES, AREAS = 9999, 500
POWER = 0.8
LEAST_VARIANCE = 1e-18  # below this, differences are rounding errors


@dataclass(frozen=True)
class Difference:
    """The mean of a first sample minus that of a second, with Welch's 95 % interval.

    ``p_value`` is that of a two-sided permutation test of equal distributions; ``superiority`` the share of pairs in
    which the first sample's value is higher, ties half; ``telling`` the smallest significant gap at these sizes and
    spreads; ``needed`` the size of each sample to detect this gap in four of five repetitions, None for no gap.
    """

    gap: float
    interval: Interval
    p_value: float
    superiority: float
    telling: float
    needed: int | None

    @property
    def is_told(self) -> bool:
        """Whether the interval excludes 0; for two constants, which have none, whether p is below 0.05."""
        low, high = self.interval
        return not low <= 0 <= high if high > low else self.p_value < 0.05


def difference(first: Sequence[float], second: Sequence[float], *, seed: int) -> Difference | None:
    """Compare two independent samples of at least two values each; None if one is smaller.

    Sources: Welch 1947, doi 10.1093/biomet/34.1-2.28; Ernst 2004, doi 10.1214/088342304000000396 (permutation, 9999
    resamples drawn by ``seed``); Vargha and Delaney 2000, doi 10.3102/10769986025002101 (superiority); the size is
    that of a two-sided z test at 5 % with a power of 80 %.
    """
    from scipy.stats import mannwhitneyu, norm, permutation_test, t

    if min(len(first), len(second)) < 2:
        return None
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    test = permutation_test(
        (one, two),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    gap, p_value = float(one.mean() - two.mean()), float(test.pvalue)
    above = float(mannwhitneyu(one, two).statistic) / (len(one) * len(two))
    variances = float(one.var(ddof=1)), float(two.var(ddof=1))
    if sum(variances) < LEAST_VARIANCE:
        # Two constants: there is no spread to compare the gap with.
        return Difference(gap, (gap, gap), p_value, above, 0.0, None)
    # Welch's interval by hand: scipy's own warns if one sample is constant, which is valid here.
    parts = variances[0] / len(one), variances[1] / len(two)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(two) - 1))
    telling = float(t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(sum(parts))
    reach = float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
    needed = math.ceil(sum(variances) * (reach / gap) ** 2) if gap else None
    return Difference(gap, (gap - telling, gap + telling), p_value, above, telling, needed)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple tests by Benjamini and Yekutieli (2001, doi 10.1214/aos/1013699998).

    It holds under any dependence: tests of a grid are dependent, since the probabilities of a picture sum to 1.
    """
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(p_values, method="by")] if p_values else []


@dataclass(frozen=True)
class Change:
    """The mean of ``n`` paired differences of probabilities, after minus before (-1 to 1).

    ``interval`` is its 95 % Student-t interval within [-1, 1]; ``p_value`` that of the two-sided paired t test.
    """

    n: int
    mean: float
    interval: Interval
    p_value: float

    @property
    def is_told(self) -> bool:
        """Whether the interval excludes 0."""
        return not self.interval[0] <= 0 <= self.interval[1]

    def in_points(self) -> tuple[str, str]:
        """Return the mean and its interval in percentage points."""
        low, high = self.interval
        return points(self.mean), f"{points(low)} to {points(high)}"


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Return the mean change of paired probabilities (Student 1908, doi 10.1093/biomet/6.1.1, on the differences).

    The interval of a single pair is [-1, 1]. If all differences are equal, the p-value is that of the sign test.
    """
    from scipy.stats import ttest_1samp

    moved = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    n, mean = len(moved), float(moved.mean())
    if n < 2:
        return Change(n, mean, (-1.0, 1.0), 1.0)
    if moved.var(ddof=1) < LEAST_VARIANCE:
        # The sign test: of the 2^n ways to swap the pairs, two give as large a mean.
        return Change(n, mean, (mean, mean), 1.0 if mean == 0 else 2.0 ** (1 - n))
    test = ttest_1samp(moved, 0.0)
    low, high = test.confidence_interval(LEVEL)
    return Change(n, mean, (max(-1.0, float(low)), min(1.0, float(high))), float(test.pvalue))


def draw_means(
    values: np.ndarray, groups: Sequence[np.ndarray], *, size: int | None, draws: int, seed: Sequence[int]
) -> np.ndarray:
    """Return the (T, draws) means of samples of (T, N) ``values``, the same samples in each of the T rows.

    A sample has ``size`` indices of each group (all for None, or if the group has no more), drawn without replacement.
    If no group has more, there is a single sample and the result is (T, 1).
    """
    generator = np.random.default_rng(seed)
    sizes = [len(group) if size is None else min(size, len(group)) for group in groups]
    is_whole = sizes == [len(group) for group in groups]
    places = [
        np.concatenate([generator.choice(group, n, replace=False) for group, n in zip(groups, sizes, strict=True)])
        for _ in range(1 if is_whole else draws)
    ]
    return np.asarray(values[:, np.stack(places)].mean(2))


def deviations(means: np.ndarray) -> tuple[float | None, float]:
    """Return the standard deviations of (T, D) means between trainings and between draws.

    By the law of total variance: that of the rows' means, and the root of the mean variance within a row, both without
    bias (n - 1). As all trainings share the draws, chance of the draw cancels in the first. It is None for a single
    training; the second is 0 for a single draw, and describes the available pictures, not all possible ones.
    """
    trainings, draws = means.shape
    training = float(means.mean(1).std(ddof=1)) if trainings > 1 else None
    return training, float(np.sqrt(means.var(1, ddof=1).mean())) if draws > 1 else 0.0


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], n: int, *, resamples: int, seed: int) -> Estimate | None:
    """Return a statistic of ``n`` pictures with its percentile interval over resamples of them.

    ``statistic`` maps (R, n) indices of pictures to (R,) values, NaN if undefined. None if most are undefined.
    """
    values = statistic(np.random.default_rng(seed).integers(0, n, (resamples, n)))
    values = values[~np.isnan(values)]
    if len(values) < resamples / 2:
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(statistic(np.arange(n)[None])[0]), float(low), float(high))


def area_under_curve(scores: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    """Return the (R,) areas under the ROC curve of (R, n) scores and booleans, NaN if a class is empty.

    The share of pairs in which the positive picture scores higher, ties half (Hanley and McNeil 1982,
    doi 10.1148/radiology.143.1.7063747). It is unaffected by a collapse to one class or by a temperature.
    """
    from scipy.stats import rankdata

    ranks, n = rankdata(scores, axis=-1), is_positive.sum(-1)
    others = is_positive.shape[-1] - n
    wins = (ranks * is_positive).sum(-1) - n * (n + 1) / 2
    return np.asarray(np.where((n > 0) & (others > 0), wins / np.maximum(n * others, 1), np.nan))


def area_of(scores: np.ndarray, is_positive: np.ndarray, *, seed: int) -> Estimate | None:
    """Return how well (n,) scores rank a class's pictures above the others; None if there are too few."""
    return bootstrap(
        lambda places: area_under_curve(scores[places], is_positive[places]), len(scores), resamples=AREAS, seed=seed
    )
