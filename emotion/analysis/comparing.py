"""Draw seeded samples of several species and score them with one run."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emotion.analysis.comparison import Comparison
from emotion.analysis.study import Judge
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import emotion_meant, is_relaxed
from emotion.core.prediction import Prediction
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


def compare(judge: Judge, request: Request) -> Generator[Progress, None, Comparison]:
    """Draw the requested samples, score them, and summarise them.

    Unreadable pictures, and those that the run was trained on, are left out and replaced by the next ones in the seeded
    order.

    Raises:
        PictureError: a set or one of its classes is missing or too small, or too few of its pictures can be used.
    """
    classes, known = list(judge.classes), trained_on(judge.run)
    wanted = classes
    if request.emotion is not None:
        wanted = [label for label in classes if alike(label) == alike(request.emotion)]
        if not wanted:
            raise PictureError(f"The run knows no {request.emotion!r}: choose one of {', '.join(classes)}.")
    # All samples are drawn before scoring, so that a set that is too small fails early.
    draws: list[_Draw] = []
    mapping: dict[str, dict[str, str | None]] = {}
    notes: dict[str, list[str]] = {}
    for name, folder in request.sets.items():
        pictures, mapping[name], notes[name] = _read(folder, classes, request)
        for label in wanted:
            order = draw_in_order(pictures, label=label, size=request.size, seed=request.seed)
            draws.append(_Draw(name, label, order, request.size))
    # Score all samples, then substitutes of left-out pictures until none is missing.
    while due := [(draw, picture) for draw in draws for picture in draw.due()]:
        twins = known.twins([picture for draw, picture in due if not draw.is_trained_on])
        fresh = [(draw, picture) for draw, picture in due if not draw.leaves_out(picture, twins)]
        done = sum(len(draw.scored) + len(draw.unreadable) for draw in draws)
        for start in range(0, len(fresh), CHUNK):
            part, total = fresh[start : start + CHUNK], done + len(fresh)
            yield Progress(done + start, total, f"judging {count(total, 'picture')}")
            judged = judge.classifier.judge([picture.path for _, picture in part])
            for (draw, picture), said in zip(part, judged, strict=True):
                draw.take(picture, said)
    results: dict[str, dict[str, SampleResult]] = {name: {} for name in request.sets}
    for draw in draws:
        results[draw.set_name][draw.label] = draw.result(classes)
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
    written = {alike(label): label for label in classes}
    # A run trained on `anger` has that class name.
    own = {emotion_meant(label): label for label in reversed(classes)}

    def meant(name: str) -> str:
        # Names that differ only in case or Unicode form are the same.
        if alike(name) in written:
            return written[alike(name)]
        if request.relaxed_as_tired and is_relaxed(name):
            return own.get(RELAXED_MEANS, name)
        emotion = emotion_meant(name)
        return own.get(emotion, emotion) if request.use_aliases else name

    names = {picture.label: meant(picture.label) for picture in found}
    mapping = {name: label if label in classes else None for name, label in names.items()}
    return [replace(picture, label=names[picture.label]) for picture in found], mapping, listing.account()


@dataclass
class _Draw:
    """A class of a set: its pictures in seeded order, how many of them were taken, and what became of these."""

    set_name: str
    label: str
    order: list[Picture]
    size: int | None
    taken: int = 0
    scored: list[ScoredPicture] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    near_duplicates: dict[str, str] = field(default_factory=dict)
    is_trained_on: bool = False

    def due(self) -> list[Picture]:
        """Take the next pictures: as many as the sample still lacks, if there are as many."""
        if len(self.near_duplicates) == len(self.order):
            # A set of nothing but training pictures is judged all the same, with a warning.
            self.taken, self.near_duplicates, self.is_trained_on = 0, {}, True
        end = len(self.order) if self.size is None else self.taken + self.size - len(self.scored)
        due = self.order[self.taken : end]
        self.taken += len(due)
        return due

    def leaves_out(self, picture: Picture, twins: Mapping[Path, str]) -> bool:
        """Record a picture that was trained on, perhaps under another name, and return whether it was."""
        if picture.path not in twins:
            return False
        self.near_duplicates[str(picture.path.absolute())] = twins[picture.path]
        return True

    def take(self, picture: Picture, said: Prediction | PictureError) -> None:
        """Store a picture's prediction or error."""
        path = str(picture.path.absolute())
        if isinstance(said, PictureError):
            self.unreadable[path] = str(said)
        else:
            self.scored.append(ScoredPicture(path, picture.sha256, self.label, said.scores, said.is_unknown))

    def result(self, classes: list[str]) -> SampleResult:
        """Summarise the sample: smaller than requested if many were trained on; an error if too few are readable."""
        usable, remaining = len(self.scored), len(self.order) - len(self.near_duplicates)
        if usable < min(self.size or 1, remaining):
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
