"""Intervals against published numbers and other people's code, and when a sample is piled up."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm, ttest_1samp

from emotion.statistics.intervals import is_piled_up, mean_interval, wilson_interval

# Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3 (score, without continuity correction).
PUBLISHED = {
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0, 0.1611),
    (1, 29): (0.0061, 0.1718),
}


@pytest.mark.parametrize(("counts", "interval"), PUBLISHED.items())
def test_wilsons_interval_is_newcombes_published_one(counts: tuple[int, int], interval: tuple[float, float]) -> None:
    assert wilson_interval(*counts) == pytest.approx(interval, abs=5e-5)


@pytest.mark.parametrize(("hits", "n"), [(19, 20), (0, 20), (20, 20), (104, 150), (1, 1)])
def test_wilsons_interval_is_its_formula(hits: int, n: int) -> None:
    z, share = float(norm.ppf(0.975)), hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert wilson_interval(hits, n) == pytest.approx((centre - reach, centre + reach), abs=1e-9)


def test_the_interval_of_a_mean_is_students() -> None:
    values = [0.2, 0.35, 0.5, 0.41, 0.66, 0.29]
    students = ttest_1samp(values, 0.25).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((students.low, students.high))


def test_the_interval_of_a_mean_stays_within_nought_and_one_and_one_value_says_nothing() -> None:
    assert mean_interval([0.0, 0.0, 0.0, 0.9])[0] == 0.0
    assert mean_interval([1.0, 1.0, 1.0, 0.1])[1] == 1.0
    assert mean_interval([0.4]) == (0.0, 1.0)


def test_half_of_the_values_near_the_same_end_are_piled_up() -> None:
    assert is_piled_up([0.01, 0.02, 0.5, 0.9])
    assert is_piled_up([0.99, 0.97, 0.5, 0.2])
    assert not is_piled_up([0.01, 0.5, 0.6, 0.9])
    # A quarter at either end is no pile.
    assert not is_piled_up([0.01, 0.99, 0.5, 0.6])
    assert not is_piled_up([0.06, 0.06, 0.94, 0.94])
    assert not is_piled_up([])
