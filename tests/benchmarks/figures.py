"""A figure: what it is, what it must reach, what came out of which repetitions; and the page of them."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import commit


class NotMeasured(Exception):
    """A figure cannot be measured here; the text is one sentence that says why."""


@dataclass(frozen=True)
class Reading:
    """A measured value, every repetition that it was computed from, and remarks."""

    value: float
    series: dict[str, list[float]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A line of the table: its name, the measurement that gives it, a title, its unit, and what it must reach."""

    name: str
    measurement: str
    title: str
    unit: str = "×"
    most: float | None = None
    least: float | None = None

    @property
    def bound(self) -> str:
        if self.most is not None:
            return f"at most {self.most:g} {self.unit}"
        return "" if self.least is None else f"at least {self.least:g} {self.unit}"

    def reached(self, found: Reading | str) -> str:
        """Return the value, or the sentence that says why there is none."""
        return found if isinstance(found, str) else f"{found.value:.2f} {self.unit}"

    def verdict(self, found: Reading | str) -> str:
        if isinstance(found, str):
            return "not measured"
        if self.most is None and self.least is None:
            return "no bound"
        return "met" if (self.least or 0) <= found.value <= (self.most or math.inf) else "not met"


Found = Sequence[tuple[Row, Reading | str]]


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the ratio of two series' medians."""
    return statistics.median(over) / statistics.median(under)


def take_turns(tasks: Mapping[str, Callable[[], float]], order: Sequence[str]) -> dict[str, list[float]]:
    """Do the named tasks in ``order``, so that a slow minute of the machine meets all; return what each gave."""
    series: dict[str, list[float]] = {name: [] for name in tasks}
    for name in order:
        series[name].append(tasks[name]())
    return series


def speed_page(found: Found, head: str) -> str:
    """Return the page: the table, then what each figure was computed from."""
    lines = ["# Speed and memory", "", head, "", "| figure | reached | bound | verdict |", "|---|---|---|---|"]
    lines += [f"| {row.title} | {row.reached(each)} | {row.bound} | {row.verdict(each)} |" for row, each in found]
    lines += ["", "| figure | taken in turns | median | least to greatest | n |", "|---|---|---|---|---|"]
    measured = [(row, each) for row, each in found if isinstance(each, Reading)]
    for row, each in measured:
        for name, values in each.series.items():
            numbers = f"{statistics.median(values):.4g} | {min(values):.4g} to {max(values):.4g} | {len(values)}"
            lines.append(f"| {row.name} | {name} | {numbers} |")
    remarks = [f"- {row.name}: {note}" for row, each in measured for note in each.notes]
    return "\n".join([*lines, "", *remarks]).rstrip() + "\n"


def speed_values(found: Found) -> list[dict[str, Any]]:
    """Return plain values, every repetition with them."""
    return [
        {**asdict(row), "verdict": row.verdict(each), **({"reason": each} if isinstance(each, str) else asdict(each))}
        for row, each in found
    ]


def taken(seconds: float) -> str:
    """Return when, at which commit and in how long something was measured, as pages say it."""
    return f"Taken on {time.strftime('%Y-%m-%d %H:%M')} at commit {commit()}, in {seconds / 60:.0f} minutes,"


def write(folder: Path, name: str, page: str, values: Mapping[str, Any]) -> None:
    """Write a page and its JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
    head = {"taken": time.strftime("%Y-%m-%d %H:%M"), "commit": commit()}
    (folder / f"{name}.json").write_text(json.dumps({**head, **values}, indent=1) + "\n", encoding="utf-8")
    print(f"written to {folder / name}.md and {name}.json")
