"""Saliency: where the evidence for a class lies, in one picture or in one picture of each set of a comparison."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.analysis.blocks import Block, Explained
from emotion.analysis.comparison import Comparison
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import PictureError
from emotion.core.labels import EMOTIONS
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture
from emotion.data.decoding import open_picture
from emotion.runs.run import Run


@dataclass(frozen=True)
class Explain:
    """Explain which parts of a picture, given as a file's content, support a class."""

    run: Run
    picture: bytes
    label: str

    def carry_out(self, judge: Judge) -> Generator[Progress, None, Saliency]:
        """Return the map. Raises PictureError if the picture cannot be read."""
        yield Progress(0, 1, "looking at the picture")
        return judge.classifier.explain(open_picture(io.BytesIO(self.picture)), label=self.label)


@dataclass(frozen=True)
class ExplainedPicture:
    """A picture of a set, with the map of its correct class, and of the predicted class if that is another."""

    set_name: str
    picture: ScoredPicture
    maps: tuple[Saliency, ...]


@dataclass(frozen=True)
class ExplainedSample:
    """Picture ``number``, from 1, of each set's sample of an emotion."""

    emotion: str
    number: int
    pictures: tuple[ExplainedPicture, ...]


def ask(
    judge: Judge, comparison: Comparison, *, emotion: str, number: float = 1
) -> Generator[Progress, None, ExplainedSample]:
    """Return saliency maps of picture ``number`` (from 1) of each set that has as many.

    Probabilities are those of the comparison. Raises PictureError if no set has as many, or a picture is gone.
    """
    samples = {name: result.pictures for name, result in comparison.results(emotion).items()}
    chosen = {name: pictures[int(number) - 1] for name, pictures in samples.items() if number <= len(pictures)}
    if not chosen:
        raise PictureError(f"No set has a picture {number:g} of {emotion!r}: choose a smaller number.")
    found: list[ExplainedPicture] = []
    for name, picture in chosen.items():
        yield Progress(len(found), len(chosen), f"looking at picture {number:g} of {name}")
        labels = dict.fromkeys((picture.label, picture.predicted))
        maps = [judge.classifier.explain(Path(picture.picture), label=label) for label in labels]
        named = tuple(replace(each, confidence=picture.scores[each.label]) for each in maps)
        found.append(ExplainedPicture(name, picture, named))
    return ExplainedSample(emotion, int(number), tuple(found))


def blocks(result: ExplainedSample, comparison: Comparison) -> list[Block]:
    cards: list[Block] = []
    for each in result.pictures:
        label, said = each.picture.label, each.picture.predicted
        remarks = {said: "what it said", label: "correct, and what it said" if said == label else "correct"}
        maps = [(found, remarks[found.label]) for found in each.maps]
        cards.append(Explained(each.set_name, each.picture.picture, said, maps, comparison.colour(each.set_name)))
    return cards


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    emotions = comparison.emotions() if comparison else EMOTIONS
    sizes = [each.n for results in comparison.sets.values() for each in results.values()] if comparison else [1]
    return (
        Parameter("emotion", "Pictures of", emotions[0], tuple((each, each) for each in emotions)),
        Parameter("number", "Picture of the sample", 1, high=max(sizes)),
    )


STUDY = Study(
    "saliency", "Saliency", "Where in a person and in a dog does it find its evidence?", ExplainedSample, ask, blocks,
    _parameters, is_reported=False,
)  # fmt: skip
