"""Repeated samples: variance components against numpy and against the formula of sampling from a finite set."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.statistics.repeats import deviations, draw_means


def test_the_components_are_those_of_a_made_up_sum_of_training_and_draw() -> None:
    rng = np.random.default_rng(0)
    trainings, draws = rng.normal(0, 0.02, 2000), rng.normal(0, 0.05, 2000)
    training, draw = deviations(0.4 + trainings[:, None] + draws[None])
    assert training == pytest.approx(trainings.std(ddof=1))
    assert draw == pytest.approx(draws.std(ddof=1))


def test_the_two_variances_add_up_to_that_of_all_means() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(0.4, 0.02, (300, 1)) + rng.normal(0, 0.05, (300, 300))
    training, draw = deviations(means)
    assert training is not None
    assert training**2 + draw**2 == pytest.approx(means.var(ddof=1), rel=0.01)


def test_one_training_has_no_deviation_and_one_draw_a_deviation_of_nothing() -> None:
    assert deviations(np.array([[0.1, 0.3]])) == (None, pytest.approx(np.std([0.1, 0.3], ddof=1)))
    assert deviations(np.array([[0.1], [0.3]])) == (pytest.approx(np.std([0.1, 0.3], ddof=1)), 0.0)


def test_draws_move_as_far_as_sampling_without_replacement_says() -> None:
    values = np.random.default_rng(2).beta(1, 2, (1, 40))
    means = draw_means(values, [np.arange(40)], size=20, draws=20_000, seed=[3])
    # Cochran, Sampling Techniques: Var(mean) = (1 - n/N) S² / n.
    expected = np.sqrt((1 - 20 / 40) * values.var(ddof=1) / 20)
    assert deviations(means)[1] == pytest.approx(expected, rel=0.02)
    assert means.mean() == pytest.approx(values.mean(), abs=0.002)


def test_draws_are_those_of_their_seed_the_same_for_every_training_and_without_repeats() -> None:
    values = np.vstack([2.0 ** np.arange(12), 2.0 ** np.arange(12)])
    groups = [np.arange(6), np.arange(6, 12)]
    means = draw_means(values, groups, size=3, draws=50, seed=[7, 1])
    assert (means == draw_means(values, groups, size=3, draws=50, seed=[7, 1])).all()
    assert (means != draw_means(values, groups, size=3, draws=50, seed=[7, 2])).any()
    assert (means[0] == means[1]).all()
    # Powers of two: a sum's bits are the pictures drawn.
    for total in (means[0] * 6).round().astype(int):
        assert bin(total & 0b111111).count("1") == bin(total >> 6).count("1") == 3


@pytest.mark.parametrize("size", [None, 6, 99])
def test_where_every_picture_is_used_there_is_one_draw_of_all(size: int | None) -> None:
    values = np.random.default_rng(0).random((3, 6))
    means = draw_means(values, [np.arange(6)], size=size, draws=50, seed=[0])
    assert means == pytest.approx(values.mean(1, keepdims=True))
