"""Controls of a comparison: its pictures once more with something taken away, against what was said of them before."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from emotion.analysis import Comparison, ScoredPicture, load_comparison
from emotion.analysis.keeping import keep, kept
from emotion.analysis.paired import Change, change
from emotion.analysis.study import Judge
from emotion.core.errors import ConfigError, PictureError
from emotion.core.intervals import Interval, mean_interval
from emotion.core.progress import Progress
from emotion.data.controls import PICTURE_CONTROLS, PictureControl
from emotion.data.decoding import open_picture
from emotion.faces.controls import DRAWN_CONTROLS, DrawnControl, is_redrawable, redrawn
from emotion.runs.run import Run

# Of twice as many pixels a side all of a picture's looks are made; models take fewer.
SIDE = 512
KEPT_AS = "controls"
# Changed pictures in memory at a time; each is as large as its file decodes to.
CHUNK = 16


@dataclass(frozen=True)
class LabelControl:
    """The same scores held against labels that mean nothing."""

    name: str
    title: str
    asks: str


SHUFFLED = LabelControl(
    "shuffled",
    "Shuffled labels",
    "Held against labels by lot: what is left must be chance, or the measure is at fault.",
)
AnyControl = PictureControl | DrawnControl | LabelControl
CONTROLS: dict[str, AnyControl] = {**PICTURE_CONTROLS, SHUFFLED.name: SHUFFLED, **DRAWN_CONTROLS}


@dataclass(frozen=True)
class Measured:
    """Pictures of a set: how many, how many top-1 has right, the mean correct-class confidence with its interval."""

    n: int
    correct: int
    correct_confidence: float
    correct_confidence_interval: Interval


@dataclass(frozen=True)
class SetControl:
    """A set, its emotions pooled, before and under a control; ``left_out`` pictures cannot be read any more.

    ``change`` is of the correct-class confidence of the same pictures.
    """

    before: Measured
    after: Measured
    change: Change
    left_out: int = 0


@dataclass(frozen=True)
class ControlResult:
    """What a control of a comparison came to, by set."""

    name: str
    sets: dict[str, SetControl]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ControlResult:
        """Rebuild what ``to_json`` returned.

        Raises:
            KeyError, TypeError: it is something else.
        """
        return cls(values["name"], {name: _set_control(each) for name, each in values["sets"].items()})


@dataclass(frozen=True)
class Control:
    """Look at the pictures of a comparison under one control; ``comparison`` is the comparison's file."""

    run: Run
    comparison: str
    name: str

    def carry_out(self, judge: Judge) -> Generator[Progress, None, ControlResult]:
        """Change each picture, score it, and hold it against its score in the comparison.

        Raises:
            ConfigError: there is no such control.
            PictureError: pictures that are not drawn cannot be drawn again, or none of a set can be read any more.
            RunError: the comparison cannot be read.
        """
        control = find_control(self.name)
        comparison = load_comparison(Path(self.comparison))
        pictures = {name: comparison.pooled(name).pictures for name in comparison.sets}
        scored: Mapping[str, Sequence[ScoredPicture | None]]
        if isinstance(control, LabelControl):
            scored = {name: shuffled(each, comparison, name=name) for name, each in pictures.items()}
            yield Progress(1, 1, "dealing the labels anew")
        else:
            scored = yield from _looked_at(judge, control, pictures)
        sets = {name: _against(name, before, scored[name]) for name, before in pictures.items()}
        return ControlResult(self.name, sets)


