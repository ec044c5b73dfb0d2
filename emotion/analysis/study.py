"""A study: a question to a trained run, as a plain value that travels to the process where the model is loaded."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

R_co = TypeVar("R_co", covariant=True)


class Judge(Protocol):
    """A run's loaded checkpoint, and what a study may ask of it. Knows the run's own processor and precision."""

    run: Run
    classes: list[str]
    precision: str

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that says why not."""

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture speak for a class.

        Raises:
            PictureError: it cannot be read.
        """

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Return (N, F) float32 features, what the classifier is fed; what the trunk cache knows is not computed.

        A picture that cannot be read has a row of NaN.
        """

    def judged(self, features: np.ndarray) -> np.ndarray:
        """Return the (N, C) probabilities that the run gives to pictures by their (N, F) features; NaN where they are.

        They cost nothing, and differ from ``score`` by up to 0.05 where a look is computed in bfloat16.
        """

    def retrained(self, seeds: Sequence[int], pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Train the run's classifier anew with each seed; return its (seeds, N, C) probabilities of the pictures.

        Raises:
            RunError: the run trained more than its classifier, so that this is no matter of seconds.
        """


class Study(Protocol[R_co]):
    """A question to a run. It is sent to another process: a frozen dataclass of plain values.

    Its module imports no torch, scipy or sklearn at its top. Its result is a frozen dataclass of plain values too.
    """

    @property
    def run(self) -> Run:
        """The run that is asked."""

    def carry_out(self, judge: Judge) -> Generator[Progress, None, R_co]:
        """Yield how far it is and return the answer.

        Raises:
            EmotionError: it cannot be answered; the text says what to do.
        """
