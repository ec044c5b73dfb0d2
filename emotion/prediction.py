"""What a run says of one picture, as plain values. Knows nothing of how it came about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """The probability of every class (0 to 1, sums to 1) in the run's order, and the most likely one."""

    label: str
    confidence: float
    scores: dict[str, float]
    precision: str
    seconds: float


@dataclass(frozen=True)
class Saliency:
    """Which parts of a picture speak for a class, on the square that the model was shown.

    ``values`` are rows of a grid of patches, 0 to 1 (the most salient patch is 1; all are 0 where nothing speaks for
    the class); ``box`` is the part of the upright picture that the grid covers, as left, top, right, bottom in shares
    of its width and height (0 to 1).
    """

    label: str
    confidence: float
    values: tuple[tuple[float, ...], ...]
    box: tuple[float, float, float, float]
