"""Controls of a comparison: its pictures once more with something taken away, against what was said of them before."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from emotion.analysis.blocks import Block, Cell, Dot, DotChart, Figure, Guide, Points, Row, Table, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.kept import keep, kept
from emotion.analysis.statistics import Change, adjusted, change
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import ConfigError, PictureError
from emotion.core.format import count, exact_percent, listed, percent, points
from emotion.core.intervals import Interval, mean_interval
from emotion.core.labels import colour_of_set
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture
from emotion.data.controls import PICTURE_CONTROLS, PictureControl
from emotion.data.decoding import open_picture
from emotion.faces.controls import DRAWN_CONTROLS, DrawnControl, is_redrawable, redrawn

NAME, ALL = "controls", "all"
# Of twice as many pixels a side all of a picture's views are made; models take fewer.
SIDE = 512
# Pictures in memory at a time, each under every control; each is as large as its file decodes to.
CHUNK = 4


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


# By the control's name.
Results = dict[str, ControlResult]


def ask(judge: Judge, comparison: Comparison, *, name: str = ALL) -> Generator[Progress, None, Results]:
    """Change each picture as a control says, or as each of them does, score it, and hold it against its own score.

    A picture is decoded once for all of them.

    Raises:
        ConfigError: there is no such control.
        PictureError: pictures that are not drawn cannot be drawn again, or none of a set can be read any more.
    """
    chosen = offered(comparison) if name == ALL else [find_control(name)]
    before = {each: comparison.pooled(each).pictures for each in comparison.sets}
    changes = [each for each in chosen if not isinstance(each, LabelControl)]
    after = yield from _looked_at(judge, changes, before)
    if SHUFFLED in chosen:
        after[SHUFFLED.name] = {each: [*shuffled(rows, comparison, name=each)] for each, rows in before.items()}
    return {
        each.name: ControlResult(
            each.name, {of: _against(of, rows, after[each.name][of]) for of, rows in before.items()}
        )
        for each in chosen
    }


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


def looks_sentence(results: Results) -> str:
    """Say how much of what controls show luck alone would show; nothing of a single look.

    Corrected for their number at 5 % as ``statistics.adjusted`` says. Shuffled labels are no finding.
    """
    moved = [each.change for name, result in results.items() if name != SHUFFLED.name for each in result.sets.values()]
    if len(moved) < 2:
        return ""
    told, left = sum(each.is_told for each in moved), sum(p < 0.05 for p in adjusted([each.p_value for each in moved]))
    return (
        f"That is {len(moved)} looks, and one interval in twenty leaves 0 out by luck alone: {told} of {len(moved)} do "
        f"here, and {left} still {'does' if left == 1 else 'do'} when corrected for their number (Benjamini and "
        "Yekutieli, 5 %). A covered or turned picture is also a strange one: a drop may come from that alone."
    )


def blocks(results: Results, comparison: Comparison) -> list[Block]:
    """Return what each control takes away, and how far that moves each set."""
    rows, dots = [], []
    for result in results.values():
        title = CONTROLS[result.name].title
        for name, each in result.sets.items():
            gone = f", {count(each.left_out, 'picture')} gone by now" if each.left_out else ""
            cells = (
                Cell(exact_percent(each.before.correct_confidence), f"{each.before.correct} of {each.before.n}"),
                Cell(exact_percent(each.after.correct_confidence), f"{each.after.correct} of {each.after.n}{gone}"),
                change_cell(each.change),
            )
            rows.append(Row(f"{title}, {name}", cells, colour=colour_of_set(name)))
            if result.name != SHUFFLED.name:
                dots.append(Dot(f"{title}, {name}", each.change.mean, each.change.interval, colour_of_set(name)))
    caption = "Mean correct-class confidence before and under each control"
    found: list[Block] = [
        Text("The same pictures, judged once more with something taken away. What a model does not need, it does not "
             "miss."),
        Table(caption, "Control", ("Before", "Under it", "Change in points"), tuple(rows)),
    ]  # fmt: skip
    if dots:
        chart = DotChart(
            alt="Change of the mean correct-class confidence under each control, with 95 % intervals; numbers in the "
            "table.",
            axis="Change in percentage points", dots=tuple(dots), guide=Guide(0.0, "no change"), is_change=True,
        )  # fmt: skip
        found.append(Figure("What each control changes, with paired 95 % intervals.", (chart,)))
    found.append(Points(tuple((f"{CONTROLS[name].title}. {CONTROLS[name].asks}", "") for name in results)))
    notes = [looks_sentence(results), _held(results, comparison)]
    return found + [Text(note, "note") for note in notes if note]


def change_cell(moved: Change) -> Cell:
    """Return a change in percentage points with its interval."""
    return Cell(points(moved.mean), f"{points(moved.interval[0])} to {points(moved.interval[1])}")


def _held(results: Results, comparison: Comparison) -> str:
    result = results.get(SHUFFLED.name)
    if result is None:
        return ""
    intervals = {name: each.after.correct_confidence_interval for name, each in result.sets.items()}
    outside = [name for name, (low, high) in intervals.items() if not low <= comparison.chance <= high]
    held = f"With labels by lot every set’s interval must hold the {percent(comparison.chance)} of chance"
    return f"{held}; {'those of ' + listed(outside) + ' do not' if outside else 'all do'}."


def _looked_at(
    judge: Judge, changes: Sequence[PictureControl | DrawnControl], before: Mapping[str, Sequence[ScoredPicture]]
) -> Generator[Progress, None, dict[str, dict[str, list[ScoredPicture | None]]]]:
    """Return by control and set each picture with what is said of it, None for what cannot be read any more."""
    todo = [(name, picture) for name, each in before.items() for picture in each] if changes else []
    after: dict[str, dict[str, list[ScoredPicture | None]]] = {
        control.name: {name: [] for name in before} for control in changes
    }
    for start in range(0, len(todo), CHUNK):
        total = len(todo) * len(changes)
        yield Progress(start * len(changes), total, f"looking at {count(total, 'changed picture')}")
        chunk = todo[start : start + CHUNK]
        changed = [(name, picture, each) for name, picture in chunk for each in _changed(picture, changes)]
        said = iter(judge.score([image for *_, (_, image) in changed if image is not None]))
        for name, picture, (control, image) in changed:
            scores = None if image is None else next(said)
            is_read = scores is not None and not isinstance(scores, PictureError)
            row = ScoredPicture(picture.picture, picture.sha256, picture.label, dict(scores)) if is_read else None  # type: ignore[arg-type]
            after[control][name].append(row)
    return after


def _changed(
    picture: ScoredPicture, changes: Sequence[PictureControl | DrawnControl]
) -> list[tuple[str, Image.Image | None]]:
    path = Path(picture.picture)
    try:
        opened = open_picture(path, side=SIDE) if any(isinstance(each, PictureControl) for each in changes) else None
    except PictureError:
        opened = None  # Moved since the comparison: it is counted and left out.
    return [
        (each.name, redrawn(path, each) if isinstance(each, DrawnControl) else each.change(opened) if opened else None)
        for each in changes
    ]


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


def _load(comparison: Path) -> Results | None:
    found: dict[str, Any] = kept(comparison.with_suffix("") / f"{NAME}.json", kind=Results) or {}
    return {name: found[name] for name in CONTROLS if name in found} or None


def _save(comparison: Path, results: Results) -> None:
    keep(comparison.with_suffix(""), NAME, {**(_load(comparison) or {}), **results}, kind=Results)


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    here = offered(comparison) if comparison else list(CONTROLS.values())
    choices = (("all of them", ALL), *((each.title, each.name) for each in here))
    return (Parameter("name", "Control", ALL, choices),)


STUDY = Study(
    NAME, "Controls", "What does it need to see? The same pictures with something taken away.", Results, ask, blocks,
    _parameters, _load, _save,
)  # fmt: skip
