"""A run's prediction for one picture, as plain values."""

from dataclasses import dataclass

# At most a twentieth of the validation pictures count as unknown; of fewer, a twentieth is less than one.
LEVEL, FEWEST = 0.95, 20
# A picture's distance to the training pictures is that to the fifth nearest.
NEIGHBOURS = 5
NOT_KNOWN = "This run cannot tell an unfamiliar kind of picture: train again."


@dataclass(frozen=True)
class Novelty:
    """How unlike the training pictures a picture is: how many of the ``validation`` pictures are closer to them."""

    nearer: int
    validation: int

    @property
    def is_unknown(self) -> bool | None:
        """Whether 95 % of the validation pictures are closer; None where there are too few of them."""
        return self.nearer >= LEVEL * self.validation if self.validation >= FEWEST else None

    def sentence(self) -> str:
        """Return the result as a sentence."""
        if self.is_unknown is None:
            return (
                f"With {self.validation} validation pictures this run cannot tell an unfamiliar kind of picture: train "
                f"on more, so that {FEWEST} are held back."
            )
        if self.is_unknown:
            return (
                f"Unfamiliar kind of picture: less like the training pictures than {LEVEL * 100:.0f} % of the "
                f"validation pictures are (n = {self.validation}), so this is a guess."
            )
        return "Familiar kind of picture."


@dataclass(frozen=True)
class Prediction:
    """The probability of every class (0 to 1, sums to 1) in the run's order, and the most likely one.

    ``seconds`` is measured for a single picture, else 0. ``novelty`` is None where the run cannot tell.
    """

    label: str
    confidence: float
    scores: dict[str, float]
    precision: str
    seconds: float
    novelty: Novelty | None = None

    @property
    def is_unknown(self) -> bool | None:
        """Whether the picture is unlike all training pictures; None where the run cannot tell."""
        return self.novelty.is_unknown if self.novelty else None

    def novelty_sentence(self) -> str:
        """Return a sentence on whether the picture is of a familiar kind, or why that is unknown."""
        return self.novelty.sentence() if self.novelty else NOT_KNOWN


@dataclass(frozen=True)
class Saliency:
    """Which parts of a picture support a class, on the square that the model was given.

    ``values`` are rows of a grid of patches, 0 to 1 (1 is the most salient patch; all are 0 where nothing supports the
    class); ``box`` is the part of the upright picture that the grid covers, as left, top, right, bottom in shares of
    its width and height (0 to 1).
    """

    label: str
    confidence: float
    values: tuple[tuple[float, ...], ...]
    box: tuple[float, float, float, float]
