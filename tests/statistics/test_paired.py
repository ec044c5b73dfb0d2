"""Paired changes against scipy's own paired t test, and where there is no spread."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from emotion.statistics.paired import change


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_interval_and_the_p_value_are_those_of_the_paired_t_test(n):
    rng = np.random.default_rng(n)
    before, after = rng.uniform(0.3, 0.6, n), rng.uniform(0.35, 0.6, n)
    found = change(list(before), list(after))
    test = ttest_rel(after, before)
    low, high = test.confidence_interval(0.95)
    assert found.mean == pytest.approx((after - before).mean())
    assert found.interval == pytest.approx((max(-1, low), min(1, high)))
    assert found.p_value == pytest.approx(test.pvalue)
    assert found.n == n
    assert found.is_told == (found.p_value < 0.05)


def test_what_moves_alike_is_told_by_pairs_where_two_samples_would_drown_it():
    before = [0.1, 0.3, 0.5, 0.7, 0.9]
    after = [value + moved for value, moved in zip(before, (0.05, 0.06, 0.05, 0.04, 0.05), strict=True)]
    assert change(before, after).is_told


def test_one_pair_says_nothing_and_no_movement_is_no_change():
    assert change([0.2], [0.9]).interval == (-1, 1)
    assert not change([0.2], [0.9]).is_told
    still = change([0.2, 0.4], [0.2, 0.4])
    assert (still.mean, still.interval, still.p_value, still.is_told) == (0, (0, 0), 1, False)
    assert change([0.25, 0.5], [0.5, 0.75]).p_value == 0
