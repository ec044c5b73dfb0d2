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
from emotion.analysis.study import GONE, Judge, Parameter, Study
from emotion.core.errors import PictureError
from emotion.core.format import count, exact_percent, listed, percent
from emotion.core.intervals import Interval, mean_interval
from emotion.core.progress import Progress
from emotion.core.scored import ScoredPicture
from emotion.data.controls import PICTURE_CONTROLS, PictureControl
from emotion.data.decoding import open_picture
from emotion.faces.controls import DRAWN_CONTROLS, DrawnControl, is_redrawable, redrawn

ALL = "all"
# A picture is decoded once for all views, at least twice this many pixels a side; models take fewer.
SIDE = 512
# Pictures in memory at a time, each under every control.
CHUNK = 4
SHUFFLED = PictureControl(
    "shuffled", "Shuffled labels",
    "Held against labels by lot: what is left must be chance, or the measure is at fault.", lambda picture: picture,
)  # fmt: skip
Control = PictureControl | DrawnControl
CONTROLS: dict[str, Control] = {**PICTURE_CONTROLS, SHUFFLED.name: SHUFFLED, **DRAWN_CONTROLS}


@dataclass(frozen=True)
class Measured:
    """A set's pictures: their number, the number correct, and the mean correct-class confidence with its interval."""

    n: int
    correct: int
    correct_confidence: float
    correct_confidence_interval: Interval

    @classmethod
    def of(cls, pictures: Sequence[ScoredPicture]) -> Measured:
        """Summarise scored pictures."""
        n, said = len(pictures), [each.correct_confidence for each in pictures]
        return cls(n, sum(each.predicted == each.label for each in pictures), sum(said) / n, mean_interval(said))


@dataclass(frozen=True)
class SetControl:
    """A set, emotions pooled, before and under a control, with the paired change of correct-class confidence.

    ``left_out`` counts pictures that are no longer readable.
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
    changes = [control for control in chosen if control != SHUFFLED]
    pictures = [(of, each) for of in comparison.sets for each in comparison.pooled(of).pictures]
    total = len(pictures) * len(changes)
    scored = {control.name: {of: list[ScoredPicture]() for of in comparison.sets} for control in chosen}
    for start in range(0, len(pictures) if changes else 0, CHUNK):
        yield Progress(start * len(changes), total, f"looking at {count(total, 'changed picture')}")
        chunk = pictures[start : start + CHUNK]
        said = judge.classifier.score([view for _, each in chunk for view in _views(Path(each.picture), changes)])
        for ((of, picture), control), scores in zip(product(chunk, changes), said, strict=True):
            if not isinstance(scores, PictureError):
                scored[control.name][of].append(replace(picture, scores=scores))
    if SHUFFLED in chosen:
        scored[SHUFFLED.name] = {of: _shuffled(comparison, of) for of in comparison.sets}
    return {
        control: ControlResult(control, {of: _against(comparison, of, after) for of, after in sets.items()})
        for control, sets in scored.items()
    }


def offered(comparison: Comparison) -> list[Control]:
    """Return the controls that the sets allow: all if every set is drawn, else those of any picture."""
    is_drawn = all(is_redrawable(folder) for folder in comparison.folders.values())
    return [control for control in CONTROLS.values() if is_drawn or not isinstance(control, DrawnControl)]


def _views(path: Path, changes: Sequence[Control]) -> list[Image.Image | Path]:
    """Return a picture under each control; for an unreadable picture, its path, which scoring will reject."""
    try:
        opened = open_picture(path, side=SIDE)
    except PictureError:
        return [path] * len(changes)
    return [redrawn(path, each) if isinstance(each, DrawnControl) else each.change(opened) for each in changes]


def _shuffled(comparison: Comparison, name: str) -> list[ScoredPicture]:
    """Return a set's pictures with random labels, drawn by the comparison's seed.

    The labels of several emotions are permuted. If all pictures show one emotion, each gets a class drawn uniformly, so
    that the expected mean probability is chance, whatever the model predicts.
    """
    pictures = comparison.pooled(name).pictures
    rng, labels = random.Random(f"shuffled labels/{comparison.seed}/{name}"), [each.label for each in pictures]
    if len(set(labels)) > 1:
        rng.shuffle(labels)
    else:
        labels = rng.choices(comparison.classes, k=len(labels))
    return [replace(picture, label=label) for picture, label in zip(pictures, labels, strict=True)]


def _against(comparison: Comparison, name: str, after: Sequence[ScoredPicture]) -> SetControl:
    if not after:
        raise PictureError(GONE.format(name))
    whole, readable = comparison.pooled(name).pictures, {each.picture for each in after}
    before = [each for each in whole if each.picture in readable]
    moved = change([each.correct_confidence for each in before], [each.correct_confidence for each in after])
    return SetControl(Measured.of(before), Measured.of(after), moved, len(whole) - len(after))


def blocks(results: Results, comparison: Comparison) -> list[Block]:
    made = [control for control in CONTROLS.values() if control.name in results]
    rows, dots, changes = [], [], []
    for control in made:
        for name, each in results[control.name].sets.items():
            title, colour = f"{control.title}, {name}", comparison.colour(name)
            gone = f", {count(each.left_out, 'picture')} gone by now" if each.left_out else ""
            before = exact_percent(each.before.correct_confidence), f"{each.before.correct} of {each.before.n}"
            after = exact_percent(each.after.correct_confidence), f"{each.after.correct} of {each.after.n}{gone}"
            rows.append(row(title, before, after, each.change.in_points(), colour=colour))
            if control != SHUFFLED:
                dots.append(Dot(title, each.change.mean, each.change.interval, colour))
                changes.append(each.change)
    head = ("Before", "Under it", "Change in points")
    found: list[Block] = [
        Text("The same pictures, judged once more with something taken away: what it does not need, it does not miss."),
        Table("Mean correct-class confidence before and under each control", "Control", head, rows),
        Points([f"{each.title}. {each.asks}" for each in made]),
    ]
    if dots:
        alt = "Change of the mean correct-class confidence under each control, with 95 % intervals; see the table."
        chart = DotChart(alt, "Change in percentage points", dots, None)
        found.insert(2, Figure("What each control changes, with paired 95 % intervals.", [chart]))
    if len(changes) > 1:
        told = sum(each.is_told for each in changes)
        left = sum(p < 0.05 for p in adjusted([each.p_value for each in changes]))
        note = (
            f"Of {len(changes)} changes {told} leave 0 out, as luck alone makes one in twenty do; {left} still when "
            "corrected for their number (Benjamini and Yekutieli, 5 %). A covered or turned picture is also a strange "
            "one: a drop may come from that alone."
        )
        found.append(Text(note, "note"))
    if SHUFFLED in made:
        chance = comparison.chance
        reach = {of: each.after.correct_confidence_interval for of, each in results[SHUFFLED.name].sets.items()}
        outside = [of for of, (low, high) in reach.items() if not low <= chance <= high]
        verdict = f"those of {listed(outside)} do not" if outside else "all do"
        held = f"With labels by lot every set’s interval must hold the {percent(chance)} of chance; {verdict}."
        found.append(Text(held, "note"))
    return found


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    here = offered(comparison) if comparison else CONTROLS.values()
    choices = (("all of them", ALL), *((each.title, each.name) for each in here))
    return (Parameter("name", "Control", ALL, choices),)


STUDY = Study(
    "controls", "Controls", "What does it need to see? The same pictures with something taken away.", Results, ask,
    blocks, _parameters, is_added=True,
)  # fmt: skip
