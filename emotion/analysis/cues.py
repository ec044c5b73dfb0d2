"""Cue probes: move one parameter of drawn faces over its range and record a run's predictions."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from emotion.analysis.blocks import Block, Figure, Line, LineChart, Table, Text, row
from emotion.analysis.comparison import REFERENCE, Comparison, run_of
from emotion.analysis.findings import plural
from emotion.analysis.statistics import Change, change
from emotion.analysis.study import Judge, Parameter, Study, load_result, save_result
from emotion.core.format import capital, percent
from emotion.core.intervals import Interval, mean_interval
from emotion.core.labels import DRAWN_NOTE, chance_level, colour_of, in_order
from emotion.core.progress import Progress
from emotion.faces.cues import BASES, CUES, INDIVIDUALS, NEUTRAL_BASE, draw_cue, find_cue
from emotion.faces.cues import individuals as drawn_individuals
from emotion.runs.run import GUEST

FOLDER = "probes"
# A change below this share of the change on people counts as weak.
WEAK = 0.5
Verdict = Literal["moves", "not told", "nothing to carry", "turns round", "carries over", "carries over weakly"]
RULE = (
    "Carries over: the class that moves most on people moves the same way on the animals, told from no change by the "
    "95 % interval over the same individuals, not corrected for the number of lines. Weakly: less than half as far."
)
HEAD = ("Class that moves most", "At one end", "At the other", "Change in points", "Verdict", "Individuals")


@dataclass(frozen=True)
class SpeciesCurves:
    """Predictions for one species: by class, the mean probability at each value of the cue with its 95 % interval.

    ``swings`` gives for each class the change from the first to the last value, paired over individuals.
    """

    individuals: int
    means: dict[str, list[float]]
    intervals: dict[str, list[Interval]]
    swings: dict[str, Change]


@dataclass(frozen=True)
class CueCurves:
    """A cue's values and its curves by species, on a base such as "neutral"."""

    cue: str
    base: str
    values: list[float]
    classes: list[str]
    precision: str
    species: dict[str, SpeciesCurves]

    @property
    def leading(self) -> str:
        """The class that changes most on people, or on the first species if people lack the cue."""
        swings = self.species.get(REFERENCE, next(iter(self.species.values()))).swings
        return max(self.classes, key=lambda label: abs(swings[label].mean))

    def verdict(self, species: str) -> Verdict:
        """Return the verdict on the leading class's change on a species; see ``RULE``."""
        people, theirs = self.species.get(REFERENCE), self.species[species].swings[self.leading]
        if people is None or species == REFERENCE:
            return "moves" if theirs.is_told else "not told"
        ours = people.swings[self.leading]
        if not ours.is_told:
            return "nothing to carry"
        if not theirs.is_told:
            return "not told"
        if ours.mean * theirs.mean < 0:
            return "turns round"
        return "carries over" if abs(theirs.mean) >= WEAK * abs(ours.mean) else "carries over weakly"


# By cue name, newest first.
Probes = dict[str, CueCurves]


def ask(
    judge: Judge, comparison: Comparison, *, cue: str, base: str = NEUTRAL_BASE, individuals: float = INDIVIDUALS
) -> Generator[Progress, None, Probes]:
    """Score the drawn individuals of each species that has the cue, at each of the cue's values."""
    moved, classes = find_cue(cue), judge.classes
    sitters = [each for species in moved.species for each in drawn_individuals(species, int(individuals))]
    total = len(sitters) * len(moved.values)
    scores: dict[str, list[list[list[float]]]] = {species: [] for species in moved.species}
    for number, sitter in enumerate(sitters):
        yield Progress(number * len(moved.values), total, f"drawing and looking at {total} faces")
        said = judge.classifier.score(list(draw_cue(moved, base=base, individual=sitter)))
        scores[sitter.species].append([[each[label] for label in classes] for each in said if isinstance(each, dict)])
    curves = {species: _curves(np.array(each), classes) for species, each in scores.items()}
    return {cue: CueCurves(cue, base, list(moved.values), list(classes), judge.classifier.precision, curves)}


