"""Scores of probabilities, and the temperature that makes them honest."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from emotion.comparison import ScoredPicture
from emotion.statistics.probabilities import HIGHEST, LOWEST, Judged, fit_temperature, judged, temperature_interval


def honest(count: int, *, seed: int = 0) -> Judged:
    """Probabilities from which the true classes are really drawn."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), count)
    truth = (rng.random((count, 1)) > probabilities.cumsum(1)).sum(1).clip(0, 3)
    return Judged(probabilities, truth)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    distorted = honest(8_000).at(1 / temperature)
    assert fit_temperature(distorted) == pytest.approx(temperature, rel=0.05)


def test_a_temperature_of_two_is_recovered_from_scaled_logits() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=1.5, size=(6_000, 4))
    said = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = (rng.random((6_000, 1)) > said.cumsum(1)).sum(1).clip(0, 3)
    too_sure = np.exp(2 * logits) / np.exp(2 * logits).sum(1, keepdims=True)
    fitted = fit_temperature(Judged(too_sure, truth))
    assert fitted == pytest.approx(2.0, rel=0.05)
    assert Judged(too_sure, truth).at(2.0).probabilities == pytest.approx(said)


def test_a_temperature_moves_confidence_and_no_verdict() -> None:
    said = honest(500)
    for temperature in (0.3, 3.0):
        scaled = said.at(temperature)
        assert np.array_equal(scaled.is_right, said.is_right)
        assert (scaled.probabilities.max() < said.probabilities.max()) == (temperature > 1)
        assert scaled.probabilities.sum(1) == pytest.approx(1.0)


@pytest.mark.parametrize("temperature", [1.0, 1.6])
def test_the_interval_of_a_temperature_holds_the_true_one_95_times_of_100(temperature: float) -> None:
    held = 0
    for seed in range(150):
        said = honest(90, seed=seed).at(1 / temperature)
        low, high = temperature_interval(said, fit_temperature(said))
        assert low < high
        held += low <= temperature <= high
    # 95 % of 150, less four standard errors of such a count.
    assert held >= 132


def test_pictures_that_are_all_right_bound_a_temperature_on_one_side_only() -> None:
    said = Judged(np.array([[0.9, 0.1], [0.2, 0.8]] * 10), np.array([0, 1] * 10))
    fitted = fit_temperature(said)
    assert fitted == pytest.approx(LOWEST, rel=0.01)
    assert temperature_interval(said, fitted)[0] == LOWEST
    assert temperature_interval(said, fitted)[1] < HIGHEST


def test_scores_are_those_of_the_true_class() -> None:
    rows = [("happy", 0.8, 0.2), ("sad", 0.6, 0.4)]
    pictures = [ScoredPicture("p", "", label, {"happy": happy, "sad": sad}) for label, happy, sad in rows]
    said = judged(pictures, classes=["happy", "sad"])
    assert said.accuracy == 0.5
    assert said.correct_confidence == pytest.approx(0.6)
    assert said.log_loss == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)


def test_a_probability_of_nought_costs_much_and_not_everything() -> None:
    assert np.isfinite(Judged(np.array([[1.0, 0.0]]), np.array([1])).log_loss)


def test_log_loss_is_scikit_learns() -> None:
    said = honest(60, seed=2)
    assert said.log_loss == pytest.approx(log_loss(said.truth, said.probabilities, labels=[0, 1, 2, 3]))
