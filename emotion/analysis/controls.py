"""Controls of a comparison: its pictures judged again with something removed, against their original scores."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from emotion.analysis.blocks import Block, Dot, DotChart, Figure, Points, Table, Text, row
from emotion.analysis.comparison import Comparison
from emotion.analysis.statistics import Change, adjusted, change
from emotion.analysis.study import Judge, Parameter, Study, load_result, save_result
from emotion.core.errors import ConfigError, PictureError
from emotion.core.format import count, exact_percent, listed, percent
from emotion.core.intervals import Interval, mean_interval
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture
from emotion.data.controls import PICTURE_CONTROLS, PictureControl
from emotion.data.decoding import open_picture
from emotion.faces.controls import DRAWN_CONTROLS, DrawnControl, is_redrawable, redrawn

NAME, ALL = "controls", "all"
# A picture is decoded once for all views, at least twice this many pixels a side; models take fewer.
SIDE = 512
# Pictures in memory at a time, each under every control, at full decoded size.
CHUNK = 4


@dataclass(frozen=True)
class LabelControl:
    """A control that keeps the scores and replaces the labels by meaningless ones."""

    name: str
    title: str
    asks: str


SHUFFLED = LabelControl(
    "shuffled",
    "Shuffled labels",
    "Held against labels by lot: what is left must be chance, or the measure is at fault.",
)
Alteration = PictureControl | DrawnControl
CONTROLS: dict[str, Alteration | LabelControl] = {**PICTURE_CONTROLS, SHUFFLED.name: SHUFFLED, **DRAWN_CONTROLS}


@dataclass(frozen=True)
class Measured:
    """A set's pictures: their number, the number correct, and the mean correct-class confidence with its interval."""

    n: int
    correct: int
    correct_confidence: float
    correct_confidence_interval: Interval


@dataclass(frozen=True)
class SetControl:
    """A set, emotions pooled, before and under a control; ``left_out`` counts pictures that are no longer readable.

    ``change`` is the change of correct-class confidence over the same pictures.
    """

    before: Measured
    after: Measured
    change: Change
    left_out: int = 0


@dataclass(frozen=True)
class ControlResult:
    """The result of a control, by set."""

    name: str
    sets: dict[str, SetControl]


# By control name.
Results = dict[str, ControlResult]
Rows = Sequence[ScoredPicture | None]


def ask(judge: Judge, comparison: Comparison, *, name: str = ALL) -> Generator[Progress, None, Results]:
    """Apply one control, or all of them, to each picture, score it, and compare with its original score.

    Raises:
        ConfigError: there is no such control.
        PictureError: pictures that are not drawn cannot be redrawn, or no picture of a set can be read any more.
    """
    if name not in (ALL, *CONTROLS):
        raise ConfigError(f"There is no control {name!r}: choose one of {', '.join(CONTROLS)}.")
    chosen = offered(comparison) if name == ALL else [CONTROLS[name]]
    before = {each: comparison.pooled(each).pictures for each in comparison.sets}
    after: dict[str, Mapping[str, Rows]] = {}
    changes = [each for each in chosen if not isinstance(each, LabelControl)]
    if changes:
        after |= yield from _changed(judge, changes, before)
    if SHUFFLED in chosen:
        after[SHUFFLED.name] = {each: _shuffled(rows, comparison, name=each) for each, rows in before.items()}
    return {
        each.name: ControlResult(
            each.name, {of: _against(of, rows, after[each.name][of]) for of, rows in before.items()}
        )
        for each in chosen
    }


def offered(comparison: Comparison) -> list[Alteration | LabelControl]:
    """Return the controls that the sets allow: all if every set is drawn, else those of any picture."""
    is_drawn = all(is_redrawable(folder) for folder in comparison.folders.values())
    return [control for control in CONTROLS.values() if is_drawn or not isinstance(control, DrawnControl)]


def _changed(
    judge: Judge, changes: Sequence[Alteration], before: Mapping[str, Sequence[ScoredPicture]]
) -> Generator[Progress, None, dict[str, Mapping[str, Rows]]]:
    """Return each picture with its new scores, by control and set; None if it is no longer readable.

    A picture is decoded once for all controls.
    """
    todo = [(name, picture) for name, pictures in before.items() for picture in pictures]
    after: dict[str, dict[str, list[ScoredPicture | None]]] = {
        control.name: {name: [] for name in before} for control in changes
    }
    for start in range(0, len(todo), CHUNK):
        total = len(todo) * len(changes)
        yield Progress(start * len(changes), total, f"looking at {count(total, 'changed picture')}")
        chunk = todo[start : start + CHUNK]
        images = [image for _, picture in chunk for image in _images(Path(picture.picture), changes)]
        places = [(name, picture, after[control.name]) for name, picture in chunk for control in changes]
        for (name, picture, rows), said in zip(places, judge.classifier.score(images), strict=True):
            rows[name].append(None if isinstance(said, PictureError) else replace(picture, scores=said))
    return dict(after)


