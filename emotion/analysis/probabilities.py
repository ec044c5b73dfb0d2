"""Probabilities of pictures as arrays, their scores, and the temperature that makes them honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotion.core.intervals import LEVEL, Interval
from emotion.core.scored import LEAST, ScoredPicture

LOWEST, HIGHEST = 0.05, 20.0


@dataclass(frozen=True)
class Judged:
    """(N, C) probabilities of pictures and the (N,) indices of their true classes."""

    probabilities: np.ndarray
    truth: np.ndarray

    @property
    def accuracy(self) -> float:
        """The share whose most likely class is the true one."""
        return float(self.is_right.mean())

    @property
    def is_right(self) -> np.ndarray:
        """Whether the most likely class is the true one, (N,) booleans."""
        right: np.ndarray = self.probabilities.argmax(1) == self.truth
        return right

    @property
    def log_loss(self) -> float:
        """The mean negative logarithm of the true class's probability, in nats."""
        return float(-np.log(self.of_truth.clip(LEAST)).mean())

    @property
    def correct_confidence(self) -> float:
        """The mean probability of the true class."""
        return float(self.of_truth.mean())

    @property
    def of_truth(self) -> np.ndarray:
        """The probability of the true class, (N,)."""
        of_truth: np.ndarray = self.probabilities[np.arange(len(self.truth)), self.truth]
        return of_truth

    def at(self, temperature: float) -> Judged:
        """Return the same with softer (above 1) or sharper (below 1) probabilities; the most likely class stays."""
        logits = np.log(self.probabilities.clip(LEAST)) / temperature
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return Judged(powers / powers.sum(1, keepdims=True), self.truth)


def judged(pictures: Sequence[ScoredPicture], *, classes: Sequence[str]) -> Judged:
    """Return scored pictures as arrays."""
    rows = [[picture.scores[label] for label in classes] for picture in pictures]
    return Judged(np.array(rows), np.array([classes.index(picture.label) for picture in pictures]))


def fit_temperature(said: Judged) -> float:
    """Return the temperature of least log loss (Guo et al. 2017, arXiv 1706.04599), from 0.05 to 20."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda logarithm: said.at(float(np.exp(logarithm))).log_loss,
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def temperature_interval(said: Judged, fitted: float) -> Interval:
    """Return the 95 % profile-likelihood interval of a fitted temperature (Wilks 1938, doi 10.1214/aoms/1177732360).

    An end that the pictures do not bound is 0.05 or 20.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2

    allowed = said.at(fitted).log_loss + float(chi2.ppf(LEVEL, 1)) / 2 / len(said.truth)

    def excess(logarithm: float) -> float:
        return said.at(float(np.exp(logarithm))).log_loss - allowed

    def end(bound: float) -> float:
        if excess(np.log(bound)) <= 0:
            return bound
        return float(np.exp(brentq(excess, np.log(bound), np.log(fitted))))

    return end(LOWEST), end(HIGHEST)
