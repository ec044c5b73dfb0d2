"""Two samples against each other: known answers from scipy, and what is said where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emotion.statistics.difference import adjusted, difference

RNG = np.random.default_rng(7)
PEOPLE, DOGS = RNG.beta(3, 2, 20), RNG.beta(1, 3, 25)


def test_the_interval_is_welchs() -> None:
    found = difference(list(PEOPLE), list(DOGS), seed=0)
    assert found is not None
    interval = stats.ttest_ind(PEOPLE, DOGS, equal_var=False).confidence_interval(0.95)
    assert found.gap == pytest.approx(PEOPLE.mean() - DOGS.mean())
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert found.telling == pytest.approx((interval.high - interval.low) / 2)
    assert found.is_told


def test_the_permutation_test_agrees_with_every_permutation_of_small_samples() -> None:
    one, two = [0.9, 0.8, 0.7, 0.95], [0.1, 0.75, 0.3, 0.2]
    exact = stats.permutation_test(
        (one, two), lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis), n_resamples=np.inf, vectorized=True
    )
    found = difference(one, two, seed=3)
    assert found is not None
    # Seventy permutations: all of them are taken.
    assert found.p_value == pytest.approx(exact.pvalue)


def test_superiority_is_the_share_of_pairs() -> None:
    found = difference(list(PEOPLE), list(DOGS), seed=0)
    assert found is not None
    assert found.superiority == pytest.approx((PEOPLE[:, None] > DOGS[None]).mean())


def test_the_number_needed_tells_the_gap_four_times_in_five() -> None:
    found = difference([0.2, 0.4, 0.5, 0.6, 0.3] * 4, [0.15, 0.35, 0.45, 0.55, 0.25] * 4, seed=0)
    assert found is not None
    assert not found.is_told
    assert found.needed is not None
    rng = np.random.default_rng(0)
    spread = np.std([0.2, 0.4, 0.5, 0.6, 0.3] * 4, ddof=1)
    first, second = rng.normal(found.gap, spread, (2000, found.needed)), rng.normal(0, spread, (2000, found.needed))
    told = (stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue < 0.05).mean()
    assert told == pytest.approx(0.8, abs=0.03)


def test_the_same_seed_gives_the_same_test() -> None:
    assert difference(list(PEOPLE), list(DOGS), seed=5) == difference(list(PEOPLE), list(DOGS), seed=5)


def test_equal_samples_differ_by_nothing() -> None:
    found = difference([0.4, 0.6], [0.4, 0.6], seed=0)
    assert found is not None
    assert (found.gap, found.superiority, found.needed) == (0.0, 0.5, None)
    assert not found.is_told


@pytest.mark.parametrize(("second", "p_value", "superiority"), [(0.3, 1.0, 0.5), (0.2, 0.0, 1.0)])
def test_constants_need_no_test(second: float, p_value: float, superiority: float) -> None:
    found = difference([0.3] * 5, [second] * 5, seed=0)
    assert found is not None
    assert (found.p_value, found.superiority, found.telling) == (p_value, superiority, 0.0)


def test_one_constant_sample_has_an_interval() -> None:
    found = difference([0.3] * 5, [0.1, 0.2, 0.4, 0.6], seed=0)
    assert found is not None
    assert found.interval[0] < found.gap < found.interval[1]


def test_a_single_picture_cannot_be_compared() -> None:
    assert difference([0.3], [0.1, 0.2], seed=0) is None


def test_p_values_are_corrected_as_benjamini_and_yekutieli_say() -> None:
    # Three tests: p times 3 (1 + 1/2 + 1/3) over its rank, made monotonous.
    factor = 3 * (1 + 1 / 2 + 1 / 3)
    assert adjusted([0.01, 0.04, 0.02]) == pytest.approx([0.01 * factor, 0.04 * factor / 3, 0.02 * factor / 2])
    assert adjusted([]) == []
