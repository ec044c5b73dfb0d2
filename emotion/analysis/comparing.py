"""Draw seeded samples of several species and score them with one run."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from emotion.analysis.comparison import Comparison
from emotion.analysis.study import Judge
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import emotion_meant, is_relaxed
from emotion.core.progress import Progress
from emotion.core.scored import SampleResult, ScoredPicture, summarise
from emotion.data.folders import Picture, list_folder
from emotion.data.names import alike
from emotion.data.sampling import draw_in_order
from emotion.training.shipped import trained_on

# Pictures between two reports of progress: whole batches of the classifier.
CHUNK = 16
RELAXED_MEANS = "tired"


@dataclass(frozen=True)
class Request:
    """A comparison to be made: ``sets`` maps a name such as ``dog`` to a folder of class folders.

    ``emotion`` None means every class, ``size`` None every picture. With ``use_aliases``, class folders such as
    ``anger`` are read under the emotion's name; with ``relaxed_as_tired``, ``relaxed`` is read as ``tired``: a stopgap
    for animal sets without tired pictures, since the two differ.
    """

    sets: Mapping[str, Path]
    emotion: str | None = None
    size: int | None = 20
    seed: int = 42
    use_aliases: bool = False
    relaxed_as_tired: bool = False


@dataclass
class _Sample:
    """One class of a set: its pictures in seeded order, those still to be drawn, and what became of the others."""

    set_name: str
    label: str
    order: list[Picture]
    size: int
    waiting: Iterator[Picture]
    scored: list[ScoredPicture] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    near_duplicates: dict[str, str] = field(default_factory=dict)
    is_trained_on: bool = False

    def due(self) -> list[Picture]:
        """Draw as many pictures as the sample still lacks, or as there are."""
        if len(self.near_duplicates) == len(self.order):
            # A set of nothing but training pictures is judged all the same, with a warning.
            self.waiting, self.near_duplicates, self.is_trained_on = iter(self.order), {}, True
        return list(islice(self.waiting, self.size - len(self.scored)))

    def result(self, classes: Sequence[str], *, least: int) -> SampleResult:
        """Summarise the sample; PictureError if fewer than ``least`` pictures, or all that are left, can be read."""
        usable, remaining = len(self.scored), len(self.order) - len(self.near_duplicates)
        if usable < min(least, remaining):
            raise PictureError(
                f"Only {usable} of the {remaining} pictures of {self.label!r} in {self.set_name} can be read: "
                f"choose {'a smaller sample' if usable else 'another set'}, or save the others again."
            )
        return replace(
            summarise(self.scored, classes=classes),
            unreadable=self.unreadable,
            near_duplicates=self.near_duplicates,
            is_trained_on=self.is_trained_on,
        )


def compare(judge: Judge, request: Request) -> Generator[Progress, None, Comparison]:
    """Draw the requested samples, score them, and summarise them.

    Unreadable pictures, and those that the run was trained on, are left out and replaced by the next ones in the seeded
    order.

    Raises:
        PictureError: a set or one of its classes is missing or too small, or too few of its pictures can be used.
    """
    classes, known = list(judge.classes), trained_on(judge.run)
    wanted = [label for label in classes if request.emotion is None or alike(label) == alike(request.emotion)]
    if not wanted:
        raise PictureError(f"The run knows no {request.emotion!r}: choose one of {', '.join(classes)}.")
    # All samples are drawn before scoring, so that a set that is too small fails early.
    samples: list[_Sample] = []
    mapping: dict[str, dict[str, str | None]] = {}
    notes: dict[str, list[str]] = {}
    for name, folder in request.sets.items():
        pictures, mapping[name], notes[name] = _read(folder, classes, request)
        for label in wanted:
            order = draw_in_order(pictures, label=label, size=request.size, seed=request.seed)
            size = len(order) if request.size is None else request.size
            samples.append(_Sample(name, label, order, size, iter(order)))
    # Score all samples, then substitutes of left-out pictures until none is missing.
    while due := [(sample, picture) for sample in samples for picture in sample.due()]:
        twins = known.twins([picture for sample, picture in due if not sample.is_trained_on])
        for sample, picture in due:
            if picture.path in twins:
                sample.near_duplicates[str(picture.path.absolute())] = twins[picture.path]
        fresh = [(sample, picture) for sample, picture in due if picture.path not in twins]
        done = sum(len(sample.scored) + len(sample.unreadable) for sample in samples)
        for start in range(0, len(fresh), CHUNK):
            part, total = fresh[start : start + CHUNK], done + len(fresh)
            yield Progress(done + start, total, f"judging {count(total, 'picture')}")
            judged = judge.classifier.judge([picture.path for _, picture in part])
            for (sample, picture), said in zip(part, judged, strict=True):
                path = str(picture.path.absolute())
                if isinstance(said, PictureError):
                    sample.unreadable[path] = str(said)
                else:
                    row = ScoredPicture(path, picture.sha256, sample.label, said.scores, said.is_unknown)
                    sample.scored.append(row)
    results: dict[str, dict[str, SampleResult]] = {name: {} for name in request.sets}
    for sample in samples:
        results[sample.set_name][sample.label] = sample.result(classes, least=request.size or 1)
    return Comparison(
        run=str(judge.run.path),
        created=time.time(),
        seed=request.seed,
        size=request.size,
        classes=classes,
        precision=judge.classifier.precision,
        folders={name: str(Path(folder).absolute()) for name, folder in request.sets.items()},
        sets=results,
        emotion=None if request.emotion is None else wanted[0],
        use_aliases=request.use_aliases,
        relaxed_as_tired=request.relaxed_as_tired,
        mapping=mapping,
        checked=known.checked,
        notes=notes,
    )


def _read(
    folder: Path, classes: Sequence[str], request: Request
) -> tuple[list[Picture], dict[str, str | None], list[str]]:
    """Return a set's pictures under the run's class names, the class each folder was read as, and notes."""
    listing = list_folder(Path(folder).resolve())
    found = listing.pictures()
    # Names that differ only in case or Unicode form are the same.
    written = {alike(label): label for label in classes}
    # A run trained on `anger` has that class name.
    own = {emotion_meant(label): label for label in reversed(classes)}

    def meant(name: str) -> str:
        if alike(name) in written:
            return written[alike(name)]
        if request.relaxed_as_tired and is_relaxed(name):
            return own.get(RELAXED_MEANS, name)
        emotion = emotion_meant(name)
        return own.get(emotion, emotion) if request.use_aliases else name

    names = {picture.label: meant(picture.label) for picture in found}
    mapping = {name: label if label in classes else None for name, label in names.items()}
    return [replace(picture, label=names[picture.label]) for picture in found], mapping, listing.account()