def _curves(scores: np.ndarray, classes: list[str]) -> SpeciesCurves:
    """Average (individuals, values, classes) probabilities over individuals."""
    columns = {label: scores[:, :, place].T.tolist() for place, label in enumerate(classes)}
    return SpeciesCurves(
        individuals=len(scores),
        means=dict(zip(classes, scores.mean(0).T.tolist(), strict=True)),
        intervals={label: [mean_interval(column) for column in each] for label, each in columns.items()},
        swings={label: change(each[0], each[-1]) for label, each in columns.items()},
    )


def blocks(probes: Probes, comparison: Comparison) -> list[Block]:
    rows = []
    for curves in probes.values():
        cue, label = find_cue(curves.cue), curves.leading
        base = "" if curves.base == NEUTRAL_BASE else f" on a face that is otherwise {curves.base}"
        for species, each in curves.species.items():
            first, *_, last = map(percent, each.means[label])
            cells = label, (first, cue.low), (last, cue.high), each.swings[label].in_points(), curves.verdict(species)
            title = f"{cue.title}{base}, {plural(species)}"
            rows.append(row(title, *cells, str(each.individuals), colour=colour_of(species)))
    return [
        Text(f"One part of drawn faces is moved from end to end while all else stands still. {DRAWN_NOTE}"),
        Table("What each cue moves", "Cue", HEAD, rows, note=RULE),
        _figure(next(iter(probes.values()))),
    ]


def _figure(curves: CueCurves) -> Figure:
    cue, charts, chance = find_cue(curves.cue), [], chance_level(len(curves.classes))
    for species, found in curves.species.items():
        lines = []
        for label in in_order(curves.classes):
            points = list(zip(curves.values, found.means[label], strict=True))
            intervals = found.intervals[label] if label == curves.leading else ()
            lines.append(Line(label, colour_of(label), points, intervals))
        who = plural(species)
        alt = f"Probability of each class on {who} as the cue moves; the numbers stand in the table."
        charts.append(LineChart(alt, f"{cue.low} … {cue.high}", capital(who), lines, chance, is_share=True))
    return Figure(f"{cue.title}: probability of each class. Bars: the 95 % interval of “{curves.leading}”.", charts)


def _folders(comparison: Path) -> list[Path]:
    """Return the folders with the probes of a comparison's run, the one for new probes last: guests have their own."""
    beside = [comparison.parent / FOLDER] if comparison.parent.name.startswith(GUEST) else []
    return [run_of(comparison).path / FOLDER, *beside]


def _load(comparison: Path) -> Probes | None:
    files = [file for folder in _folders(comparison) for file in folder.glob("*.json")]
    found = [load_result(file, kind=CueCurves) for file in sorted(files, key=lambda file: file.stat().st_mtime)]
    newest = {each.cue: each for each in found if each and each.cue in CUES}
    return dict(reversed(newest.items())) or None


def _save(comparison: Path, probes: Probes) -> None:
    # Probes belong to the run, so all of its comparisons share them.
    for name, curves in probes.items():
        save_result(_folders(comparison)[-1] / f"{name}.json", curves, kind=CueCurves)


def _parameters(comparison: Comparison | None) -> tuple[Parameter, ...]:
    return (
        Parameter("cue", "Cue", next(iter(CUES)), tuple((cue.title, name) for name, cue in CUES.items())),
        Parameter("base", "On a face that is otherwise", NEUTRAL_BASE, tuple((each, each) for each in BASES)),
        Parameter("individuals", "Individuals a species", INDIVIDUALS, high=20),
    )


STUDY = Study(
    "cues", "Cues", "Which part of a drawn face moves it, and does that carry over to animals?", Probes, ask, blocks,
    _parameters, _load, _save,
)  # fmt: skip
