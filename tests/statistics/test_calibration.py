"""Calibration: known answers, and simulations of models whose true calibration is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from emotion.comparison import Comparison, ScoredPicture, summarise
from emotion.errors import RunError
from emotion.statistics.calibration import (
    Calibration,
    bin_count,
    calibrate,
    calibration,
    calibration_error,
    expected_calibration_error,
)
from emotion.statistics.probabilities import Judged
from emotion.validation import Validation

EMOTIONS = ["happy", "sad", "angry", "tired"]


def two_classes(confidences: list[float], right: list[bool]) -> Judged:
    """Two classes of which the first is always said, this surely, and is the true one where it is right."""
    top = np.array(confidences)
    return Judged(np.stack([top, 1 - top], axis=1), np.array([0 if each else 1 for each in right]))


def simulated(n: int, *, seed: int, temperature: float = 1.0, shift: float = 0.0) -> Judged:
    """A model that knows its classes' true probabilities and says them sharper by ``temperature``.

    With a ``shift`` (0 to 1) the truth is nearer to an even guess than the model knows.
    """
    rng = np.random.default_rng(seed)
    known = rng.dirichlet(np.full(4, 0.7), n).clip(1e-9)
    true = (1 - shift) * known + shift / 4
    truth = (rng.random((n, 1)) > true.cumsum(1)).sum(1).clip(0, 3)
    return Judged(known, truth).at(1 / temperature)


def brute_force(said: Judged, bins: int) -> float:
    """The error by its definition, picture by picture."""
    order = sorted(range(len(said.truth)), key=lambda row: said.probabilities[row].max())
    total = 0.0
    for number in range(bins):
        rows = order[number * len(order) // bins : (number + 1) * len(order) // bins]
        share = np.mean([said.probabilities[row].argmax() == said.truth[row] for row in rows])
        confidence = np.mean([said.probabilities[row].max() for row in rows])
        total += len(rows) / len(order) * abs(share - confidence)
    return float(total)


def test_the_error_of_a_hand_made_example_is_what_a_person_reckons() -> None:
    said = two_classes([0.9, 0.6, 0.8, 0.7], [True, False, True, True])
    # Bins {0.6, 0.7}: half right, 0.65 sure, 0.15 apart. {0.8, 0.9}: all right, 0.85 sure, 0.15 apart.
    assert expected_calibration_error(said, bins=2) == pytest.approx(0.15)
    # One bin: 0.75 right, 0.75 sure.
    assert expected_calibration_error(said, bins=1) == pytest.approx(0.0)
    each_alone = (0.6 + 0.3 + 0.2 + 0.1) / 4
    assert expected_calibration_error(said, bins=4) == pytest.approx(each_alone)
    assert expected_calibration_error(said, bins=10) == pytest.approx(each_alone)


@pytest.mark.parametrize(("n", "bins"), [(4, 4), (23, 5), (90, 6), (157, 10), (500, 7)])
def test_the_error_is_what_its_definition_says(n: int, bins: int) -> None:
    said = simulated(n, seed=n, temperature=1.7)
    assert expected_calibration_error(said, bins=bins) == pytest.approx(brute_force(said, bins), abs=1e-12)


@pytest.mark.parametrize("n", [1, 3, 5, 17, 20, 74, 90, 151, 160, 601])
def test_bins_hold_all_pictures_and_differ_by_one_at_most(n: int) -> None:
    said = simulated(n, seed=n)
    bins = calibration_error(said, seed=0).bins
    sizes = [each.n for each in bins]
    assert len(bins) == bin_count(n)
    assert sum(sizes) == n
    assert max(sizes) - min(sizes) <= 1
    assert sum(each.right for each in bins) == said.is_right.sum()
    assert [each.confidence for each in bins] == sorted(each.confidence for each in bins)
    interval = binomtest(bins[0].right, bins[0].n).proportion_ci(0.95, method="wilson")
    assert bins[0].interval == (interval.low, interval.high)


def test_about_fifteen_pictures_make_a_bin_where_there_are_enough() -> None:
    assert [bin_count(n) for n in (3, 20, 80, 90, 120, 150, 6000)] == [3, 5, 5, 6, 8, 10, 10]


def test_the_value_and_its_bins_belong_together() -> None:
    found = calibration_error(simulated(90, seed=1, temperature=2.0), seed=0)
    assert found.value == pytest.approx(sum(each.n * abs(each.accuracy - each.confidence) for each in found.bins) / 90)


def test_a_calibrated_model_shows_what_is_expected_of_it_and_no_more_than_five_times_of_100() -> None:
    found = [calibration_error(simulated(90, seed=seed), seed=seed) for seed in range(200)]
    expected = np.mean([each.if_calibrated for each in found])
    assert np.mean([each.value for each in found]) == pytest.approx(expected, rel=0.06)
    # It is far from 0, as each sample's is.
    assert expected > 0.07
    # 5 % of 200 is 10; 22 lie four standard errors above.
    assert sum(each.is_told for each in found) <= 22
    assert sum(each.interval[0] == 0 for each in found) >= 178


def test_a_model_that_is_much_too_sure_is_told_from_a_calibrated_one() -> None:
    found = [calibration_error(simulated(90, seed=seed, temperature=2.5), seed=seed) for seed in range(50)]
    assert sum(each.is_told and each.interval[0] > 0 for each in found) >= 48


@pytest.mark.parametrize("n", [40, 160])
@pytest.mark.parametrize(("temperature", "shift"), [(1.0, 0.0), (0.7, 0.0), (1.5, 0.0), (2.5, 0.0), (1.0, 0.6)])
def test_the_interval_of_the_error_holds_the_true_one_nine_times_of_ten(
    n: int, temperature: float, shift: float
) -> None:
    true = expected_calibration_error(
        simulated(200_000, seed=0, temperature=temperature, shift=shift), bins=bin_count(n)
    )
    # So many pictures still show a little error where there is none.
    slack, held = 0.003, 0
    for seed in range(1, 101):
        low, high = calibration_error(simulated(n, seed=seed, temperature=temperature, shift=shift), seed=seed).interval
        held += low <= true + slack and true - slack <= high
    # Nine of ten, less two and a half standard errors of such a count.
    assert held >= 82


def test_many_pictures_are_reckoned_in_parts_and_the_same_seed_gives_the_same() -> None:
    said = simulated(5_000, seed=2)
    one, two = calibration_error(said, seed=7), calibration_error(said, seed=7)
    assert one == two
    assert one.interval != calibration_error(said, seed=8).interval
    assert one.if_calibrated < 0.03


def test_a_temperature_changes_confidence_and_loss_and_no_accuracy() -> None:
    said = simulated(120, seed=4, temperature=2.0)
    found = calibration(said, temperature=2.0, seed=0)
    assert found.accuracy == said.accuracy == said.at(2.0).accuracy
    assert found.scaled.top < found.raw.top
    assert found.scaled.correct == pytest.approx(said.at(2.0).correct_confidence)
    assert found.scaled.log_loss < found.raw.log_loss
    assert found.raw.error is not None
    assert found.scaled.error is not None
    assert found.scaled.error.value < found.raw.error.value


def test_pictures_of_one_class_alone_have_no_calibration_error() -> None:
    said = simulated(200, seed=5)
    happy = said.truth == 0
    alone = calibration(Judged(said.probabilities[happy], said.truth[happy]), temperature=1.5, seed=0)
    assert alone.raw.error is None
    assert alone.scaled.error is None
    assert alone.n == happy.sum()


def test_a_run_is_calibrated_on_its_validation_pictures_alone() -> None:
    too_sure, shifted = simulated(400, seed=6, temperature=2.0), simulated(160, seed=7, temperature=2.0, shift=0.7)
    found = calibrate(validation(too_sure), comparison(dog=shifted), seed=0)
    assert found.temperature == pytest.approx(2.0, rel=0.2)
    assert found.interval[0] < 2.0 < found.interval[1]
    assert found.is_bounded
    assert found.temperature == calibrate(validation(too_sure), None, seed=0).temperature
    dog = found.sets["dog"]
    assert (dog.n, dog.accuracy) == (160, shifted.accuracy)
    assert dog.raw.log_loss == pytest.approx(shifted.log_loss)
    # The temperature that fits the one does not mend the other.
    assert is_told(found.validation) == (True, False)
    assert is_told(dog) == (True, True)


@pytest.mark.parametrize("kept", [None, Validation(1, EMOTIONS, [])])
def test_a_run_without_validation_scores_is_asked_to_be_trained_again(kept: Validation | None) -> None:
    with pytest.raises(RunError, match="train it again"):
        calibrate(kept, None, seed=0)


def test_the_order_of_the_classes_does_not_matter() -> None:
    said = simulated(100, seed=8)
    other = Validation(1, EMOTIONS[::-1], validation(said).pictures)
    one, two = calibrate(validation(said), None, seed=0), calibrate(other, None, seed=0)
    assert math.isclose(one.temperature, two.temperature, rel_tol=1e-6)
    assert one.validation.raw.error.value == pytest.approx(two.validation.raw.error.value)  # type: ignore[union-attr]


def is_told(found: Calibration) -> tuple[bool, bool]:
    assert found.raw.error is not None
    assert found.scaled.error is not None
    return found.raw.error.is_told, found.scaled.error.is_told


def pictures_of(said: Judged) -> list[ScoredPicture]:
    return [
        ScoredPicture(f"{number}", "0", EMOTIONS[label], dict(zip(EMOTIONS, map(float, row), strict=True)))
        for number, (row, label) in enumerate(zip(said.probabilities, said.truth, strict=True))
    ]


def validation(said: Judged) -> Validation:
    return Validation(1, EMOTIONS, pictures_of(said))


def comparison(**sets: Judged) -> Comparison:
    results = {
        name: {
            label: summarise([each for each in pictures_of(said) if each.label == label], classes=EMOTIONS)
            for label in EMOTIONS
        }
        for name, said in sets.items()
    }
    return Comparison("run", 0.0, 1, None, EMOTIONS, "float32", dict.fromkeys(sets, ""), results)
