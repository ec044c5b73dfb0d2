"""The judge of a run: its loaded classifier, and what studies ask of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

    from emotion.inference.classifier import Classifier


class RunJudge:
    """See ``study.Judge``."""

    def __init__(self, run: Run, classifier: Classifier) -> None:
        self.run = run
        self.classes = classifier.classes
        self.precision: str = classifier.precision
        self._classifier = classifier

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that says why not."""
        return self._classifier.score(pictures)

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture speak for a class."""
        return self._classifier.explain(picture, label=label)

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Return (N, F) float32 features, what the classifier is fed; those of the trunk cache are not computed."""
        from emotion.training.repeat import look_at

        network, processor = self._classifier.network, self._classifier.processor
        return (yield from look_at(pictures, run=self.run, network=network, processor=processor))

    def judged(self, features: np.ndarray) -> np.ndarray:
        """Return the (N, C) probabilities that the run gives to pictures by their (N, F) features."""
        return self._classifier.of_features(features)

    def retrained(self, seeds: Sequence[int], pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Train the run's classifier anew with each seed; return its (seeds, N, C) probabilities of the pictures."""
        from emotion.training.repeat import retrain

        network, processor = self._classifier.network, self._classifier.processor
        return (yield from retrain(self.run, seeds, pictures, network=network, processor=processor))
