"""Photographs in one click: known data sets on the Hub, with a small balanced sample of each.

The labels here come from public code and the data sets' pages; if a data set declares others, those are used.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.labels import EMOTIONS, emotion_meant
from emotion.core.progress import Progress
from emotion.data.folders import Listing
from emotion.data.hub import FETCHED, FromDataSet, describe
from emotion.data.limits import Limits

PER_CLASS, SEED = 150, 42


@dataclass(frozen=True)
class PhotographSet:
    """A picture set made from data sets on the Hub; all ``sources`` except the first may be missing.

    Each source maps labels that do not name an emotion to the class that they mean.
    """

    key: str
    title: str
    species: str
    holds: str
    licence: str
    sources: Mapping[str, Mapping[str, str]]


PHOTOGRAPHS = (
    PhotographSet(
        "people", "People", "human",
        "Happy, sad and angry faces from RAF-DB (about 20,000 in all), tired ones from videos of drivers (42,000 "
        "frames). Tired comes from elsewhere, so a model may tell it by the kind of picture and not by the face.",
        "RAF-DB for research that is not commercial; none is given for the drivers",
        {
            "deanngkl/raf-db-7emotions": {"0": "angry", "3": "happy", "5": "sad"},
            "akahana/Driver-Drowsiness-Dataset": {"0": "tired"},
        },
    ),
    PhotographSet(
        "dogs", "Dogs", "dog",
        "Happy, sad, angry and relaxed dogs (4,000, 162 MB): the data set of the report.",
        "creativeml-openrail-m",
        {
            "Dewa/Dog_Emotion_Dataset_v2": {
                "0": "sad", "1": "angry", "2": "relaxed", "3": "happy", "relaxed": "relaxed",
            },
        },
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FromPhotographs:
    """A set of ``PHOTOGRAPHS`` as a source: ``per_class`` pictures of each class, drawn by ``SEED``."""

    chosen: PhotographSet
    per_class: int = PER_CLASS

    def steps(self, work: Path, limits: Limits) -> Generator[Progress, None, Listing]:
        """Write the pictures of each source into a folder, and list all of them.
        Raises PictureError where the first source is unavailable; another one is noted as missing.
        """
        whole = Listing(work / FETCHED, {}, title=self.chosen.title, kind="data set")
        for name, meanings in self.chosen.sources.items():
            yield Progress(0, 0, f"asking what {name} holds")
            try:
                found = describe(name, on_hub=True, limits=limits)
                # The likeliest column; labels that mean no emotion are left out.
                labels = next(iter(found.labels.values()), {})
                calls = {each: meanings.get(each.casefold(), "") for each in labels}
                calls |= {each: emotion_meant(each) for each in labels if emotion_meant(each) in EMOTIONS}
                way = FromDataSet(found, mapping=calls, seed=SEED, per_class=self.per_class)
                part = yield from way.steps(work, limits)
            except PictureError as error:
                if name == next(iter(self.chosen.sources)):
                    raise
                whole.notes.append(f"One part is missing. {error}")
                continue
            for label, files in part.files.items():
                whole.files.setdefault(label, []).extend(f"{name}/{file}" for file in files)
            whole.left_out.extend(part.left_out)
            whole.notes.extend(part.notes)
        return whole
