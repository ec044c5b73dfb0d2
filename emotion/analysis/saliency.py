"""Where a class's evidence lies: in one picture, or in one picture of each set of a comparison."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.analysis.blocks import Block, Explained
from emotion.analysis.comparison import Comparison
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import PictureError
from emotion.core.labels import EMOTIONS, colour_of_set
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture
from emotion.data.decoding import open_picture
from emotion.runs.run import Run


@dataclass(frozen=True)
class Explain:
    """Which parts of a picture speak for a class; ``label`` None is the class that the run says.

    ``picture`` is a file, or a file's content: a visitor's picture lies in no file any more when this is asked.
    """

    run: Run
    picture: Path | bytes
    label: str | None = None

    def carry_out(self, judge: Judge) -> Generator[Progress, None, Saliency]:
        """Return the map.

        Raises:
            PictureError: the picture cannot be read.
        """
        yield Progress(0, 1, "looking at the picture")
        picture = self.picture if isinstance(self.picture, Path) else open_picture(io.BytesIO(self.picture))
        label = self.label
        if label is None:
            [said] = judge.score([picture])
            if isinstance(said, PictureError):
                raise said
            label = max(said, key=said.__getitem__)
        return judge.explain(picture, label=label)


@dataclass(frozen=True)
class ExplainedPicture:
    """A picture of a set, and the map of its own class; of the class that was said too, where that is another."""

    set_name: str
    picture: ScoredPicture
    maps: tuple[Saliency, ...]


@dataclass(frozen=True)
class ExplainedSample:
    """One picture of each set: the ``number``-th from 1 of its sample of ``emotion``."""

    emotion: str
    number: int
    pictures: tuple[ExplainedPicture, ...]


def ask(
    judge: Judge, comparison: Comparison, *, emotion: str, number: float = 1
) -> Generator[Progress, None, ExplainedSample]:
    """Return where the evidence lies in the ``number``-th picture (from 1) of each set of a comparison.

    A probability in a map is that of the comparison. A set with fewer pictures is passed over.

    Raises:
        PictureError: no set has so many, or a picture is not there any more, or cannot be read.
    """
    place = int(number)
    chosen = pictures_at(comparison, emotion, place)
    if not chosen:
        raise PictureError(f"No set has a picture {place} of {emotion!r}: choose a smaller number.")
    found = []
    for done, (name, picture) in enumerate(chosen.items()):
        yield Progress(done, len(chosen), f"looking at picture {place} of {name}")
        labels = dict.fromkeys((picture.label, picture.predicted))
        maps = [judge.explain(Path(picture.picture), label=label) for label in labels]
        named = tuple(replace(each, confidence=picture.scores[each.label]) for each in maps)
        found.append(ExplainedPicture(name, picture, named))
    return ExplainedSample(emotion, place, tuple(found))


def pictures_at(comparison: Comparison, emotion: str, number: int) -> dict[str, ScoredPicture]:
    """Return the ``number``-th picture (from 1) of the sample of each set that has so many."""
    samples = {name: result.pictures for name, result in comparison.results(emotion).items()}
    return {name: pictures[number - 1] for name, pictures in samples.items() if 0 < number <= len(pictures)}


def blocks(result: ExplainedSample, comparison: Comparison) -> list[Block]:
    """Return a picture of each set beside its maps."""
    return [
        Explained(
            each.set_name,
            each.picture.picture,
            each.picture.predicted,
            tuple((found, _remark(found, each.picture)) for found in each.maps),
            colour_of_set(each.set_name),
        )
        for each in result.pictures
    ]


def _remark(saliency: Saliency, picture: ScoredPicture) -> str:
    if saliency.label != picture.label:
        return "what it said"
    return "correct, and what it said" if picture.predicted == picture.label else "correct"


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    emotions = comparison.emotions() if comparison else list(EMOTIONS)
    most = (
        max((each.n for by_label in comparison.sets.values() for each in by_label.values()), default=1)
        if comparison
        else 1
    )
    return (
        Parameter("emotion", "Pictures of", emotions[0], tuple((each, each) for each in emotions)),
        Parameter("number", "Picture of the sample", 1, high=most),
    )


STUDY = Study(
    "saliency",
    "Saliency",
    "Where in a person and in a dog does it find its evidence?",
    ExplainedSample,
    ask,
    blocks,
    _parameters,
    is_reported=False,
)
