"""What a run says of one picture, as plain values. Knows nothing of how it came about."""

from dataclasses import dataclass

# Of the validation pictures at most a twentieth is called unknown.
LEVEL = 0.95
# With fewer validation pictures the last twentieth of them is not a whole one.
FEWEST = 20
# A picture is as far from a run's training pictures as from the fifth nearest of them.
NEIGHBOURS = 5
NOT_KNOWN = "This run cannot tell an unfamiliar kind of picture: train again."


@dataclass(frozen=True)
class Novelty:
    """How unlike a run's training pictures a picture is: how many of its ``validation`` pictures are nearer to them."""

    nearer: int
    validation: int

    @property
    def is_unknown(self) -> bool | None:
        """Whether 95 % of the validation pictures are nearer; None where they are too few to say."""
        return self.nearer >= LEVEL * self.validation if self.validation >= FEWEST else None

    def sentence(self) -> str:
        """Say it to a person."""
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
class Judged:
    """One of many pictures: the probability of every class, and its novelty, where that is known."""

    scores: dict[str, float]
    novelty: Novelty | None = None


@dataclass(frozen=True)
class Prediction:
    """The probability of every class (0 to 1, sums to 1) in the run's order, and the most likely one.

    ``novelty`` is None where the run cannot tell.
    """

    label: str
    confidence: float
    scores: dict[str, float]
    precision: str
    seconds: float
    novelty: Novelty | None = None

    @property
    def is_unknown(self) -> bool | None:
        """Whether the picture is unlike all that the run was trained on; None where the run cannot tell."""
        return self.novelty.is_unknown if self.novelty else None

    def novelty_sentence(self) -> str:
        """Say whether it is a familiar kind of picture, or why that is not known."""
        return self.novelty.sentence() if self.novelty else NOT_KNOWN


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
