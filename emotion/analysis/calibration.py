"""Whether probabilities mean what they say: expected calibration error, reliability, raw and at a run's temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emotion.analysis.comparison import Comparison
from emotion.analysis.probabilities import HIGHEST, LOWEST, Judged, fit_temperature, judged, temperature_interval
from emotion.core.errors import RunError
from emotion.core.intervals import LEVEL, Interval, mean_interval, wilson_interval
from emotion.runs.validation import Validation

# Fewer than about 15 pictures a bin tell nothing of its share; more than 10 bins nobody can read, and below 5 the too
# sure and the too timid end of the scale fall together and cancel each other out.
PER_BIN, FEWEST_BINS, MOST_BINS = 15, 5, 10
RESAMPLES, SEED = 2000, 0
# Numbers in a table of resamples at once, so that thousands of pictures cost no gigabyte.
AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Bin:
    """Pictures of similar top-class probability: its mean, how many were right, and that share's Wilson interval."""

    n: int
    confidence: float
    right: int
    interval: Interval

    @property
    def accuracy(self) -> float:
        """The share that was right."""
        return self.right / self.n


@dataclass(frozen=True)
class CalibrationError:
    """The expected calibration error (0 to 1) of some pictures, with its 95 % interval and its bins.

    ``if_calibrated`` is what a perfectly calibrated model of the same confidences shows on average with so few
    pictures, ``at_most_if_calibrated`` what it stays below 95 times of 100: the measure is never 0 on a sample.
    """

    value: float
    interval: Interval
    if_calibrated: float
    at_most_if_calibrated: float
    bins: list[Bin]

    @property
    def is_told(self) -> bool:
        """Whether it is more than a perfectly calibrated model would show."""
        return self.value > self.at_most_if_calibrated


@dataclass(frozen=True)
class Confidence:
    """How sure a model is of some pictures, and what that is worth.

    ``top`` is the mean probability of the most likely class, ``correct`` that of the correct class with its Student-t
    interval, ``log_loss`` in nats. ``error`` is None where the pictures lack one of the classes: what is said to be
    happy is then right or wrong by the choice of the pictures.
    """

    top: float
    correct: float
    correct_interval: Interval
    log_loss: float
    error: CalibrationError | None


@dataclass(frozen=True)
class Calibration:
    """One set of pictures: accuracy, which no temperature changes, and confidence as it is said and scaled."""

    n: int
    correct: int
    accuracy_interval: Interval
    raw: Confidence
    scaled: Confidence

    @property
    def accuracy(self) -> float:
        """The share whose most likely class is the true one."""
        return self.correct / self.n


@dataclass(frozen=True)
class RunCalibration:
    """A run's temperature with its 95 % interval, its validation pictures that it was fitted on, and compared sets.

    ``label_smoothing`` is that of its training.
    """

    classes: list[str]
    temperature: float
    interval: Interval
    validation: Calibration
    sets: dict[str, Calibration]
    label_smoothing: float = 0.0

    @property
    def is_bounded(self) -> bool:
        """Whether the validation pictures hold the temperature in; they do not where all of them are right."""
        return LOWEST * 1.01 < self.temperature < HIGHEST / 1.01


def calibrate(
    validation: Validation | None, comparison: Comparison, *, label_smoothing: float = 0.0, seed: int = SEED
) -> RunCalibration:
    """Fit a run's temperature on its validation pictures, and see what it does to them and to the compared sets.

    Raises:
        RunError: the run left no validation scores.
    """
    if validation is None or not validation.pictures:
        raise RunError("This run kept no scores of its validation pictures: train it again to check its calibration.")
    said = judged(validation.pictures, classes=validation.classes)
    temperature = fit_temperature(said)
    sets: dict[str, Calibration] = {}
    for name, results in comparison.sets.items():
        pictures = [picture for result in results.values() for picture in result.pictures]
        sets[name] = calibration(judged(pictures, classes=validation.classes), temperature=temperature, seed=seed)
    return RunCalibration(
        classes=validation.classes,
        temperature=temperature,
        interval=temperature_interval(said, temperature),
        validation=calibration(said, temperature=temperature, seed=seed),
        sets=sets,
        label_smoothing=label_smoothing,
    )


def calibration(said: Judged, *, temperature: float, seed: int) -> Calibration:
    """Return how well confidence fits accuracy, raw and at a temperature that was fitted elsewhere."""
    correct, n = int(said.is_right.sum()), len(said.truth)
    return Calibration(
        n=n,
        correct=correct,
        accuracy_interval=wilson_interval(correct, n),
        raw=_confidence(said, seed=seed),
        scaled=_confidence(said.at(temperature), seed=seed),
    )


