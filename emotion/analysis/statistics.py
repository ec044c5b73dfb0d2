"""How far probabilities lie apart: between two samples, before and after, over repeats, and how surely."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.core.intervals import LEVEL, Interval

RESAMPLES, AREAS = 9999, 500
POWER = 0.8
LEAST_VARIANCE = 1e-18  # below it, what differs is rounding


@dataclass(frozen=True)
class Difference:
    """The mean of a first sample minus that of a second.

    ``interval`` is Welch's 95 % interval; ``p_value`` a two-sided permutation test's of equal distributions;
    ``superiority`` the share of pairs in which a value of the first sample is above one of the second, ties half
    (0.5: no difference); ``telling`` the gap below which, with these sizes and spreads, the interval holds 0;
    ``needed`` how many values each sample needs to tell this gap in four of five repetitions, None for no gap.
    """

    gap: float
    interval: Interval
    p_value: float
    superiority: float
    telling: float
    needed: int | None

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves 0 out; of two constants, which have none, whether the permutation test tells."""
        low, high = self.interval
        return not low <= 0 <= high if high > low else self.p_value < 0.05


def difference(first: Sequence[float], second: Sequence[float], *, seed: int) -> Difference | None:
    """Compare two independent samples of at least two values each; None where one is smaller.

    Sources: Welch 1947, doi 10.1093/biomet/34.1-2.28; Ernst 2004, doi 10.1214/088342304000000396 (permutation, 9999
    resamples drawn by ``seed``); Vargha and Delaney 2000, doi 10.3102/10769986025002101 (superiority); the size is
    that of a two-sided z test at 5 % with a power of 80 %.
    """
    from scipy.stats import mannwhitneyu, norm, permutation_test, t

    if min(len(first), len(second)) < 2:
        return None
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    gap = float(one.mean() - two.mean())
    variances = float(one.var(ddof=1)), float(two.var(ddof=1))
    variance = sum(variances)
    test = permutation_test(
        (one, two),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    above = float(mannwhitneyu(one, two).statistic) / (len(one) * len(two))
    if variance < LEAST_VARIANCE:
        # Two constants: no spread that could be told from the gap.
        return Difference(gap, (gap, gap), float(test.pvalue), above, 0.0, None)
    # Welch's interval by hand: scipy's own warns where one sample is constant, which is no fault of anybody's here.
    parts = variances[0] / len(one), variances[1] / len(two)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(two) - 1))
    telling = float(t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(sum(parts))
    reach = float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
    needed = math.ceil(variance * (reach / gap) ** 2) if gap else None
    return Difference(gap, (gap - telling, gap + telling), float(test.pvalue), above, telling, needed)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Benjamini and Yekutieli (2001, doi 10.1214/aos/1013699998).

    It bounds the share of false findings however the tests hang together; those of a grid do, since the probabilities
    of a picture sum to 1.
    """
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(p_values, method="by")] if p_values else []


@dataclass(frozen=True)
class Change:
    """The mean of ``n`` paired differences of probabilities, after minus before (-1 to 1).

    ``interval`` is the 95 % Student-t interval of the mean difference, clipped to [-1, 1]; ``p_value`` is that of the
    two-sided paired t test of no difference.
    """

    n: int
    mean: float
    interval: Interval
    p_value: float

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves 0 out."""
        return not self.interval[0] <= 0 <= self.interval[1]

    def in_points(self) -> tuple[str, str]:
        """Return the mean and its interval in percentage points, as "+14" and "5 to 23".

        An interval that leaves 0 out is not rounded until it reads as if it held it.
        """
        decimals = 1 if self.is_told and any(round(100 * bound) == 0 for bound in self.interval) else 0
        low, high = (f"{100 * bound:.{decimals}f}" for bound in self.interval)
        mean = f"{100 * self.mean:+.{decimals}f}"
        return (_signed(mean), f"{_signed(low)} to {_signed(high)}")


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Return how far probabilities moved (Student 1908, doi 10.1093/biomet/6.1.1, on the differences).

    A single pair says nothing of the spread: its interval is [-1, 1]. Of differences that are all alike the
    p-value is that of the test of signs.
    """
    from scipy.stats import sem, t

    moved = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    mean = float(moved.mean())
    if len(moved) < 2:
        return Change(len(moved), mean, (-1.0, 1.0), 1.0)
    error = float(sem(moved))
    if error == 0:
        # By signs alone: of the 2 to the n ways to swap the pairs, two move as far.
        return Change(len(moved), mean, (mean, mean), 1.0 if mean == 0 else 2.0 ** (1 - len(moved)))
    freedom = len(moved) - 1
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * error
    p_value = float(2 * t.sf(abs(mean) / error, freedom))
    return Change(len(moved), mean, (max(-1.0, mean - reach), min(1.0, mean + reach)), p_value)


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


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], n: int, *, resamples: int, seed: int) -> Interval | None:
    """Return the 95 % percentile interval of a statistic over resamples of ``n`` pictures.

    ``statistic`` maps (R, n) places of pictures to (R,) values, NaN where a resample has none. None where most have
    none.
    """
    places = np.random.default_rng(seed).integers(0, n, (resamples, n))
    values = statistic(places)
    values = values[~np.isnan(values)]
    if len(values) < resamples / 2:
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def area_under_curve(scores: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    """Return the areas under the ROC curve of (R, n) scores, by (R, n) booleans: (R,), NaN where a side is empty.

    The share of pairs in which the positive one has the higher score, ties half (Hanley and McNeil 1982,
    doi 10.1148/radiology.143.1.7063747).
    """
    from scipy.stats import rankdata

    ranks, n = rankdata(scores, axis=-1), is_positive.sum(-1)
    others = is_positive.shape[-1] - n
    wins = (ranks * is_positive).sum(-1) - n * (n + 1) / 2
    area: np.ndarray = np.where((n > 0) & (others > 0), wins / np.maximum(n * others, 1), np.nan)
    return area


@dataclass(frozen=True)
class Area:
    """The area under the ROC curve of one class against the rest, with its bootstrap interval (None: too few)."""

    value: float
    interval: Interval | None


def area_of(scores: np.ndarray, is_positive: np.ndarray, seed: int) -> Area:
    """Return how well (n,) scores rank the pictures of a class above the others; resampled by picture.

    Neither a collapse to one class nor a temperature moves it.
    """
    value = float(area_under_curve(scores[None], is_positive[None])[0])
    interval = bootstrap(
        lambda places: area_under_curve(scores[places], is_positive[places]), len(scores), resamples=AREAS, seed=seed
    )
    return Area(value, interval)


def _signed(number: str) -> str:
    """Return a number with a minus sign that is one, and no sign on a nought."""
    is_nought = not number.strip("+-0.")
    return number.lstrip("+-") if is_nought else number.replace("-", "−")
