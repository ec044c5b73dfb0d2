"""A cue probe: one parameter of drawn faces moved over its range, and what a run makes of each face."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from emotion.analysis.blocks import Block, Cell, Figure, Guide, Line, LineChart, Points, Row, Table, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.controls import change_cell
from emotion.analysis.kept import keep, kept, run_of
from emotion.analysis.statistics import Change, change
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import PictureError
from emotion.core.format import listed, percent
from emotion.core.intervals import Interval, mean_interval
from emotion.core.labels import DRAWN_NOTE, chance_level, colour_of, in_order
from emotion.core.progress import Progress
from emotion.faces.cues import BASES, CUES, INDIVIDUALS, NEUTRAL_BASE, Cue, base_of, draw_cue, find_cue
from emotion.faces.cues import individuals as drawn_individuals
from emotion.faces.faces_set import Drawing

FOLDER = "probes"
LEARNT_FROM = "human"
ON = {"human": "people", "dog": "dogs", "cat": "cats"}
# Less than this share of how far people move is a weak likeness.
WEAK = 0.5
Verdict = Literal["moves", "not told", "nothing to carry", "turns round", "carries over", "carries over weakly"]
RULE = (
    "Carries over: the class that moves most on people, from end to end, moves the same way on the animals, and the "
    "95 % interval of that change over the same individuals leaves 0 out. Weakly: less than half as far."
)


@dataclass(frozen=True)
class SpeciesCurves:
    """What is said of one species: by class, the mean probability at each value of the cue with its 95 % interval.

    ``swings`` is by class how far the probability moves from the first to the last value, paired over individuals.
    """

    individuals: int
    means: dict[str, list[float]]
    intervals: dict[str, list[Interval]]
    swings: dict[str, Change]


@dataclass(frozen=True)
class CueCurves:
    """A cue at its values, on a base such as "neutral", by species."""

    cue: str
    base: str
    values: list[float]
    classes: list[str]
    precision: str
    species: dict[str, SpeciesCurves]

    @property
    def leading(self) -> str:
        """The class that moves most on people, or on the first species where people have no such cue."""
        swings = self.species.get(LEARNT_FROM, next(iter(self.species.values()))).swings
        return max(self.classes, key=lambda label: abs(swings[label].mean))

    def verdict(self, species: str) -> Verdict:
        """Return what the change of the leading class on a species amounts to; see ``RULE``."""
        ours, theirs = self._of_people(), self.species[species].swings[self.leading]
        if ours is None or species == LEARNT_FROM:
            return "moves" if theirs.is_told else "not told"
        if not ours.is_told:
            return "nothing to carry"
        if not theirs.is_told:
            return "not told"
        if ours.mean * theirs.mean < 0:
            return "turns round"
        return "carries over" if abs(theirs.mean) >= WEAK * abs(ours.mean) else "carries over weakly"

    def _of_people(self) -> Change | None:
        people = self.species.get(LEARNT_FROM)
        return people.swings[self.leading] if people else None


# By the cue's name, the newest first.
Probes = dict[str, CueCurves]


def ask(
    judge: Judge,
    comparison: Comparison,
    *,
    cue: str,
    base: str = NEUTRAL_BASE,
    individuals: float = INDIVIDUALS,
) -> Generator[Progress, None, Probes]:
    """Show a run the drawn individuals of each species that has the cue, with the cue at each of its values.

    The next individual is drawn while one is scored.

    Raises:
        ConfigError: there is no such cue or base.
    """
    moved = find_cue(cue)
    # A wrong base is refused before anything is drawn.
    base_of(base, species=moved.species[0])
    sitters = [each for species in moved.species for each in drawn_individuals(species, int(individuals))]
    total = len(sitters) * len(moved.values)
    scores: dict[str, list[list[dict[str, float]]]] = {species: [] for species in moved.species}
    with ThreadPoolExecutor(max_workers=1) as pool:
        drawn = [pool.submit(_faces, moved, base, sitter) for sitter in sitters]
        try:
            for number, (sitter, faces) in enumerate(zip(sitters, drawn, strict=True)):
                yield Progress(number * len(moved.values), total, f"drawing and looking at {total} faces")
                scores[sitter.species].append(_scores(judge, faces.result()))
        finally:
            for faces in drawn:
                faces.cancel()
    curves = {species: _curves(each, judge.classes) for species, each in scores.items()}
    return {cue: CueCurves(cue, base, list(moved.values), list(judge.classes), judge.precision, curves)}


def sentence_of(curves: CueCurves) -> str:
    """Say what the cue does on each species, from the numbers alone."""
    cue, label = find_cue(curves.cue), curves.leading
    moves = [
        f"from {percent(each.means[label][0])} to {percent(each.means[label][-1])} on {ON[species]} "
        f"({change_in_points(each.swings[label])})"
        for species, each in curves.species.items()
    ]
    face = "" if curves.base == NEUTRAL_BASE else f" on a face that is otherwise {curves.base}"
    said = f"{cue.title}{face}, from {cue.low} to {cue.high}: “{label}” goes {listed(moves)}."
    if LEARNT_FROM not in curves.species:
        return f"{said} People have no such cue."
    if curves.verdict(LEARNT_FROM) == "not told":
        return f"{said} On people that cannot be told from no change, so there is nothing to carry over."
    animals = [species for species in curves.species if species != LEARNT_FROM]
    alike = {verdict: [ON[each] for each in animals if curves.verdict(each) == verdict] for verdict in _SAID}
    return " ".join([said, *(_SAID[verdict].format(listed(who)) for verdict, who in alike.items() if who)])


_SAID: dict[Verdict, str] = {
    "carries over": "It carries over to {}.",
    "carries over weakly": "It carries over weakly to {}.",
    "turns round": "It turns round on {}.",
    "not told": "On {} it cannot be told from no change.",
}


def change_in_points(moved: Change) -> str:
    """Return a change with its interval in percentage points: +32 points, 95 % 20 to 44."""
    mean, interval = moved.in_points()
    return f"{mean} point{'' if mean[1:] == '1' else 's'}, 95 % {interval}"


def _faces(cue: Cue, base: str, sitter: Drawing) -> list[Image.Image]:
    return list(draw_cue(cue, base=base, individual=sitter))


def _scores(judge: Judge, faces: Sequence[Image.Image]) -> list[dict[str, float]]:
    scores = []
    for said in judge.score(faces):
        if isinstance(said, PictureError):
            raise said
        scores.append(dict(said))
    return scores


def _curves(scores: Sequence[Sequence[Mapping[str, float]]], classes: Sequence[str]) -> SpeciesCurves:
    """Sum up probabilities by individual and value."""
    by_class = {label: [[each[label] for each in series] for series in scores] for label in classes}
    columns = {label: list(zip(*rows, strict=True)) for label, rows in by_class.items()}
    return SpeciesCurves(
        individuals=len(scores),
        means={label: [sum(column) / len(column) for column in each] for label, each in columns.items()},
        intervals={label: [mean_interval(column) for column in each] for label, each in columns.items()},
        swings={label: change(each[0], each[-1]) for label, each in columns.items()},
    )


def blocks(probes: Probes, comparison: Comparison) -> list[Block]:
    """Return what each cue that was probed moves, and whether that carries over; curves of the newest one."""
    rows = []
    for curves in probes.values():
        label = curves.leading
        base = "" if curves.base == NEUTRAL_BASE else f", otherwise {curves.base}"
        for species, each in curves.species.items():
            cells = (
                Cell(label),
                Cell(percent(each.means[label][0])),
                Cell(percent(each.means[label][-1])),
                change_cell(each.swings[label]),
                Cell(curves.verdict(species)),
                Cell(str(each.individuals)),
            )
            rows.append(Row(f"{find_cue(curves.cue).title}{base}, {ON[species]}", cells, colour=colour_of(species)))
    head = ("Class that moves most", "At one end", "At the other", "Change in points", "Verdict", "Individuals")
    newest = next(iter(probes.values()))
    return [
        Text(f"One part of drawn faces is moved from end to end while all else stands still. {DRAWN_NOTE}"),
        Points(tuple((sentence_of(curves), "") for curves in probes.values())),
        _figure(newest),
        Table("What each cue moves", "Cue", head, tuple(rows)),
        Text(
            f"{RULE} Each line is a look of its own, at a class that was chosen after looking; the intervals are not "
            "corrected.",
            "note",
        ),
    ]


def _figure(curves: CueCurves) -> Figure:
    cue, charts = find_cue(curves.cue), []
    for species, found in curves.species.items():
        lines = tuple(
            Line(
                label,
                colour_of(label),
                tuple(zip(curves.values, found.means[label], strict=True)),
                tuple(found.intervals[label]) if label == curves.leading else (),
            )
            for label in in_order(list(curves.classes))
        )
        charts.append(
            LineChart(
                alt=f"Probability of each class on {ON[species]} as the cue moves; the numbers stand in the table.",
                x_axis=f"{cue.low} … {cue.high}",
                y_axis=ON[species].capitalize(),
                lines=lines,
                guide=Guide(chance_level(len(curves.classes)), "chance"),
                is_share=True,
            )
        )
    return Figure(
        f"{cue.title}: probability of each class. Bars: the 95 % interval of “{curves.leading}”.", tuple(charts)
    )


def _load(comparison: Path) -> Probes | None:
    files = sorted((run_of(comparison).path / FOLDER).glob("*.json"), key=lambda file: -file.stat().st_mtime)
    found = [kept(file, kind=CueCurves) for file in files]
    return {each.cue: each for each in found if each and each.cue in CUES} or None


def _save(comparison: Path, probes: Probes) -> None:
    # It tells of the run and not of the comparison: every comparison of the run has it.
    for name, curves in probes.items():
        keep(run_of(comparison).path / FOLDER, name, curves, kind=CueCurves)


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
