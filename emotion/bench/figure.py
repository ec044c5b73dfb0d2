"""A figure of the bench: what it is, what it must reach, and what came out. Measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Direction = Literal["at most", "at least"]
Unit = Literal["times", "seconds", "gigabytes", "share", "points", "nats"]
Verdict = Literal["met", "not met", "not measured", "no bound"]


class NotMeasured(Exception):
    """A figure cannot be measured here; the text is one sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a figure must reach, in the figure's unit; a goal is striven for and not a pass mark."""

    direction: Direction
    limit: float
    is_goal: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` is within the bound."""
        return value <= self.limit if self.direction == "at most" else value >= self.limit


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: its name, a title for people, its unit and its bound."""

    name: str
    title: str
    unit: Unit
    bound: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was measured: the value, every repetition it was computed from by name, and remarks."""

    value: float
    series: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A row with its reading, or with the sentence that says why there is none."""

    row: Row
    reading: Reading | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the reading says of the bound."""
        if self.reading is None:
            return "not measured"
        if self.row.bound is None:
            return "no bound"
        return "met" if self.row.bound.holds(self.reading.value) else "not met"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with the verdict and each series' median, least and greatest value."""
        values = {**asdict(self), "verdict": self.verdict}
        if self.reading is not None:
            values["reading"]["summary"] = {name: summary(series) for name, series in self.reading.series.items()}
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Figure:
        """Rebuild what ``to_json`` returned; what it had added is computed anew."""
        row = dict(values["row"])
        row["bound"] = Bound(**row["bound"]) if row["bound"] else None
        reading = dict(values["reading"]) if values["reading"] else None
        if reading is not None:
            del reading["summary"]
        return cls(row=Row(**row), reading=Reading(**reading) if reading else None, reason=values["reason"])


def summary(series: Sequence[float]) -> dict[str, float]:
    """Return the median, the least and the greatest of a series that is not empty."""
    return {"median": statistics.median(series), "min": min(series), "max": max(series)}


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the ratio of two series' medians."""
    return statistics.median(over) / statistics.median(under)


def take_turns(tasks: Mapping[str, Callable[[], float]], order: Sequence[str]) -> dict[str, list[float]]:
    """Do the named tasks in ``order``, so that a slow minute of the machine meets all; return what each gave."""
    series: dict[str, list[float]] = {name: [] for name in tasks}
    for name in order:
        series[name].append(tasks[name]())
    return series
