"""How often the interval of a mean of twenty probabilities holds the true mean: simulated, for four shapes."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.statistics.intervals import is_piled_up, mean_interval

PICTURES, SAMPLES = 20, 1000
# Undecided; mostly sure and right; mostly wrong; nearly always sure and wrong, as of another species.
UNDECIDED, RIGHT, WRONG, PILED = (2.0, 3.0), (3.0, 0.6), (0.5, 1.8), (0.2, 3.0)


def drawn(shape: tuple[float, float]) -> np.ndarray:
    """(1000, 20) probabilities."""
    return np.random.default_rng(11).beta(*shape, (SAMPLES, PICTURES))


def coverage(shape: tuple[float, float]) -> float:
    """The share of samples whose interval holds the true mean."""
    mean = shape[0] / sum(shape)
    return float(np.mean([low <= mean <= high for low, high in map(mean_interval, drawn(shape))]))


def piled(shape: tuple[float, float]) -> float:
    """The share of samples that are said to be piled up."""
    return float(np.mean([is_piled_up(sample.tolist()) for sample in drawn(shape)]))


@pytest.mark.parametrize("shape", [UNDECIDED, RIGHT, WRONG])
def test_the_interval_of_twenty_holds_the_true_mean_nine_times_of_ten(shape: tuple[float, float]) -> None:
    assert 0.9 <= coverage(shape) <= 0.97


def test_the_interval_of_a_piled_up_sample_is_too_narrow_and_that_is_noticed() -> None:
    assert 0.8 <= coverage(PILED) < 0.9
    assert piled(PILED) > 0.9


@pytest.mark.parametrize(("shape", "at_most"), [(UNDECIDED, 0.01), (RIGHT, 0.2), (WRONG, 0.2)])
def test_a_sample_whose_interval_can_be_trusted_is_seldom_called_piled_up(
    shape: tuple[float, float], at_most: float
) -> None:
    assert piled(shape) <= at_most


def test_more_pictures_mend_the_interval_of_a_piled_up_sample() -> None:
    mean = PILED[0] / sum(PILED)
    samples = np.random.default_rng(12).beta(*PILED, (SAMPLES // 2, 8 * PICTURES))
    held = np.mean([low <= mean <= high for low, high in map(mean_interval, samples)])
    assert held > coverage(PILED) + 0.03
