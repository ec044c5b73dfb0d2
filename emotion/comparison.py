"""Score samples of several species with one run, and say what the numbers are worth. Knows nothing of models."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from emotion.errors import PictureError, RunError
from emotion.labels import chance_level, emotion_meant
from emotion.pictures.folders import Picture, find_pictures
from emotion.pictures.sampling import draw_in_order
from emotion.runs import Run, write_json

SCHEMA = 1
Interval = tuple[float, float]
Score = Callable[[Sequence[Path]], Sequence[dict[str, float] | PictureError]]


@dataclass(frozen=True)
class ScoredPicture:
    """A picture, what it is said to show, and the probability of every class (0 to 1, sums to 1)."""

    picture: str
    sha256: str
    label: str
    scores: dict[str, float]

    @property
    def predicted(self) -> str:
        """The class with the highest probability."""
        return max(self.scores, key=self.scores.__getitem__)

    @property
    def correct_confidence(self) -> float:
        """The probability of the correct class."""
        return self.scores[self.label]

    @property
    def is_runner_up(self) -> bool:
        """Whether the correct class has the second-highest probability."""
        return sorted(self.scores, key=self.scores.__getitem__, reverse=True)[1] == self.label


@dataclass(frozen=True)
class SampleResult:
    """How one sample of one emotion and one species came out.

    ``accuracy`` is the share that top-1 has right, with a Wilson interval; ``correct_confidence`` is the mean
    probability of the correct class, with a Student-t interval clipped to [0, 1]; both intervals are 95 %.
    ``unreadable`` maps each picture that was drawn and cannot be read to one sentence; the next one took its place.
    """

    n: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    correct_confidence: float
    correct_confidence_interval: Interval
    runner_up: int
    predicted: dict[str, int]
    pictures: list[ScoredPicture]
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Samples of several sets, by set and emotion, scored by one run. ``size`` None means every picture."""

    run: str
    created: float
    seed: int
    size: int | None
    classes: list[str]
    precision: str
    folders: dict[str, str]
    sets: dict[str, dict[str, SampleResult]]

    @property
    def chance(self) -> float:
        """The accuracy, and the mean correct-class confidence, of an even guess."""
        return chance_level(len(self.classes))


def compare(
    score: Score,
    sets: Mapping[str, Path],
    *,
    run: Run,
    classes: Sequence[str],
    precision: str,
    emotion: str | None,
    size: int | None,
    seed: int,
    use_aliases: bool = False,
) -> Comparison:
    """Draw a sample of ``emotion`` (every class for None) from each set, score it, and sum it up.

    ``sets`` maps a name such as ``dog`` to a folder of class folders; ``score`` maps picture paths to
    probabilities by class, or to the error that says why a picture has none: the next one in the seeded order
    takes its place. With ``use_aliases``, class folders such as ``anger`` are read under the emotion's name.

    Raises:
        PictureError: a set or one of its classes is missing or too small, or too few of its pictures can be read.
    """
    wanted = list(classes) if emotion is None else [emotion]
    unknown = [label for label in wanted if label not in classes]
    if unknown:
        raise PictureError(f"The run knows no {unknown[0]!r}: choose one of {', '.join(classes)}.")
    # Drawn before anything is scored, so that a set that is too small costs nothing.
    draws: list[_Draw] = []
    # A run that was itself trained on `anger` meets it under that name.
    own = {emotion_meant(label): label for label in reversed(classes)} if use_aliases else {}
    for name, folder in sets.items():
        found = find_pictures(folder, use_aliases=use_aliases)
        pictures = [replace(picture, label=own.get(picture.label, picture.label)) for picture in found]
        for label in wanted:
            draws.append(_Draw(name, label, draw_in_order(pictures, label=label, size=size, seed=seed), size))
    # All samples at once, then as often as it takes the stand-ins of what could not be read.
    while due := [(draw, picture) for draw in draws for picture in draw.due()]:
        for (draw, picture), said in zip(due, score([picture.path for _, picture in due]), strict=True):
            draw.take(picture, said)
    results: dict[str, dict[str, SampleResult]] = {name: {} for name in sets}
    for draw in draws:
        draw.check()
        summary = summarise(draw.scored, classes=classes)
        results[draw.set_name][draw.label] = replace(summary, unreadable=draw.unreadable)
    folders = {name: str(Path(folder).absolute()) for name, folder in sets.items()}
    return Comparison(str(run.path), time.time(), seed, size, list(classes), precision, folders, results)


