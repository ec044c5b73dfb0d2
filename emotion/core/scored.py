"""Scored pictures, and the summary of a sample of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from emotion.core.intervals import Interval, is_piled_up, mean_interval, wilson_interval

# The log of 0 is undefined; float32's softmax gives 0 below about this value.
LEAST = 1e-12


@dataclass(frozen=True)
class ScoredPicture:
    """A picture, its label, and the probability of every class (0 to 1, sums to 1).

    ``is_unknown`` means that it is unlike all training pictures of the run; None where the run cannot tell.
    """

    picture: str
    sha256: str
    label: str
    scores: dict[str, float]
    is_unknown: bool | None = None

    @property
    def predicted(self) -> str:
        """The class with the highest probability."""
        return max(self.scores, key=self.scores.__getitem__)

    @property
    def correct_confidence(self) -> float:
        """The probability of the correct class."""
        return self.scores[self.label]

    @property
    def is_runner_up(self) -> bool:
        """Whether the correct class has the second-highest probability."""
        return sorted(self.scores, key=self.scores.__getitem__, reverse=True)[1] == self.label


@dataclass(frozen=True)
class SampleResult:
    """The result of one sample of one species, with 95 % intervals.

    ``accuracy`` is top-1; ``correct_confidence`` is the mean probability of the correct class, whose interval is too
    narrow where ``is_piled_up``. ``log_loss`` is in nats, ``brier`` the mean squared distance to the truth (0 to 2;
    Brier 1950). ``unreadable`` maps each drawn picture that cannot be read to one sentence, ``near_duplicates`` each
    drawn picture that was trained on to that training picture; the next pictures replace them, while there are any.
    ``is_trained_on`` marks a sample of training pictures only, which stay in.
    """

    n: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    correct_confidence: float
    correct_confidence_interval: Interval
    is_piled_up: bool
    runner_up: int
    log_loss: float
    brier: float
    predicted: dict[str, int]
    pictures: list[ScoredPicture]
    unreadable: dict[str, str] = field(default_factory=dict)
    near_duplicates: dict[str, str] = field(default_factory=dict)
    is_trained_on: bool = False

    @property
    def unknown(self) -> int | None:
        """The number of pictures unlike all training pictures; None where the run cannot tell for each."""
        known = [picture.is_unknown for picture in self.pictures]
        return None if None in known else sum(map(bool, known))


def summarise(pictures: Sequence[ScoredPicture], *, classes: Sequence[str]) -> SampleResult:
    """Summarise scored pictures; ``predicted`` lists every class, including those never predicted."""
    import numpy as np

    said = Counter(picture.predicted for picture in pictures)
    correct = sum(picture.predicted == picture.label for picture in pictures)
    confidences = [picture.correct_confidence for picture in pictures]
    scores = np.array([[picture.scores[label] for label in classes] for picture in pictures])
    truth = np.array([[float(picture.label == label) for label in classes] for picture in pictures])
    return SampleResult(
        n=len(pictures),
        correct=correct,
        accuracy=correct / len(pictures),
        accuracy_interval=wilson_interval(correct, len(pictures)),
        correct_confidence=sum(confidences) / len(confidences),
        correct_confidence_interval=mean_interval(confidences),
        is_piled_up=is_piled_up(confidences),
        runner_up=sum(picture.is_runner_up for picture in pictures),
        log_loss=float(-np.log(np.clip(confidences, LEAST, 1)).mean()),
        brier=float(((scores - truth) ** 2).sum(1).mean()),
        predicted={label: said[label] for label in classes},
        pictures=list(pictures),
    )
