"""Draw samples of several species and score them with one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from emotion.analysis.drawing import Draw
from emotion.analysis.statistics import Area, Difference, adjusted, area_of, difference
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import chance_level, emotion_meant, is_relaxed
from emotion.core.progress import Progress
from emotion.core.scored import SampleResult, summarise
from emotion.data.folders import Picture, list_folder
from emotion.data.names import alike
from emotion.data.sampling import draw_in_order
from emotion.runs.run import Run

Score = Callable[[Sequence[Path]], Sequence[dict[str, float] | PictureError]]
# Which of some pictures, by path, were trained on, and under which path.
FindTwins = Callable[[Sequence[Picture]], Mapping[Path, str]]
# Pictures between two looks at how far it is: whole batches of the classifier.
CHUNK = 16
RELAXED_MEANS, REFERENCE = "tired", "human"


@dataclass(frozen=True)
class Request:
    """What is to be compared: ``sets`` maps a name such as ``dog`` to a folder of class folders.

    ``emotion`` None means every class, ``size`` None every picture. With ``use_aliases``, class folders such as
    ``anger`` are read under the emotion's name; with ``relaxed_as_tired``, ``relaxed`` is read as ``tired``, which it
    is not: a stopgap for sets of animals that have no tired ones.
    """

    sets: Mapping[str, Path]
    emotion: str | None = None
    size: int | None = 20
    seed: int = 42
    use_aliases: bool = False
    relaxed_as_tired: bool = False


@dataclass(frozen=True)
class Gap:
    """The mean correct-class confidence of ``reference`` minus that of ``other``, for one emotion or all (None).

    ``sizes`` are the numbers of pictures; ``adjusted_p_value`` is corrected for all gaps of the comparison of its kind.
    """

    reference: str
    other: str
    emotion: str | None
    sizes: tuple[int, int]
    difference: Difference
    adjusted_p_value: float


@dataclass(frozen=True)
class Comparison:
    """Samples of several sets, by set and emotion, scored by one run.

    ``mapping`` says for each set which of the run's classes each of its class folders was read as, None for a folder
    that was not used. ``checked`` is how many pictures of the training set the samples were held against for
    near-duplicates. ``notes`` are sentences on how each set's folder was read and what of it was left out.
    """

    run: str
    created: float
    seed: int
    size: int | None
    classes: list[str]
    precision: str
    folders: dict[str, str]
    sets: dict[str, dict[str, SampleResult]]
    emotion: str | None = None
    use_aliases: bool = False
    relaxed_as_tired: bool = False
    mapping: dict[str, dict[str, str | None]] = field(default_factory=dict)
    checked: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """The accuracy, and the mean correct-class confidence, of an even guess."""
        return chance_level(len(self.classes))

    def emotions(self) -> list[str]:
        """Return the emotions that were compared, in the classes' order."""
        return [label for label in self.classes if any(label in results for results in self.sets.values())]

    @cached_property
    def gaps(self) -> list[Gap]:
        """How far the sets lie apart, for each emotion, and for all where there are several; computed once."""
        emotions = self.emotions()
        asked: list[str | None] = [*emotions, None] if len(emotions) > 1 else [*emotions]
        results = {emotion: self.results(emotion) for emotion in asked}
        return find_gaps(results, reference=first_of_people(self.sets), seed=self.seed)

    @cached_property
    def ranking(self) -> dict[tuple[str, str], Area]:
        """How well each emotion of each set is ranked above the set's others; nothing for a set of one emotion."""
        found = {}
        for name in self.sets:
            pictures = self.pooled(name).pictures
            for label in self.sets[name] if len(self.sets[name]) > 1 else ():
                scores = np.array([each.scores[label] for each in pictures])
                found[name, label] = area_of(scores, np.array([each.label == label for each in pictures]), self.seed)
        return found

    def pooled(self, name: str) -> SampleResult:
        """Return what all samples of a set amount to together."""
        return self._pooled[name]

    @cached_property
    def _pooled(self) -> dict[str, SampleResult]:
        return {name: self._together(results.values()) for name, results in self.sets.items()}

    def _together(self, parts: Collection[SampleResult]) -> SampleResult:
        whole = summarise([picture for part in parts for picture in part.pictures], classes=self.classes)
        return replace(
            whole,
            unreadable={path: why for part in parts for path, why in part.unreadable.items()},
            near_duplicates={path: twin for part in parts for path, twin in part.near_duplicates.items()},
            is_trained_on=any(part.is_trained_on for part in parts),
        )

    def results(self, emotion: str | None) -> dict[str, SampleResult]:
        """Return the results of one emotion by set, or of all of them together for None."""
        if emotion is None:
            return {name: self.pooled(name) for name in self.sets}
        return {name: results[emotion] for name, results in self.sets.items() if emotion in results}


def no_twins(pictures: Sequence[Picture]) -> Mapping[Path, str]:
    """Say that none of the pictures was trained on."""
    return {}


