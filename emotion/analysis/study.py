"""The shape of a study: a question to a trained run about a comparison, with parameters, a saved result and blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from pydantic import TypeAdapter

from emotion.analysis.blocks import Block
from emotion.analysis.comparison import Comparison
from emotion.core.errors import ConfigError, PictureError, RunError
from emotion.core.files import write_json
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.runs.run import Run
from emotion.training.shipped import trained_on

if TYPE_CHECKING:
    from emotion.inference.classifier import Classifier

R_co = TypeVar("R_co", covariant=True)
SCHEMA = 1
LEARNT = "its training"  # the name of the run's own pictures, among those of sets
GONE = "None of the pictures of {} can be read any more: compare again."


@dataclass(frozen=True)
class FeatureSet:
    """The readable pictures of a set, with their (N, F) float32 features and (N,) class indices."""

    pictures: list[Picture]
    features: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Judge:
    """A run with its loaded checkpoint."""

    run: Run
    classifier: Classifier

    @property
    def classes(self) -> list[str]:
        return self.classifier.classes

    def learnt(self) -> list[Picture]:
        """Return the pictures of the run's own set that are of its classes; PictureError if the set is gone."""
        config = self.run.config()
        found = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
        return [each for each in found if each.label in self.classes]

    def features(
        self, sets: Mapping[str, Sequence[Picture]], *, is_untrained: bool = False
    ) -> Generator[Progress, None, dict[str, FeatureSet]]:
        """Return the features of several sets, from the run's backbone before its training if ``is_untrained``.

        Labels are classes of the run. ``classifier.of_features`` on the features is cheap, and differs from ``score``
        by up to 0.05 in bfloat16. Raises PictureError if none of a set's pictures can be read.
        """
        from emotion.training.repeat import features_of_backbone, features_of_run

        paths, config = [each.path for pictures in sets.values() for each in pictures], self.run.config()
        if is_untrained and config.depth != "head":
            rows = yield from features_of_backbone(paths, config)
        else:
            rows = yield from features_of_run(paths, self.run, self.classifier)
        found = {}
        for name, pictures in sets.items():
            own, rows = rows[: len(pictures)], rows[len(pictures) :]
            is_readable = ~np.isnan(own).any(1)
            if not is_readable.any():
                raise PictureError(GONE.format(name))
            kept = list(compress(pictures, is_readable))
            truth = np.array([self.classes.index(each.label) for each in kept])
            found[name] = FeatureSet(kept, own[is_readable], truth)
        return found


class Task(Protocol[R_co]):
    """A task for a run, sent to another process: a frozen dataclass of plain values."""

    @property
    def run(self) -> Run:
        """The run that carries it out."""

    def carry_out(self, judge: Judge) -> Generator[Progress, None, R_co]:
        """Yield the progress and return the answer; EmotionError, which says what to do, if there is none."""


@dataclass(frozen=True)
class Parameter:
    """A study's parameter: one of some ``choices``, as title and value, or a whole number in a range."""

    name: str
    label: str
    default: Any
    choices: tuple[tuple[str, Any], ...] = ()
    low: int = 1
    high: int = 1

    def check(self, value: Any) -> None:
        """Raise ConfigError, which says what may be chosen, for any other value."""
        names = [name for _, name in self.choices]
        is_offered = value in names if names else value is not None and self.low <= value <= self.high
        if not is_offered:
            offer = f"one of {', '.join(names)}" if names else f"{self.low} to {self.high}"
            raise ConfigError(f"{self.label} cannot be {value!r}: choose {offer}.")


@dataclass(frozen=True)
class Study:
    """A question to a run about a comparison.

    ``ask`` takes the judge, the comparison and a value for each parameter, yields its progress and returns a frozen
    result of type ``kind``, which is saved next to the comparison as ``name``; ``blocks`` renders it, for reports too
    if ``is_reported``. With ``is_added`` a result is a dictionary that is added to the saved one. ``load`` and ``save``
    replace the file.
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
    is_added: bool = False
    is_reported: bool = True

    def kept(self, comparison: Path) -> Any:
        """Return the saved result for a comparison's file; None if there is none that is readable."""
        return self.load(comparison) if self.load else load_result(self._file(comparison), kind=self.kind)

    def keep(self, comparison: Path, result: Any) -> None:
        """Save a result for a comparison's file; RunError if the run folder cannot be written."""
        if self.save:
            self.save(comparison, result)
        else:
            whole = {**(self.kept(comparison) or {}), **result} if self.is_added else result
            save_result(self._file(comparison), whole, kind=self.kind)

    def _file(self, comparison: Path) -> Path:
        return comparison.with_suffix("") / f"{self.name}.json"


def save_result(file: Path, result: Any, *, kind: Any) -> None:
    """Write a result of type ``kind`` whole or not at all; RunError if it cannot be written."""
    try:
        file.parent.mkdir(exist_ok=True)
        write_json(file, {"schema": SCHEMA, **TypeAdapter(kind).dump_python(result, mode="json")})
    except OSError as error:
        raise RunError(f"The result cannot be written to {file.parent} ({error.strerror}): free the disk.") from error


def load_result(file: Path, *, kind: Any) -> Any:
    """Return the result of type ``kind`` that ``save_result`` wrote; None if there is none that is readable."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return TypeAdapter(kind).validate_python(values) if values.pop("schema") == SCHEMA else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def pictures_of(comparison: Comparison, labels: Sequence[str]) -> dict[str, list[Picture]]:
    """Return each set's pictures of some classes, read as the comparison read them; PictureError if a set is gone."""
    found = {}
    for name in comparison.sets:
        mapping = comparison.mapping.get(name, {})
        pictures = find_pictures(Path(comparison.folders[name]))
        meant = [Picture(each.path, mapping.get(each.label, each.label) or "") for each in pictures]
        found[name] = [each for each in meant if each.label in labels]
    return found


def unseen(run: Run, sets: Mapping[str, list[Picture]]) -> Generator[Progress, None, dict[str, list[Picture]]]:
    """Return the pictures that a run was not trained on, nor on near-duplicates; PictureError if a set has none."""
    known, found = trained_on(run), {}
    for number, (name, pictures) in enumerate(sets.items()):
        yield Progress(number, len(sets), f"listing the pictures of {name}")
        twins = known.twins(pictures)
        found[name] = [each for each in pictures if each.path not in twins]
        if not found[name]:
            raise PictureError(f"None of the {len(pictures)} pictures of {name} can be used: compare another set.")
    return found