@dataclass
class _Draw:
    """A sample in the making: its class in the seeded order, and what became of the pictures looked at so far."""

    set_name: str
    label: str
    order: list[Picture]
    size: int | None
    scored: list[ScoredPicture] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def due(self) -> list[Picture]:
        """Return the pictures to look at next: as many as are missing, as long as there are any."""
        end = len(self.order) if self.size is None else self.size + len(self.unreadable)
        return self.order[len(self.scored) + len(self.unreadable) : end]

    def take(self, picture: Picture, said: dict[str, float] | PictureError) -> None:
        """Keep what was said of a picture."""
        path = str(picture.path.absolute())
        if isinstance(said, PictureError):
            self.unreadable[path] = str(said)
        else:
            self.scored.append(ScoredPicture(path, picture.sha256, self.label, said))

    def check(self) -> None:
        """See that the sample is as large as was asked.

        Raises:
            PictureError: too few pictures can be read.
        """
        readable = len(self.scored)
        if readable < (self.size or 1):
            raise PictureError(
                f"Only {readable} of the {len(self.order)} pictures of {self.label!r} in {self.set_name} can be read: "
                f"choose {'a smaller sample' if readable else 'another set'}, or save the others again."
            )


def summarise(pictures: Sequence[ScoredPicture], *, classes: Sequence[str]) -> SampleResult:
    """Sum up the scored pictures of one sample; ``predicted`` lists every class, also those never chosen."""
    said = Counter(picture.predicted for picture in pictures)
    correct = sum(picture.predicted == picture.label for picture in pictures)
    confidences = [picture.correct_confidence for picture in pictures]
    return SampleResult(
        n=len(pictures),
        correct=correct,
        accuracy=correct / len(pictures),
        accuracy_interval=wilson_interval(correct, len(pictures)),
        correct_confidence=sum(confidences) / len(confidences),
        correct_confidence_interval=mean_interval(confidences),
        runner_up=sum(picture.is_runner_up for picture in pictures),
        predicted={label: said[label] for label in classes},
        pictures=list(pictures),
    )


def wilson_interval(hits: int, n: int) -> Interval:
    """Return the 95 % Wilson score interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the 95 % Student-t interval of a mean of probabilities, clipped to [0, 1].

    A single value says nothing of its spread: its interval is [0, 1].
    """
    import numpy as np
    from scipy.stats import sem, t

    if len(values) < 2:
        return 0.0, 1.0
    mean = float(np.mean(values))
    reach = float(t.ppf(0.975, len(values) - 1) * sem(values))
    return max(0.0, mean - reach), min(1.0, mean + reach)


def save_comparison(comparison: Comparison, *, run: Run) -> Path:
    """Write a comparison into its run's folder and return the file.

    Raises:
        RunError: the run folder cannot be written.
    """
    path = run.comparisons / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 10**6:06d}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        write_json(path, {"schema": SCHEMA, **asdict(comparison)})
    except OSError as error:
        raise RunError(
            f"The comparison cannot be written to {path.parent} ({error.strerror}): free the disk."
        ) from error
    return path


def load_comparison(path: Path) -> Comparison:
    """Read a comparison that ``save_comparison`` wrote.

    Raises:
        RunError: the file is missing, torn or of another schema.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("schema") != SCHEMA:
            raise RunError(f"{path.name} was written by another version: compare again.")
        values["sets"] = {
            name: {label: _sample_result(result) for label, result in results.items()}
            for name, results in values["sets"].items()
        }
        return Comparison(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a comparison that can be read: compare again.") from error


def _sample_result(values: dict[str, Any]) -> SampleResult:
    pictures = [ScoredPicture(**picture) for picture in values.pop("pictures")]
    intervals = {name: (values[name][0], values[name][1]) for name in list(values) if name.endswith("_interval")}
    return SampleResult(**{**values, **intervals}, pictures=pictures)
