"""Scores of probabilities, and the temperature that makes them honest. Knows nothing of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotion.comparison import ScoredPicture

# A probability of 0 has no logarithm; float32's softmax gives one below about this.
LEAST = 1e-12
LOWEST, HIGHEST = 0.05, 20.0


@dataclass(frozen=True)
class Judged:
    """(N, C) probabilities of pictures and the (N,) indices of their true classes."""

    probabilities: np.ndarray
    truth: np.ndarray

    @property
    def accuracy(self) -> float:
        """The share whose most likely class is the true one."""
        return float((self.probabilities.argmax(1) == self.truth).mean())

    @property
    def log_loss(self) -> float:
        """The mean negative logarithm of the true class's probability, in nats."""
        return float(-np.log(self._of_truth().clip(LEAST)).mean())

    @property
    def correct_confidence(self) -> float:
        """The mean probability of the true class."""
        return float(self._of_truth().mean())

    def at(self, temperature: float) -> Judged:
        """Return the same with softer (above 1) or sharper (below 1) probabilities; the most likely class stays."""
        logits = np.log(self.probabilities.clip(LEAST)) / temperature
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return Judged(powers / powers.sum(1, keepdims=True), self.truth)

    def _of_truth(self) -> np.ndarray:
        of_truth: np.ndarray = self.probabilities[np.arange(len(self.truth)), self.truth]
        return of_truth


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
