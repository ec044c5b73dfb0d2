"""Intervals of a share and of a mean of probabilities, and when not to trust them."""

from __future__ import annotations

from collections.abc import Sequence

Interval = tuple[float, float]
LEVEL = 0.95
# A value this near to 0 or 1 lies against it; where half a sample does, its spread is that of the few others.
END, PILED_SHARE = 0.05, 0.5


def wilson_interval(hits: int, n: int) -> Interval:
    """Return the 95 % Wilson score interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the 95 % Student-t interval of a mean of probabilities, clipped to [0, 1].

    A single value says nothing of its spread: its interval is [0, 1]. How often it holds the true mean of 20 values
    is simulated in ``tests/analysis/test_statistics.py``; where ``is_piled_up`` it does so less often than it says.
    """
    import numpy as np
    from scipy.stats import sem, t

    if len(values) < 2:
        return 0.0, 1.0
    mean = float(np.mean(values))
    reach = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * sem(values))
    return max(0.0, mean - reach), min(1.0, mean + reach)


def is_piled_up(values: Sequence[float]) -> bool:
    """Whether probabilities are piled up against 0 or against 1: at least half of them within 0.05 of the same end.

    The rare values far away then decide the mean, a sample may lack them, and its interval is too narrow.
    """
    low, high = sum(value < END for value in values), sum(value > 1 - END for value in values)
    return max(low, high) >= PILED_SHARE * len(values) > 0
