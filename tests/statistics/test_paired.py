"""Paired changes against scipy's own paired t test, and where there is no spread."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from emotion.statistics.paired import Change, change


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


@pytest.mark.parametrize(
    ("mean", "interval", "said"),
    [
        (0.382, (0.29, 0.471), ("+38", "29 to 47")),
        (-0.178, (-0.25, -0.111), ("−18", "−25 to −11")),
        (0.023, (0.003, 0.043), ("+2.3", "0.3 to 4.3")),
        (-0.049, (-0.096, -0.002), ("−4.9", "−9.6 to −0.2")),
        (0.001, (-0.002, 0.03), ("0", "0 to 3")),
    ],
)
def test_points_are_whole_unless_an_interval_that_leaves_0_out_would_read_as_if_it_held_it(mean, interval, said):
    assert Change(20, mean, interval, 0.5).in_points() == said
