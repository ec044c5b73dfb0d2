"""A comparison: samples of several sets scored by one run, the gaps between the sets, and its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from emotion.analysis.statistics import Difference, Estimate, adjusted, area_of, difference
from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.core.labels import chance_level, colour_of_set
from emotion.core.scored import SampleResult, ScoredPicture, summarise
from emotion.runs.run import Run

SCHEMA, REFERENCE = 2, "human"
# Files of schema 1 lack some fields, which have defaults, and statistics, which are recomputed from the scores.
READABLE = (1, SCHEMA)


@dataclass(frozen=True)
class Gap:
    """The mean correct-class confidence of ``reference`` minus that of ``other``, for one emotion or all (None).

    ``sizes`` are the numbers of pictures; ``adjusted_p_value`` is corrected for the number of gaps of the same kind.
    """

    reference: str
    other: str
    emotion: str | None
    sizes: tuple[int, int]
    difference: Difference
    adjusted_p_value: float


@dataclass(frozen=True)
class Comparison:
    """Samples of several sets, by set and emotion, scored by one run.

    ``mapping`` gives for each set the run's class that each class folder was read as, None for an unused folder.
    ``checked`` is the number of training-set pictures that the samples were checked against for near-duplicates.
    ``notes`` are sentences on how each set's folder was read and what was left out.
    """

    run: str
    created: float
    seed: int
    size: int | None
    classes: list[str]
    precision: str
    folders: dict[str, str]
    sets: dict[str, dict[str, SampleResult]]
    emotion: str | None = None
    use_aliases: bool = False
    relaxed_as_tired: bool = False
    mapping: dict[str, dict[str, str | None]] = field(default_factory=dict)
    checked: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """The accuracy, and the mean correct-class confidence, of guessing."""
        return chance_level(len(self.classes))

    @property
    def reference(self) -> str:
        """The set that the others are compared with: the first set of people, or else the first set."""
        return next((name for name in self.sets if name.startswith(REFERENCE)), next(iter(self.sets)))

    def emotions(self) -> list[str]:
        """Return the compared emotions, in the order of the classes."""
        return [label for label in self.classes if any(label in results for results in self.sets.values())]

    def colour(self, name: str) -> str:
        """Return the colour of a set."""
        return colour_of_set(name, self.sets)

    def pooled(self, name: str) -> SampleResult:
        """Return the pooled result of all samples of a set."""
        return self._pooled[name]

    def results(self, emotion: str | None) -> dict[str, SampleResult]:
        """Return the results of one emotion by set, or the pooled results for None."""
        if emotion is None:
            return dict(self._pooled)
        return {name: results[emotion] for name, results in self.sets.items() if emotion in results}

    @cached_property
    def _pooled(self) -> dict[str, SampleResult]:
        found = {}
        for name, results in self.sets.items():
            parts = list(results.values())
            found[name] = replace(
                summarise([picture for part in parts for picture in part.pictures], classes=self.classes),
                unreadable={path: why for part in parts for path, why in part.unreadable.items()},
                near_duplicates={path: twin for part in parts for path, twin in part.near_duplicates.items()},
                is_trained_on=any(part.is_trained_on for part in parts),
            )
        return found

    @cached_property
    def gaps(self) -> list[Gap]:
        """The gaps between the reference and the other sets, for each emotion and, if there are several, pooled.

        P-values are corrected over emotions and sets, and separately over the pooled gaps.
        """
        emotions = self.emotions()
        return self._gaps(emotions) + (self._gaps([None]) if len(emotions) > 1 else [])

    def _gaps(self, emotions: Sequence[str | None]) -> list[Gap]:
        gaps = []
        for emotion in emotions:
            values = {
                name: [each.correct_confidence for each in found.pictures]
                for name, found in self.results(emotion).items()
            }
            ours = values.pop(self.reference, [])
            for other, theirs in values.items():
                if against := difference(ours, theirs, seed=self.seed):
                    sizes = len(ours), len(theirs)
                    gaps.append(Gap(self.reference, other, emotion, sizes, against, against.p_value))
        corrected = adjusted([gap.difference.p_value for gap in gaps])
        return [replace(gap, adjusted_p_value=value) for gap, value in zip(gaps, corrected, strict=True)]

    @cached_property
    def ranking(self) -> dict[tuple[str, str], Estimate | None]:
        """The AUC of each emotion against the set's other emotions; none for a set of one emotion."""
        found = {}
        for name, results in self.sets.items():
            pictures = self.pooled(name).pictures
            for label in results if len(results) > 1 else ():
                scores = np.array([each.scores[label] for each in pictures])
                is_shown = np.array([each.label == label for each in pictures])
                found[name, label] = area_of(scores, is_shown, seed=self.seed)
        return found


def save_comparison(comparison: Comparison, *, run: Run) -> Path:
    """Write a comparison into its run's folder and return the file; RunError if it cannot be written.

    The file also holds the gaps between the sets, for readers without this project.
    """
    # To the microsecond, so that names sort by time even within a second.
    path = run.comparisons / f"{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        differences = [asdict(gap) for gap in comparison.gaps]
        write_json(path, {"schema": SCHEMA, **asdict(comparison), "differences": differences})
    except OSError as error:
        raise RunError(
            f"The comparison cannot be written to {path.parent} ({error.strerror}): free the disk."
        ) from error
    return path


def load_comparison(path: Path) -> Comparison:
    """Read a saved comparison and recompute its statistics; RunError if it is missing, damaged or newer."""
    try:
        return _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise RunError(f"{path} is not a comparison that can be read: compare again.") from error


# The file never changes, and a page reads it a dozen times per click.
@lru_cache(maxsize=64)
def _load(path: Path, modified: int) -> Comparison:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if values.pop("schema") not in READABLE:
        raise RunError(f"{path.name} was written by another version: compare again.")
    values.pop("differences", None)
    for results in values["sets"].values():
        for label, saved in results.items():
            kept = {key: saved[key] for key in ("unreadable", "near_duplicates", "is_trained_on") if key in saved}
            pictures = [ScoredPicture(**each) for each in saved["pictures"]]
            results[label] = replace(summarise(pictures, classes=values["classes"]), **kept)
    return Comparison(**values)


def run_of(comparison: Path) -> Run:
    """Return the run in whose folder a comparison's file lies, or the run it names if it was moved."""
    around = (Run(folder) for folder in comparison.absolute().parents if (folder / "config.json").is_file())
    return next(around, None) or Run(Path(load_comparison(comparison).run))