def find_control(name: str) -> AnyControl:
    """Return the control of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in CONTROLS:
        raise ConfigError(f"There is no control {name!r}: choose one of {', '.join(CONTROLS)}.")
    return CONTROLS[name]


def offered(comparison: Comparison) -> list[AnyControl]:
    """Return the controls that its sets allow: all where every set was drawn, else those of any picture."""
    is_drawn = all(is_redrawable(folder) for folder in comparison.folders.values())
    return [control for control in CONTROLS.values() if is_drawn or not isinstance(control, DrawnControl)]


def shuffled(pictures: Sequence[ScoredPicture], comparison: Comparison, *, name: str) -> list[ScoredPicture]:
    """Return the pictures of a set under labels by lot, drawn by the comparison's seed.

    The labels of several emotions are permuted; where all pictures show one, each gets any class with equal chances,
    so that the expected mean of its probability is chance whatever the model says.
    """
    rng = random.Random(f"shuffled labels/{comparison.seed}/{name}")
    labels = [picture.label for picture in pictures]
    if len(set(labels)) > 1:
        rng.shuffle(labels)
    else:
        labels = rng.choices(comparison.classes, k=len(labels))
    return [
        ScoredPicture(picture.picture, picture.sha256, label, picture.scores)
        for picture, label in zip(pictures, labels, strict=True)
    ]


def keep_control(comparison: Path, result: ControlResult) -> None:
    """Keep a result beside the comparison's file, with the other controls and in place of an earlier look.

    Raises:
        RunError: the run folder cannot be written.
    """
    keep(comparison, KEPT_AS, {**(kept(comparison, KEPT_AS) or {}), result.name: result.to_json()})


def kept_controls(comparison: Path) -> dict[str, ControlResult]:
    """Return the results that are kept of a comparison, in the order of ``CONTROLS``."""
    values = kept(comparison, KEPT_AS) or {}
    found = {}
    for name in CONTROLS:
        try:
            found[name] = ControlResult.from_json(values[name])
        except (KeyError, TypeError, AttributeError):
            continue  # Not looked at yet, or written by another version.
    return found


def told_of_looks(results: Mapping[str, ControlResult]) -> tuple[int, int, int]:
    """Return how many changes were looked at, how many intervals leave 0 out, and how many still do when corrected.

    Corrected for their number at 5 % as ``analysis.difference.adjusted`` says. Shuffled labels are no finding.
    """
    from emotion.analysis.difference import adjusted

    changes = [
        each.change for name, result in results.items() if name != SHUFFLED.name for each in result.sets.values()
    ]
    left = sum(value < 0.05 for value in adjusted([each.p_value for each in changes]))
    return len(changes), sum(each.is_told for each in changes), left


def looks_sentence(results: Mapping[str, ControlResult]) -> str:
    """Say how much of what controls show luck alone would show; nothing of a single look."""
    looks, told, left = told_of_looks(results)
    if looks < 2:
        return ""
    return (
        f"That is {looks} looks, and one interval in twenty leaves 0 out by luck alone: {told} of {looks} do here, and "
        f"{left} still {'does' if left == 1 else 'do'} when corrected for their number (Benjamini and Yekutieli, 5 %). "
        "A covered or turned picture is also a strange one: a drop may come from that alone."
    )


def _looked_at(
    judge: Judge, control: PictureControl | DrawnControl, pictures: Mapping[str, Sequence[ScoredPicture]]
) -> Generator[Progress, None, dict[str, list[ScoredPicture | None]]]:
    """Return each picture with what is said of it under the control, None for what cannot be read any more."""
    todo = [(name, picture) for name, each in pictures.items() for picture in each]
    scored: dict[str, list[ScoredPicture | None]] = {name: [] for name in pictures}
    for start in range(0, len(todo), CHUNK):
        yield Progress(start, len(todo), f"{control.title}: looking at {len(todo)} pictures")
        chunk = todo[start : start + CHUNK]
        changed = [_changed(Path(picture.picture), control) for _, picture in chunk]
        said = iter(judge.score([each for each in changed if each is not None]))
        for (name, picture), image in zip(chunk, changed, strict=True):
            scores = None if image is None else next(said)
            scored[name].append(
                None
                if scores is None or isinstance(scores, PictureError)
                else ScoredPicture(picture.picture, picture.sha256, picture.label, scores)
            )
    return scored


def _changed(path: Path, control: PictureControl | DrawnControl) -> Image.Image | None:
    if isinstance(control, DrawnControl):
        return redrawn(path, control)
    try:
        return control.change(open_picture(path, side=SIDE))
    except PictureError:
        return None  # Moved since the comparison: it is counted and left out.


def _against(name: str, before: Sequence[ScoredPicture], after: Sequence[ScoredPicture | None]) -> SetControl:
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if other is not None]
    if not pairs:
        raise PictureError(f"None of the pictures of {name} can be read any more: compare again.")
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    moved = change([each.correct_confidence for each in first], [each.correct_confidence for each in second])
    return SetControl(_measured(first), _measured(second), moved, left_out=len(before) - len(pairs))


def _measured(pictures: Sequence[ScoredPicture]) -> Measured:
    confidences = [picture.correct_confidence for picture in pictures]
    correct = sum(picture.predicted == picture.label for picture in pictures)
    return Measured(len(pictures), correct, sum(confidences) / len(confidences), mean_interval(confidences))


def _set_control(values: Mapping[str, Any]) -> SetControl:
    before, after = (
        Measured(**{**values[when], "correct_confidence_interval": _pair(values[when]["correct_confidence_interval"])})
        for when in ("before", "after")
    )
    moved = Change(**{**values["change"], "interval": _pair(values["change"]["interval"])})
    return SetControl(before, after, moved, values["left_out"])


def _pair(values: Sequence[float]) -> Interval:
    return values[0], values[1]
