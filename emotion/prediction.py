"""What a run says of one picture, as a plain value. Knows nothing of how it came about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """The probability of every class (0 to 1, sums to 1) in the run's order, and the most likely one."""

    label: str
    confidence: float
    scores: dict[str, float]
    precision: str
    seconds: float
