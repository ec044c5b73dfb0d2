"""What a study is: a question to a trained run about a comparison, asked with parameters, answered in blocks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PIL import Image

from emotion.analysis.blocks import Block
from emotion.analysis.comparison import Comparison
from emotion.analysis.kept import keep, kept
from emotion.core.errors import PictureError
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

    from emotion.inference.classifier import Classifier

R_co = TypeVar("R_co", covariant=True)


class Judge:
    """A run's loaded checkpoint and what a study may ask of it. Knows the run's own processor and precision."""

    def __init__(self, run: Run, classifier: Classifier) -> None:
        self.run = run
        self.classes = classifier.classes
        self.precision: str = classifier.precision
        self._classifier = classifier

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that says why not."""
        return self._classifier.score(pictures)

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture speak for a class.

        Raises:
            PictureError: it cannot be read.
        """
        return self._classifier.explain(picture, label=label)

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Return (N, F) float32 features, what the classifier is fed; what is kept of them is not computed.

        A picture that cannot be read has a row of NaN.
        """
        from emotion.training.repeat import look_at

        network, processor = self._classifier.network, self._classifier.processor
        return (yield from look_at(pictures, run=self.run, network=network, processor=processor))

    def backbone_features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Return the same of the run's backbone as it was before the training, at the run's image size."""
        from emotion.training.features import of_backbone

        if self.run.config().depth == "head":
            return (yield from self.features(pictures))
        return (yield from of_backbone(pictures, self.run.config()))

    def judged(self, features: np.ndarray) -> np.ndarray:
        """Return the (N, C) probabilities that the run gives to pictures by their (N, F) features; NaN where they are.

        They cost nothing, and differ from ``score`` by up to 0.05 where features are computed in bfloat16.
        """
        return self._classifier.of_features(features)

    def retrained(self, seeds: Sequence[int], pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Train the run's classifier anew with each seed; return its (seeds, N, C) probabilities of the pictures.

        Raises:
            RunError: the run trained more than its classifier, so that this is no matter of seconds.
        """
        from emotion.training.repeat import retrain

        network, processor = self._classifier.network, self._classifier.processor
        return (yield from retrain(self.run, seeds, pictures, network=network, processor=processor))


class Task(Protocol[R_co]):
    """Something to ask of a run. It is sent to another process: a frozen dataclass of plain values."""

    @property
    def run(self) -> Run:
        """The run that is asked."""

    def carry_out(self, judge: Judge) -> Generator[Progress, None, R_co]:
        """Yield how far it is and return the answer.

        Raises:
            EmotionError: it cannot be answered; the text says what to do.
        """


@dataclass(frozen=True)
class Parameter:
    """What a study asks of the visitor: one of some ``choices``, as value and title, or a whole number in a range."""

    name: str
    label: str
    default: Any
    choices: tuple[tuple[str, Any], ...] = ()
    low: int = 1
    high: int = 1


@dataclass(frozen=True)
class Study:
    """A question to a run about a comparison.

    ``ask`` takes the judge, the comparison and a value for each parameter, yields how far it is and returns a frozen
    result of type ``kind``, which is kept beside the comparison as ``name``; ``blocks`` is what is shown of it, in a
    report too where it ``is_reported``. ``load`` and ``save`` stand in for the file beside the comparison.
    """

    name: str
    title: str
    question: str
    kind: Any
    ask: Callable[..., Generator[Progress, None, Any]]
    blocks: Callable[[Any, Comparison], list[Block]]
    parameters: Callable[[Comparison | None], tuple[Parameter, ...]] = lambda _: ()
    load: Callable[[Path], Any] | None = None
    save: Callable[[Path, Any], None] | None = None
    is_reported: bool = True

    def kept(self, comparison: Path) -> Any:
        """Return what is kept for a comparison's file; None where there is nothing that can be read."""
        if self.load:
            return self.load(comparison)
        return kept(comparison.with_suffix("") / f"{self.name}.json", kind=self.kind)

    def keep(self, comparison: Path, result: Any) -> None:
        """Keep a result for a comparison's file.

        Raises:
            RunError: the run folder cannot be written.
        """
        if self.save:
            self.save(comparison, result)
        else:
            keep(comparison.with_suffix(""), self.name, result, kind=self.kind)