def compare(
    score: Score,
    request: Request,
    *,
    run: Run,
    classes: Sequence[str],
    precision: str,
    find_twins: FindTwins = no_twins,
    checked: int = 0,
) -> Generator[Progress, None, Comparison]:
    """Draw the samples that are asked for, score them, and sum them up.

    ``score`` maps picture paths to probabilities by class, or to the error that says why a picture has none. What
    cannot be read, and what ``find_twins`` finds among the ``checked`` training pictures, is left out: the next one in
    the seeded order takes its place.

    Raises:
        PictureError: a set or one of its classes is missing or too small, or too few of its pictures can be used.
    """
    wanted = list(classes)
    if request.emotion is not None:
        wanted = [label for label in classes if alike(label) == alike(request.emotion)]
        if not wanted:
            raise PictureError(f"The run knows no {request.emotion!r}: choose one of {', '.join(classes)}.")
        request = replace(request, emotion=wanted[0])
    # Drawn before anything is scored, so that a set that is too small costs nothing.
    draws: list[Draw] = []
    mapping: dict[str, dict[str, str | None]] = {}
    notes: dict[str, list[str]] = {}
    for name, folder in request.sets.items():
        pictures, mapping[name], notes[name] = _read(folder, classes, request)
        for label in wanted:
            order = draw_in_order(pictures, label=label, size=request.size, seed=request.seed)
            draws.append(Draw(name, label, order, request.size))
    # All samples at once, then as often as it takes the stand-ins of what is left out.
    while due := [(draw, picture) for draw in draws for picture in draw.due()]:
        twins = find_twins([picture for _, picture in due])
        before = sum(len(draw.near_duplicates) for draw in draws)
        for draw in draws:
            if not draw.is_trained_on:
                draw.leave_out(twins)
        if sum(len(draw.near_duplicates) for draw in draws) != before:
            continue
        settled = sum(len(draw.scored) + len(draw.unreadable) for draw in draws)
        for start in range(0, len(due), CHUNK):
            part = due[start : start + CHUNK]
            yield Progress(settled + start, settled + len(due), f"judging {count(settled + len(due), 'picture')}")
            for (draw, picture), said in zip(part, score([picture.path for _, picture in part]), strict=True):
                draw.take(picture, said)
    results: dict[str, dict[str, SampleResult]] = {name: {} for name in request.sets}
    for draw in draws:
        results[draw.set_name][draw.label] = draw.result(list(classes))
    return Comparison(
        run=str(run.path),
        created=time.time(),
        seed=request.seed,
        size=request.size,
        classes=list(classes),
        precision=precision,
        folders={name: str(Path(folder).absolute()) for name, folder in request.sets.items()},
        sets=results,
        emotion=request.emotion,
        use_aliases=request.use_aliases,
        relaxed_as_tired=request.relaxed_as_tired,
        mapping=mapping,
        checked=checked,
        notes=notes,
    )


def _read(
    folder: Path, classes: Sequence[str], request: Request
) -> tuple[list[Picture], dict[str, str | None], list[str]]:
    """Return a set's pictures under the run's class names, which folder was read as which class, and notes."""
    listing = list_folder(Path(folder).resolve())
    found = listing.pictures()
    written = {alike(label): label for label in classes}
    # A run that was itself trained on `anger` meets it under that name.
    own = {emotion_meant(label): label for label in reversed(classes)}

    def meant(name: str) -> str:
        # Names that differ only in case or form are one.
        if alike(name) in written:
            return written[alike(name)]
        if request.relaxed_as_tired and is_relaxed(name):
            return own.get(RELAXED_MEANS, name)
        emotion = emotion_meant(name) if request.use_aliases else name
        return own.get(emotion, emotion) if request.use_aliases else name

    names = {picture.label: meant(picture.label) for picture in found}
    mapping = {name: label if label in classes else None for name, label in names.items()}
    return [replace(picture, label=names[picture.label]) for picture in found], mapping, listing.account()


def first_of_people(names: Collection[str]) -> str:
    """Return the set that the others are held against: the first of people, else the first."""
    return next((name for name in names if name.startswith(REFERENCE)), next(iter(names)))


def find_gaps(results: Mapping[str | None, Mapping[str, SampleResult]], *, reference: str, seed: int) -> list[Gap]:
    """Return the gap between ``reference`` and each other set, by emotion; None stands for all emotions together.

    P-values are corrected over the emotions and sets, and over the sets where all emotions are taken together.
    """
    each = [gap for emotion in results if emotion for gap in _gaps(results[emotion], emotion, reference, seed)]
    together = _gaps(results[None], None, reference, seed) if None in results else []
    return _corrected(each) + _corrected(together)


def _gaps(results: Mapping[str, SampleResult], emotion: str | None, reference: str, seed: int) -> list[Gap]:
    found = []
    for other in results:
        if other == reference or reference not in results:
            continue
        first, second = ([each.correct_confidence for each in results[name].pictures] for name in (reference, other))
        against = difference(first, second, seed=seed)
        if against is not None:
            found.append(Gap(reference, other, emotion, (len(first), len(second)), against, against.p_value))
    return found


def _corrected(found: list[Gap]) -> list[Gap]:
    values = adjusted([gap.difference.p_value for gap in found])
    return [replace(gap, adjusted_p_value=value) for gap, value in zip(found, values, strict=True)]