def bin_count(n: int) -> int:
    """Return how many bins ``n`` pictures are spread over: about 15 pictures each, 5 to 10 bins."""
    return min(n, max(FEWEST_BINS, min(MOST_BINS, n // PER_BIN)))


def expected_calibration_error(said: Judged, *, bins: int = MOST_BINS) -> float:
    """Return the expected calibration error: the mean over bins of |share right - mean confidence|, weighted by size.

    Over the probability of the most likely class (Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599), in bins of
    equal numbers of pictures, which differ by one at most (Nixon et al. 2019, arXiv 1904.01685); of fewer pictures than
    bins, each is a bin of its own.
    """
    _, gaps = _by_confidence(said)
    return float(_error(gaps, bins=min(bins, len(gaps))))


def calibration_error(said: Judged, *, seed: int) -> CalibrationError:
    """Return the expected calibration error in ``bin_count`` bins, and what it is worth.

    The interval rests on a bootstrap of pictures. On a sample the error is too large, and on a resample it is so once
    more: the lower end is the basic bootstrap's, which takes that off (Davison and Hinkley 1997, section 5.2.1), and 0
    where a calibrated model would show as much; the upper end is the percentile's, on the safe side. Of 40 to 160
    pictures it holds the true error 87 to 99 times of 100 (``tests/analysis/test_statistics.py``).
    """
    confidences, gaps = _by_confidence(said)
    n, rng = len(gaps), np.random.default_rng(seed)
    bins = bin_count(n)
    value = float(_error(gaps, bins=bins))
    # Ranks in order are pictures in the order of their confidence.
    resampled = _repeated(lambda rows: gaps[np.sort(rng.integers(0, n, (rows, n)), axis=1)], n=n, bins=bins)
    calibrated = _repeated(lambda rows: (rng.random((rows, n)) < confidences) - confidences, n=n, bins=bins)
    high, at_most = float(np.quantile(resampled, (1 + LEVEL) / 2)), float(np.quantile(calibrated, LEVEL))
    return CalibrationError(
        value=value,
        interval=(max(0.0, 2 * value - high) if value > at_most else 0.0, high),
        if_calibrated=float(calibrated.mean()),
        at_most_if_calibrated=at_most,
        bins=_bins(confidences, gaps, bins),
    )


def _confidence(said: Judged, *, seed: int) -> Confidence:
    has_every_class = len(np.unique(said.truth)) == said.probabilities.shape[1]
    return Confidence(
        top=float(said.probabilities.max(1).mean()),
        correct=said.correct_confidence,
        correct_interval=mean_interval(said.of_truth.tolist()),
        log_loss=said.log_loss,
        error=calibration_error(said, seed=seed) if has_every_class else None,
    )


def _by_confidence(said: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Return the top-class probabilities, the least first, and how far right (1) or wrong (0) lies above each."""
    confidences = said.probabilities.max(1)
    order = confidences.argsort(kind="stable")
    return confidences[order], (said.is_right - confidences)[order]


def _edges(n: int, bins: int) -> np.ndarray:
    """Return where each bin begins, and the end of the last one."""
    return np.arange(bins + 1) * n // bins


def _error(gaps: np.ndarray, *, bins: int) -> np.ndarray:
    """Return the error of (..., N) gaps in the order of their confidence: |sum| of each bin, over N."""
    n = gaps.shape[-1]
    error: np.ndarray = np.abs(np.add.reduceat(gaps, _edges(n, bins)[:-1], axis=-1)).sum(-1) / n
    return error


def _repeated(draw: Callable[[int], np.ndarray], *, n: int, bins: int) -> np.ndarray:
    """Return the errors of ``RESAMPLES`` drawn rows of gaps."""
    rows = max(1, min(RESAMPLES, AT_ONCE // n))
    parts = [min(rows, RESAMPLES - done) for done in range(0, RESAMPLES, rows)]
    return np.concatenate([_error(draw(part), bins=bins) for part in parts])


def _bins(confidences: np.ndarray, gaps: np.ndarray, bins: int) -> list[Bin]:
    edges = _edges(len(gaps), bins)
    found = []
    for begin, end in pairwise(edges):
        part = confidences[begin:end]
        right = round(float((gaps[begin:end] + part).sum()))
        found.append(Bin(int(end - begin), float(part.mean()), right, wilson_interval(right, int(end - begin))))
    return found
