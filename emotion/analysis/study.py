"""The shape of a study: a question to a trained run about a comparison, with parameters, a saved result and blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
    import numpy as np

    from emotion.inference.classifier import Classifier

R_co = TypeVar("R_co", covariant=True)
SCHEMA = 1
# The name of the pictures that the run was trained on, among those of sets.
LEARNT = "its training"


@dataclass(frozen=True)
class FeatureSet:
    """The readable pictures of a set, with their (N, F) features and (N,) class indices."""

    pictures: list[Picture]
    features: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Judge:
    """A run with its loaded checkpoint, and the operations that studies need."""

    run: Run
    classifier: Classifier

    @property
    def classes(self) -> list[str]:
        """The run's classes, in its order."""
        return self.classifier.classes

    def learnt(self) -> list[Picture]:
        """Return the pictures of the run's own set that are of its classes; PictureError if the set is gone."""
        config = self.run.config()
        found = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
        return [each for each in found if each.label in self.classes]

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        """Return (N, F) float32 features, cached or computed; a row of NaN for an unreadable picture.

        ``classifier.of_features`` on them is cheap, and differs from ``score`` by up to 0.05 in bfloat16.
        """
        from emotion.training.repeat import features_of_run

        return (yield from features_of_run(pictures, self.run, self.classifier))

    def feature_sets(
        self, sets: Mapping[str, Sequence[Picture]], *, is_untrained: bool = False
    ) -> Generator[Progress, None, dict[str, FeatureSet]]:
        """Return the features of several sets, from the run's backbone before its training if ``is_untrained``.

        Labels are classes of the run. Raises PictureError if none of a set's pictures can be read.
        """
        import numpy as np

        from emotion.training.repeat import features_of_backbone

        paths, found = [each.path for pictures in sets.values() for each in pictures], {}
        if is_untrained and self.run.config().depth != "head":
            rows = yield from features_of_backbone(paths, self.run.config())
        else:
            rows = yield from self.features(paths)
        for name, pictures in sets.items():
            own, rows = rows[: len(pictures)], rows[len(pictures) :]
            readable = np.flatnonzero(~np.isnan(own).any(1)).tolist()
            if not readable:
                raise PictureError(f"None of the pictures of {name} can be read any more: compare again.")
            kept = [pictures[place] for place in readable]
            found[name] = FeatureSet(kept, own[readable], np.array([self.classes.index(each.label) for each in kept]))
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
        """Check that a value may be chosen; ConfigError, which says what may be, if not."""
        names = [name for _, name in self.choices]
        if names and value not in names:
            raise ConfigError(f"{self.label} cannot be {value!r}: choose one of {', '.join(names)}.")
        if not names and (value is None or not self.low <= value <= self.high):
            raise ConfigError(f"{self.label} cannot be {value}: choose {self.low} to {self.high}.")


@dataclass(frozen=True)
class Study:
    """A question to a run about a comparison.

    ``ask`` takes the judge, the comparison and a value for each parameter, yields its progress and returns a frozen
    result of type ``kind``, which is saved next to the comparison as ``name``; ``blocks`` renders it, for reports too
    if ``is_reported``. With ``is_added`` a result is a dictionary that is added to the saved one. ``load`` and ``save``
    replace the file next to the comparison.
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
        write_json(file, {"schema": SCHEMA, **_adapter(kind).dump_python(result, mode="json")})
    except OSError as error:
        raise RunError(f"The result cannot be written to {file.parent} ({error.strerror}): free the disk.") from error


def load_result(file: Path, *, kind: Any) -> Any:
    """Return the result of type ``kind`` that ``save_result`` wrote; None if there is none that is readable."""
    try:
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return _adapter(kind).validate_python(values) if values.pop("schema") == SCHEMA else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@dataclass(frozen=True)
class Pool:
    """The usable pictures of a set, in the order of their paths.

    ``trained_on`` counts pictures left out because the run was trained on them, perhaps under another name.
    """

    pictures: list[Picture]
    trained_on: int


def pools(comparison: Comparison, run: Run, *, labels: Sequence[str]) -> Generator[Progress, None, dict[str, Pool]]:
    """Return the current pictures of each set in the given classes, without those the run was trained on.

    Raises PictureError if a set is gone, or none of its pictures can be used.
    """
    known, found = trained_on(run), {}
    for number, name in enumerate(comparison.sets):
        yield Progress(number, len(comparison.sets), f"listing the pictures of {name}")
        pictures = pictures_of(comparison, name, labels)
        twins = known.twins(pictures)
        usable = [picture for picture in pictures if picture.path not in twins]
        if not usable:
            raise PictureError(f"None of the {len(pictures)} pictures of {name} can be used: compare another set.")
        found[name] = Pool(usable, len(twins))
    return found


def pictures_of(comparison: Comparison, name: str, labels: Sequence[str]) -> list[Picture]:
    """Return a set's current pictures of some classes, read as the comparison read them; PictureError if it is gone."""
    mapping = comparison.mapping.get(name, {})
    pictures = find_pictures(Path(comparison.folders[name]))
    meant = [Picture(each.path, mapping.get(each.label, each.label) or "") for each in pictures]
    return [each for each in meant if each.label in labels]