def _images(path: Path, changes: Sequence[Alteration]) -> list[Image.Image | Path]:
    """Return a picture under each control; for an unreadable picture, its path, which scoring will reject."""
    try:
        opened = open_picture(path, side=SIDE) if any(isinstance(each, PictureControl) for each in changes) else None
    except PictureError:
        opened = None
    return [
        redrawn(path, each) if isinstance(each, DrawnControl) else each.change(opened) if opened else path
        for each in changes
    ]


def _shuffled(pictures: Sequence[ScoredPicture], comparison: Comparison, *, name: str) -> list[ScoredPicture]:
    """Return a set's pictures with random labels, drawn by the comparison's seed.

    The labels of several emotions are permuted. If all pictures show one emotion, each gets a class drawn uniformly, so
    that the expected mean probability is chance, whatever the model predicts.
    """
    rng = random.Random(f"shuffled labels/{comparison.seed}/{name}")
    labels = [picture.label for picture in pictures]
    if len(set(labels)) > 1:
        rng.shuffle(labels)
    else:
        labels = rng.choices(comparison.classes, k=len(labels))
    return [replace(picture, label=label) for picture, label in zip(pictures, labels, strict=True)]


def _against(name: str, before: Sequence[ScoredPicture], after: Rows) -> SetControl:
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


def blocks(results: Results, comparison: Comparison) -> list[Block]:
    """Return the effect of each control on each set."""
    rows, dots = [], []
    for result in results.values():
        for name, each in result.sets.items():
            title, colour = f"{CONTROLS[result.name].title}, {name}", comparison.colour(name)
            gone = f", {count(each.left_out, 'picture')} gone by now" if each.left_out else ""
            before, after = (
                (exact_percent(at.correct_confidence), f"{at.correct} of {at.n}") for at in (each.before, each.after)
            )
            rows.append(row(title, before, (after[0], after[1] + gone), each.change.in_points(), colour=colour))
            if result.name != SHUFFLED.name:
                dots.append(Dot(title, each.change.mean, each.change.interval, colour))
    caption = "Mean correct-class confidence before and under each control"
    head = ("Before", "Under it", "Change in points")
    found: list[Block] = [
        Text("The same pictures, judged once more with something taken away: what it does not need, it does not miss."),
        Table(caption, "Control", head, rows),
    ]
    if dots:
        alt = "Change of the mean correct-class confidence under each control, with 95 % intervals; see the table."
        chart = DotChart(alt, "Change in percentage points", dots, None)
        found.append(Figure("What each control changes, with paired 95 % intervals.", [chart]))
    found.append(Points([f"{CONTROLS[name].title}. {CONTROLS[name].asks}" for name in results]))
    return found + [Text(note, "note") for note in (_looks(results), _held(results, comparison)) if note]


def _looks(results: Results) -> str:
    """Return how many changes chance alone could explain; shuffled labels do not count."""
    moved = [each.change for name, result in results.items() if name != SHUFFLED.name for each in result.sets.values()]
    if len(moved) < 2:
        return ""
    told, left = sum(each.is_told for each in moved), sum(p < 0.05 for p in adjusted([each.p_value for each in moved]))
    return (
        f"That is {len(moved)} looks, and one interval in twenty leaves 0 out by luck alone: {told} of {len(moved)} do "
        f"here, and {left} still {'does' if left == 1 else 'do'} when corrected for their number (Benjamini and "
        "Yekutieli, 5 %). A covered or turned picture is also a strange one: a drop may come from that alone."
    )


def _held(results: Results, comparison: Comparison) -> str:
    result = results.get(SHUFFLED.name)
    if result is None:
        return ""
    intervals = {name: each.after.correct_confidence_interval for name, each in result.sets.items()}
    outside = [name for name, (low, high) in intervals.items() if not low <= comparison.chance <= high]
    held = f"With labels by lot every set’s interval must hold the {percent(comparison.chance)} of chance"
    return f"{held}; {'those of ' + listed(outside) + ' do not' if outside else 'all do'}."


def _file(comparison: Path) -> Path:
    return comparison.with_suffix("") / f"{NAME}.json"


def _load(comparison: Path) -> Results | None:
    found: dict[str, Any] = load_result(_file(comparison), kind=Results) or {}
    return {name: found[name] for name in CONTROLS if name in found} or None


def _save(comparison: Path, results: Results) -> None:
    save_result(_file(comparison), {**(_load(comparison) or {}), **results}, kind=Results)


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    here = offered(comparison) if comparison else CONTROLS.values()
    choices = (("all of them", ALL), *((each.title, each.name) for each in here))
    return (Parameter("name", "Control", ALL, choices),)


STUDY = Study(
    NAME, "Controls", "What does it need to see? The same pictures with something taken away.", Results, ask, blocks,
    _parameters, _load, _save,
)  # fmt: skip
