"""Where a class's evidence lies: in one picture, or in one picture of each set of a comparison."""

from __future__ import annotations

import io
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from emotion.analysis import Comparison, ScoredPicture
from emotion.analysis.keeping import keep, kept
from emotion.analysis.study import Judge
from emotion.core.errors import PictureError
from emotion.core.prediction import Saliency
from emotion.core.progress import Progress
from emotion.data.decoding import open_picture
from emotion.runs.run import Run

KEPT_AS = "saliency"


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

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ExplainedSample:
        """Return what ``to_json`` made plain values of."""
        pictures = tuple(
            ExplainedPicture(each["set_name"], ScoredPicture(**each["picture"]), tuple(map(_saliency, each["maps"])))
            for each in values["pictures"]
        )
        return cls(values["emotion"], values["number"], pictures)


@dataclass(frozen=True)
class ExplainSample:
    """Where the evidence lies in the ``number``-th picture (from 1) of each set of a comparison.

    A probability in a map is that of the comparison. A set with fewer pictures is passed over.
    """

    run: Run
    comparison: Comparison
    emotion: str
    number: int

    def carry_out(self, judge: Judge) -> Generator[Progress, None, ExplainedSample]:
        """Return the maps.

        Raises:
            PictureError: a picture is not there any more, or cannot be read.
        """
        chosen = pictures_at(self.comparison, self.emotion, self.number)
        found = []
        for done, (name, picture) in enumerate(chosen.items()):
            yield Progress(done, len(chosen), f"looking at picture {self.number} of {name}")
            labels = dict.fromkeys((picture.label, picture.predicted))
            maps = [judge.explain(Path(picture.picture), label=label) for label in labels]
            named = tuple(replace(each, confidence=picture.scores[each.label]) for each in maps)
            found.append(ExplainedPicture(name, picture, named))
        return ExplainedSample(self.emotion, self.number, tuple(found))


def pictures_at(comparison: Comparison, emotion: str, number: int) -> dict[str, ScoredPicture]:
    """Return the ``number``-th picture (from 1) of the sample of each set that has so many."""
    samples = {name: result.pictures for name, result in comparison.results(emotion).items()}
    return {name: pictures[number - 1] for name, pictures in samples.items() if 0 < number <= len(pictures)}


def keep_explained(comparison: Path, found: ExplainedSample) -> None:
    """Keep what was looked at last beside the comparison's file.

    Raises:
        RunError: the run folder cannot be written.
    """
    keep(comparison, KEPT_AS, found.to_json())


def kept_explained(comparison: Path) -> ExplainedSample | None:
    """Return what was looked at last; None where there is nothing, or nothing that can be read."""
    values = kept(comparison, KEPT_AS)
    try:
        return ExplainedSample.from_json(values) if values is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _saliency(values: Mapping[str, Any]) -> Saliency:
    left, top, right, bottom = values["box"]
    rows = tuple(tuple(float(value) for value in row) for row in values["values"])
    return Saliency(values["label"], values["confidence"], rows, (left, top, right, bottom))
