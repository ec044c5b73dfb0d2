"""Photographs in one click: data sets of the Hub that are known to fit, as a small balanced sample of each.

What is said of them here was read in public code and on their pages, and is not taken for true: what a data set itself
says of its columns and labels counts.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.labels import EMOTIONS, emotion_meant
from emotion.core.progress import Progress
from emotion.data.folders import Listing
from emotion.data.hub import Description, FromDataSet, describe
from emotion.data.limits import Limits

PER_CLASS, SEED = 150, 42


@dataclass(frozen=True)
class Source:
    """A data set of the Hub: its columns, and what is meant by labels that are no word for one of the emotions."""

    name: str
    label: str = "label"
    picture: str = "image"
    calls: Mapping[str, str] = field(default_factory=dict)

    def way(self, found: Description, *, per_class: int, seed: int) -> FromDataSet:
        """Return how it is brought in, by its own columns and labels where they are others than these."""
        label = self.label if self.label in found.labels else next(iter(found.labels), "")
        picture = self.picture if self.picture in found.picture_columns else next(iter(found.picture_columns), "")
        mapping = {theirs: self._called(theirs) for theirs in found.labels.get(label, ())}
        return FromDataSet(found, picture, label, mapping, seed=seed, per_class=per_class)

    def _called(self, theirs: str) -> str:
        meant = emotion_meant(theirs)
        return meant if meant in EMOTIONS else self.calls.get(theirs.casefold(), "")


@dataclass(frozen=True)
class PhotographSet:
    """A picture set that is put together from ``sources``; all but the first of them may be missing."""

    key: str
    title: str
    species: str
    holds: str
    licence: str
    sources: tuple[Source, ...]


PHOTOGRAPHS = (
    PhotographSet(
        "people", "People", "human",
        "Happy, sad and angry faces from RAF-DB (about 20,000 in all), tired ones from videos of drivers (42,000 "
        "frames). Tired comes from elsewhere, so a model may tell it by the kind of picture and not by the face.",
        "RAF-DB for research that is not commercial; none is given for the drivers",
        (
            Source("deanngkl/raf-db-7emotions", calls={"0": "angry", "3": "happy", "5": "sad"}),
            Source("akahana/Driver-Drowsiness-Dataset", calls={"0": "tired"}),
        ),
    ),
    PhotographSet(
        "dogs", "Dogs", "dog",
        "Happy, sad, angry and relaxed dogs (4,000, 162 MB): the data set of the report.",
        "creativeml-openrail-m",
        (
            Source(
                "Dewa/Dog_Emotion_Dataset_v2", label="emotion",
                calls={"0": "sad", "1": "angry", "2": "relaxed", "3": "happy", "relaxed": "relaxed"},
            ),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FromPhotographs:
    """A set of ``PHOTOGRAPHS`` as a way into a picture set: ``per_class`` of each class, drawn by ``seed``."""

    chosen: PhotographSet
    per_class: int = PER_CLASS
    seed: int = SEED

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Listing]:
        """Write the pictures of each source into class folders, and list all of them.
        Raises PictureError where the first source cannot be had; another one is noted as missing.
        """
        whole = Listing(work, {}, title=self.chosen.title, kind="data set")
        for number, source in enumerate(self.chosen.sources):
            folder = work / str(number)
            folder.mkdir()
            yield Progress(0, 0, f"asking what {source.name} holds")
            try:
                way = source.way(
                    describe(source.name, on_hub=True, limits=limits), per_class=self.per_class, seed=self.seed
                )
                part = yield from way.steps(folder, limits, use_aliases=use_aliases)
            except PictureError as error:
                if not number:
                    raise
                whole.notes.append(f"One part is missing. {error}")
                continue
            before = part.root.relative_to(work).as_posix()
            for label, names in part.files.items():
                whole.files.setdefault(label, []).extend(f"{before}/{name}" for name in names)
                whole.originals.update({f"{before}/{name}": f"{source.name}/{name}" for name in names})
            whole.left_out.extend(part.left_out)
            whole.notes.extend(part.notes)
        return whole
