"""The same things measured twice: how far they moved on average, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emotion.core.intervals import LEVEL, Interval


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
        return (_plain(mean), f"{_plain(low)} to {_plain(high)}")


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Return how far probabilities moved (Student 1908, doi 10.1093/biomet/6.1.1, on the differences).

    A single pair says nothing of the spread: its interval is [-1, 1]. Differences that are all alike have none.
    """
    import numpy as np
    from scipy.stats import sem, t

    moved = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    mean = float(moved.mean())
    if len(moved) < 2:
        return Change(len(moved), mean, (-1.0, 1.0), 1.0)
    error = float(sem(moved))
    if error == 0:
        return Change(len(moved), mean, (mean, mean), 1.0 if mean == 0 else 0.0)
    freedom = len(moved) - 1
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * error
    p_value = float(2 * t.sf(abs(mean) / error, freedom))
    return Change(len(moved), mean, (max(-1.0, mean - reach), min(1.0, mean + reach)), p_value)


def _plain(number: str) -> str:
    """Return a number with a minus sign that is one, and no sign on a nought."""
    is_nought = not number.strip("+-0.")
    return number.lstrip("+-") if is_nought else number.replace("-", "−")
