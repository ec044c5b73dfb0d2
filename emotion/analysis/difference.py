"""Two samples of probabilities against each other: how far apart, how surely, and what it would take to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emotion.core.intervals import LEVEL, Interval

RESAMPLES = 9999
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
        """Whether the interval leaves 0 out."""
        return not self.interval[0] <= 0 <= self.interval[1]


def difference(first: Sequence[float], second: Sequence[float], *, seed: int) -> Difference | None:
    """Compare two independent samples of at least two values each; None where one is smaller.

    Sources: Welch 1947, doi 10.1093/biomet/34.1-2.28; Ernst 2004, doi 10.1214/088342304000000396 (permutation, 9999
    resamples drawn by ``seed``); Vargha and Delaney 2000, doi 10.3102/10769986025002101 (superiority); the size is
    that of a two-sided z test at 5 % with a power of 80 %.
    """
    import numpy as np
    from scipy.stats import mannwhitneyu, norm, permutation_test, t

    if min(len(first), len(second)) < 2:
        return None
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    gap = float(one.mean() - two.mean())
    variances = float(one.var(ddof=1)), float(two.var(ddof=1))
    variance = sum(variances)
    if variance < LEAST_VARIANCE:
        # Two constants: no spread that a test could measure the gap by.
        return Difference(gap, (gap, gap), 1.0 if gap == 0 else 0.0, _superiority(gap), 0.0, None)
    # Welch's interval by hand: scipy's own warns where one sample is constant, which is no fault of anybody's here.
    parts = variances[0] / len(one), variances[1] / len(two)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(two) - 1))
    telling = float(t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(sum(parts))
    test = permutation_test(
        (one, two),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    reach = float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
    needed = math.ceil(variance * (reach / gap) ** 2) if gap else None
    above = float(mannwhitneyu(one, two).statistic) / (len(one) * len(two))
    return Difference(gap, (gap - telling, gap + telling), float(test.pvalue), above, telling, needed)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Benjamini and Yekutieli (2001, doi 10.1214/aos/1013699998).

    It bounds the share of false findings however the tests hang together; those of a grid do, since the probabilities
    of a picture sum to 1.
    """
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(p_values, method="by")] if p_values else []


def _superiority(gap: float) -> float:
    return 0.5 if gap == 0 else float(gap > 0)
