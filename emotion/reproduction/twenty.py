"""Read what a reproduction found for twenty happy pictures of each species, from its table. Measures nothing."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from emotion.labels import EMOTIONS, chance_level
from emotion.statistics.intervals import Interval

REPORTS = Path(__file__).resolve().parents[2] / "reports"
# The file that ``files.write_files`` makes of the first table of the first section.
TABLE = "01-1-twenty-and-twenty-as-in-the-report.csv"
CHANCE = chance_level(len(EMOTIONS))
_MEAN, _RIGHT = "Mean correct-class confidence", "Right"


@dataclass(frozen=True)
class Twenty:
    """One sample: ``species``, whether it is the report's own, its mean correct-class confidence (0 to 1) with the 95 %
    interval where there is one, and how many of how many are right.
    """

    species: str
    is_report: bool
    correct_confidence: float
    interval: Interval | None
    correct: int
    n: int


def read_twenty(kind: str, *, reports: Path = REPORTS) -> list[Twenty]:
    """Return the samples of ``photographs`` or ``drawn``, the report's beside ours; none where no table can be read."""
    try:
        with (reports / kind / TABLE).open(encoding="utf-8", newline="") as file:
            return [_sample(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _sample(row: dict[str, str]) -> Twenty:
    species, whose = row["Sample"].split(", ")
    correct, n = _numbers(row[_RIGHT])
    bounds = _numbers(row[f"{_MEAN}, detail"])
    [mean] = _numbers(row[_MEAN])
    interval = (bounds[0] / 100, bounds[1] / 100) if bounds else None
    return Twenty(species, whose == "report", mean / 100, interval, int(correct), int(n))


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]
