"""Controls of a comparison: its pictures judged again with something removed, against their original scores."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from PIL import Image

from emotion.analysis.blocks import Block, Dot, DotChart, Figure, Points, Table, Text, row
from emotion.analysis.comparison import Comparison
from emotion.analysis.statistics import Change, adjusted, change
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import PictureError
from emotion.core.format import count, exact_percent, listed, percent
from emotion.core.intervals import Interval
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture, summarise
from emotion.data.controls import PICTURE_CONTROLS, PictureControl
from emotion.data.decoding import open_picture
from emotion.faces.controls import DRAWN_CONTROLS, DrawnControl, is_redrawable, redrawn

ALL = "all"
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
# A picture as the comparison scored it, and under a control.
Pair = tuple[ScoredPicture, ScoredPicture]


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


def ask(judge: Judge, comparison: Comparison, *, name: str = ALL) -> Generator[Progress, None, Results]:
    """Apply one control, or all of them, to each picture, score it, and compare with its original score.

    Raises PictureError if no picture of a set can be read any more.
    """
    chosen = offered(comparison) if name == ALL else [CONTROLS[name]]
    changes = [each for each in chosen if not isinstance(each, LabelControl)]
    pictures = [(of, each) for of in comparison.sets for each in comparison.pooled(of).pictures]
    pairs: dict[tuple[str, str], list[Pair]] = {(each.name, of): [] for each in chosen for of in comparison.sets}
    total = len(pictures) * len(changes)
    for start in range(0, len(pictures) if changes else 0, CHUNK):
        yield Progress(start * len(changes), total, f"looking at {count(total, 'changed picture')}")
        chunk = pictures[start : start + CHUNK]
        images = [image for _, picture in chunk for image in _images(Path(picture.picture), changes)]
        scored = judge.classifier.score(images)
        for ((of, picture), control), scores in zip(product(chunk, changes), scored, strict=True):
            if not isinstance(scores, PictureError):
                pairs[control.name, of].append((picture, replace(picture, scores=scores)))
    if SHUFFLED in chosen:
        pairs |= {(SHUFFLED.name, of): _shuffled(comparison, of) for of in comparison.sets}
    return {
        each.name: ControlResult(
            each.name, {of: _against(of, pairs[each.name, of], comparison) for of in comparison.sets}
        )
        for each in chosen
    }


def offered(comparison: Comparison) -> list[Alteration | LabelControl]:
    """Return the controls that the sets allow: all if every set is drawn, else those of any picture."""
    is_drawn = all(is_redrawable(folder) for folder in comparison.folders.values())
    return [control for control in CONTROLS.values() if is_drawn or not isinstance(control, DrawnControl)]


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


def _shuffled(comparison: Comparison, name: str) -> list[Pair]:
    """Return a set's pictures with their own and with random labels, drawn by the comparison's seed.

    The labels of several emotions are permuted. If all pictures show one emotion, each gets a class drawn uniformly, so
    that the expected mean probability is chance, whatever the model predicts.
    """
    pictures = comparison.pooled(name).pictures
    rng = random.Random(f"shuffled labels/{comparison.seed}/{name}")
    labels = [picture.label for picture in pictures]
    if len(set(labels)) > 1:
        rng.shuffle(labels)
    else:
        labels = rng.choices(comparison.classes, k=len(labels))
    return [(picture, replace(picture, label=label)) for picture, label in zip(pictures, labels, strict=True)]


def _against(name: str, pairs: Sequence[Pair], comparison: Comparison) -> SetControl:
    if not pairs:
        raise PictureError(f"None of the pictures of {name} can be read any more: compare again.")
    found = [summarise(side, classes=comparison.classes) for side in zip(*pairs, strict=True)]
    before, after = (
        Measured(each.n, each.correct, each.correct_confidence, each.correct_confidence_interval) for each in found
    )
    moved = change(*([picture.correct_confidence for picture in each.pictures] for each in found))
    return SetControl(before, after, moved, left_out=comparison.pooled(name).n - len(pairs))


def blocks(results: Results, comparison: Comparison) -> list[Block]:
    """Return the effect of each control on each set."""
    rows, dots, changes = [], [], []
    for control in (each for each in CONTROLS.values() if each.name in results):
        for name, each in results[control.name].sets.items():
            title, colour = f"{control.title}, {name}", comparison.colour(name)
            gone = f", {count(each.left_out, 'picture')} gone by now" if each.left_out else ""
            before, after = (
                (exact_percent(at.correct_confidence), f"{at.correct} of {at.n}") for at in (each.before, each.after)
            )
            rows.append(row(title, before, (after[0], after[1] + gone), each.change.in_points(), colour=colour))
            if control != SHUFFLED:
                dots.append(Dot(title, each.change.mean, each.change.interval, colour))
                changes.append(each.change)
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
    found.append(Points([f"{each.title}. {each.asks}" for each in CONTROLS.values() if each.name in results]))
    if len(changes) > 1:
        found.append(Text(_how_many(changes), "note"))
    if SHUFFLED.name in results:
        found.append(Text(_held(results[SHUFFLED.name], comparison), "note"))
    return found


def _how_many(changes: Sequence[Change]) -> str:
    """Return how many changes chance alone could explain."""
    told = sum(each.is_told for each in changes)
    left = sum(p < 0.05 for p in adjusted([each.p_value for each in changes]))
    return (
        f"Of {len(changes)} changes {told} leave 0 out, as luck alone makes one in twenty do; {left} still when "
        "corrected for their number (Benjamini and Yekutieli, 5 %). A covered or turned picture is also a strange one: "
        "a drop may come from that alone."
    )


def _held(result: ControlResult, comparison: Comparison) -> str:
    """Return whether the measure is chance where the labels mean nothing."""
    intervals = {name: each.after.correct_confidence_interval for name, each in result.sets.items()}
    outside = [name for name, (low, high) in intervals.items() if not low <= comparison.chance <= high]
    held = f"With labels by lot every set’s interval must hold the {percent(comparison.chance)} of chance"
    return f"{held}; {'those of ' + listed(outside) + ' do not' if outside else 'all do'}."


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    here = offered(comparison) if comparison else CONTROLS.values()
    choices = (("all of them", ALL), *((each.title, each.name) for each in here))
    return (Parameter("name", "Control", ALL, choices),)


STUDY = Study(
    "controls", "Controls", "What does it need to see? The same pictures with something taken away.", Results, ask,
    blocks, _parameters, is_added=True,
)  # fmt: skip
