"""Probabilities as arrays, temperature scaling, and the expected calibration error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emotion.analysis.statistics import Estimate
from emotion.core.intervals import LEVEL, Interval
from emotion.core.scored import LEAST, ScoredPicture

LOWEST, HIGHEST = 0.05, 20.0
# Fewer than about 15 pictures per bin estimate no share; more than 10 bins are unreadable, and with fewer than 5, over-
# and underconfident pictures share bins and cancel out.
PER_BIN, FEWEST_BINS, MOST_BINS = 15, 5, 10
# Numbers in memory per batch of resamples.
RESAMPLES, AT_ONCE = 2000, 2_000_000


@dataclass(frozen=True)
class Scores:
    """(N, C) probabilities of pictures and the (N,) indices of their true classes."""

    probabilities: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, pictures: Sequence[ScoredPicture], *, classes: Sequence[str]) -> Scores:
        """Return scored pictures as arrays."""
        rows = [[picture.scores[label] for label in classes] for picture in pictures]
        return cls(np.array(rows), np.array([classes.index(picture.label) for picture in pictures]))

    @property
    def is_right(self) -> np.ndarray:
        """Whether the most likely class is the true one, (N,) booleans."""
        return np.asarray(self.probabilities.argmax(1) == self.truth)

    @property
    def correct(self) -> int:
        """The number of pictures whose most likely class is the true one."""
        return int(self.is_right.sum())

    @property
    def top(self) -> np.ndarray:
        """The probability of the most likely class, (N,)."""
        return np.asarray(self.probabilities.max(1))

    @property
    def of_truth(self) -> np.ndarray:
        """The probability of the true class, (N,)."""
        return np.asarray(self.probabilities[np.arange(len(self.truth)), self.truth])

    @property
    def log_loss(self) -> float:
        """The mean negative logarithm of the true class's probability, in nats."""
        return float(-np.log(self.of_truth.clip(LEAST)).mean())

    def at(self, temperature: float) -> Scores:
        """Return softer (above 1) or sharper (below 1) probabilities; the most likely class is unchanged."""
        from scipy.special import softmax

        return Scores(softmax(np.log(self.probabilities.clip(LEAST)) / temperature, axis=1), self.truth)


def fit_temperature(said: Scores) -> Estimate:
    """Return the temperature of lowest log loss, from 0.05 to 20 (Guo et al. 2017, arXiv 1706.04599).

    The interval is by profile likelihood (Wilks 1938, doi 10.1214/aoms/1177732360); an end that the pictures do not
    bound is 0.05 or 20.
    """
    from scipy.optimize import brentq, minimize_scalar
    from scipy.stats import chi2

    def loss(logarithm: float) -> float:
        return said.at(math.exp(logarithm)).log_loss

    ends = math.log(LOWEST), math.log(HIGHEST)
    best = float(minimize_scalar(loss, bounds=ends, method="bounded").x)
    most = loss(best) + float(chi2.ppf(LEVEL, 1)) / 2 / len(said.truth)
    low, high = (end if loss(end) <= most else brentq(lambda at: loss(at) - most, end, best) for end in ends)
    return Estimate(math.exp(best), math.exp(low), math.exp(high))


@dataclass(frozen=True)
class Bin:
    """Pictures of similar top-class probability: their number, its mean, and how many are right."""

    n: int
    confidence: float
    right: int


@dataclass(frozen=True)
class CalibrationError:
    """The expected calibration error (0 to 1) of some pictures, with its 95 % interval and its bins.

    ``if_calibrated`` is the mean error of a perfectly calibrated model with the same confidences on as many pictures,
    and ``at_most_if_calibrated`` its 95 % quantile: the error is never 0 on a sample.
    """

    value: float
    interval: Interval
    if_calibrated: float
    at_most_if_calibrated: float
    bins: list[Bin]


def calibration_error(said: Scores, *, seed: int) -> CalibrationError:
    """Return the expected calibration error with its interval and bins.

    The mean over bins of |share right - mean confidence|, weighted by size, for the probability of the most likely
    class (Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599), in bins of equal size, up to one picture (Nixon et
    al. 2019, arXiv 1904.01685): about 15 pictures each, 5 to 10 bins.

    The interval bootstraps pictures. The error is biased upwards on a sample, and again on a resample: the lower end is
    the basic bootstrap's, which corrects that (Davison and Hinkley 1997, section 5.2.1), and 0 if a calibrated model
    could show as much; the upper end is the percentile bootstrap's, which is conservative. With 40 to 160 pictures it
    covers the true error 87 to 99 times of 100 (``tests/analysis/test_statistics.py``).
    """
    order = said.top.argsort(kind="stable")
    confidences, is_right = said.top[order], said.is_right[order]
    gaps, n, rng = is_right - confidences, len(order), np.random.default_rng(seed)
    bins = min(n, max(FEWEST_BINS, min(MOST_BINS, n // PER_BIN)))
    edges = np.arange(bins + 1) * n // bins

    def error(rows: np.ndarray) -> np.ndarray:
        """Return the errors of (R, N) gaps in order of confidence: the bins' |sum|, added up, over N."""
        return np.asarray(np.abs(np.add.reduceat(rows, edges[:-1], axis=-1)).sum(-1) / n)

    def repeated(draw: Callable[[int], np.ndarray]) -> np.ndarray:
        """Return the errors of ``RESAMPLES`` drawn rows of gaps."""
        step = max(1, AT_ONCE // n)
        parts = [min(step, RESAMPLES - done) for done in range(0, RESAMPLES, step)]
        return np.concatenate([error(draw(part)) for part in parts])

    value = float(error(gaps[np.newaxis])[0])
    # Sorted ranks are pictures in order of confidence.
    resampled = repeated(lambda rows: gaps[np.sort(rng.integers(0, n, (rows, n)), axis=1)])
    calibrated = repeated(lambda rows: (rng.random((rows, n)) < confidences) - confidences)
    high, at_most = float(np.quantile(resampled, (1 + LEVEL) / 2)), float(np.quantile(calibrated, LEVEL))
    found = [
        Bin(int(end - begin), float(confidences[begin:end].mean()), int(is_right[begin:end].sum()))
        for begin, end in pairwise(edges)
    ]
    low = max(0.0, 2 * value - high) if value > at_most else 0.0
    return CalibrationError(value, (low, high), float(calibrated.mean()), at_most, found)
