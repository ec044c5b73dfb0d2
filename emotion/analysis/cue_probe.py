"""A cue probe: one parameter of drawn faces moved over its range, and what a run makes of each face."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

from PIL import Image

from emotion.analysis.paired import Change, change
from emotion.analysis.study import Judge
from emotion.core.errors import PictureError, RunError
from emotion.core.files import write_json
from emotion.core.format import percent
from emotion.core.intervals import Interval, mean_interval
from emotion.core.progress import Progress
from emotion.faces.cues import CUES, INDIVIDUALS, NEUTRAL_BASE, Cue, base_of, draw_cue, find_cue, individuals
from emotion.faces.faces_set import Drawing
from emotion.runs.run import Run

SCHEMA = 1
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

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CueCurves:
        """Rebuild what ``to_json`` returned.

        Raises:
            KeyError, TypeError: it is something else.
        """
        return cls(**{**values, "species": {name: _species(each) for name, each in values["species"].items()}})


@dataclass(frozen=True)
class CueProbe:
    """Show a run the drawn individuals of each species that has the cue, with the cue at each of its values."""

    run: Run
    cue: str
    base: str = NEUTRAL_BASE
    individuals: int = INDIVIDUALS

    def carry_out(self, judge: Judge) -> Generator[Progress, None, CueCurves]:
        """Draw and score; the next individual is drawn while one is scored.

        Raises:
            ConfigError: there is no such cue or base.
        """
        cue = find_cue(self.cue)
        # A wrong base is refused before anything is drawn.
        base_of(self.base, species=cue.species[0])
        sitters = [each for species in cue.species for each in individuals(species, self.individuals)]
        total = len(sitters) * len(cue.values)
        scores: dict[str, list[list[dict[str, float]]]] = {species: [] for species in cue.species}
        with ThreadPoolExecutor(max_workers=1) as pool:
            drawn = [pool.submit(_faces, cue, self.base, sitter) for sitter in sitters]
            try:
                for number, (sitter, faces) in enumerate(zip(sitters, drawn, strict=True)):
                    yield Progress(number * len(cue.values), total, f"drawing and looking at {total} faces")
                    scores[sitter.species].append(_scores(judge, faces.result()))
            finally:
                for faces in drawn:
                    faces.cancel()
        curves = {species: _curves(each, judge.classes) for species, each in scores.items()}
        return CueCurves(cue.name, self.base, list(cue.values), list(judge.classes), judge.precision, curves)


def keep_probe(run: Run, curves: CueCurves) -> None:
    """Keep a probe in its run's folder, whole or not at all, in place of an earlier one of the same cue.

    Raises:
        RunError: the folder cannot be written.
    """
    folder = run.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        write_json(folder / f"{curves.cue}.json", {"schema": SCHEMA, **curves.to_json()})
    except OSError as error:
        raise RunError(f"The probe cannot be written to {folder} ({error.strerror}): free the disk.") from error


def kept_probes(run: Run) -> list[CueCurves]:
    """Return the last probe of each cue that is kept of a run, the newest first; what cannot be read is passed over."""
    found: list[tuple[float, CueCurves]] = []
    for path in (run.path / FOLDER).glob("*.json"):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("schema") == SCHEMA and values["cue"] in CUES:
                found.append((path.stat().st_mtime, CueCurves.from_json(values)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [curves for _, curves in sorted(found, key=lambda each: each[0], reverse=True)]


def sentence_of(curves: CueCurves) -> str:
    """Say what the cue does on each species, from the numbers alone."""
    cue, label = find_cue(curves.cue), curves.leading
    moves = [
        f"from {percent(each.means[label][0])} to {percent(each.means[label][-1])} on {ON[species]} "
        f"({change_in_points(each.swings[label])})"
        for species, each in curves.species.items()
    ]
    face = "" if curves.base == NEUTRAL_BASE else f" on a face that is otherwise {curves.base}"
    said = f"{cue.title}{face}, from {cue.low} to {cue.high}: “{label}” goes {_listed(moves)}."
    if LEARNT_FROM not in curves.species:
        return f"{said} People have no such cue."
    if curves.verdict(LEARNT_FROM) == "not told":
        return f"{said} On people that cannot be told from no change, so there is nothing to carry over."
    animals = [species for species in curves.species if species != LEARNT_FROM]
    alike = {verdict: [ON[each] for each in animals if curves.verdict(each) == verdict] for verdict in _SAID}
    return " ".join([said, *(_SAID[verdict].format(_listed(who)) for verdict, who in alike.items() if who)])


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


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


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


def _species(values: Mapping[str, Any]) -> SpeciesCurves:
    return SpeciesCurves(
        individuals=values["individuals"],
        means=values["means"],
        intervals={label: [(low, high) for low, high in each] for label, each in values["intervals"].items()},
        swings={
            label: Change(**{**each, "interval": (each["interval"][0], each["interval"][1])})
            for label, each in values["swings"].items()
        },
    )
