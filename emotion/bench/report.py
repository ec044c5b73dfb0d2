"""Write a bench's figures as Markdown and JSON, whole or not at all. Measures nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emotion.bench.figure import Bound, Figure, Unit, summary
from emotion.bench.machine import Machine
from emotion.errors import RunError
from emotion.writing import as_json, write_texts

SCHEMA = 1
MARKDOWN, JSON = "bench.md", "bench.json"
UNITS: dict[Unit, tuple[float, str]] = {
    "times": (1, "{:.2f} ×"),
    "seconds": (1, "{:.2f} s"),
    "gigabytes": (1, "{:.2f} GB"),
    "share": (100, "{:.1f} %"),
    "points": (100, "{:.1f} points"),
    "nats": (1, "{:.3f} nats"),
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures with the machine they come from. ``created`` is a Unix time, ``notes`` what holds for all of them."""

    created: float
    seconds: float
    is_full: bool
    machine: Machine
    notes: list[str]
    figures: list[Figure]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **asdict(self), "figures": [figure.to_json() for figure in self.figures]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Report:
        """Rebuild what ``to_json`` returned."""
        own = {name: value for name, value in values.items() if name != "schema"}
        own["machine"] = Machine(**own["machine"])
        own["figures"] = [Figure.from_json(figure) for figure in own["figures"]]
        return cls(**own)

    def to_markdown(self) -> str:
        """Return the table, then each figure's repetitions and remarks."""
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        full = "with `--full`" if self.is_full else "without `--full`"
        lines = ["# Bench", "", f"{day}, {full}, {self.seconds / 60:.0f} minutes. {self.machine.sentence()}", ""]
        lines += [
            "Each ratio is one of medians of repetitions that took turns on this machine; all of them are in "
            f"`{JSON}`.",
            "",
        ]
        lines += [line for note in self.notes for line in (note, "")]
        lines += ["| figure | reached | bound | verdict |", "|---|---|---|---|"]
        lines += [f"| {_cell(f.row.title)} | {reached(f)} | {bound(f.row.bound, f.row.unit)} | {f.verdict} |"
                  for f in self.figures]  # fmt: skip
        for figure in self.figures:
            lines += ["", f"**{figure.row.name}**: {figure.row.title}.", *_details(figure)]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write both files into ``folder``.

        Raises:
            RunError: the folder cannot be written.
        """
        write_pair(folder, {JSON: self.to_json()}, {MARKDOWN: self.to_markdown()})


def write_pair(folder: Path, values: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Write JSON ``values`` and ``texts`` by their files' names, each beside its place and renamed.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_texts(folder, {name: as_json(each) for name, each in values.items()} | {**texts})
    except OSError as error:
        raise RunError(f"The report cannot be written to {folder} ({error.strerror}): choose another.") from error


def read_report(folder: Path) -> Report:
    """Read the report that ``Report.write`` left in a folder.

    Raises:
        RunError: there is none, or it is torn or of another schema.
    """
    try:
        values = json.loads((folder / JSON).read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise ValueError("of another schema")
        return Report.from_json(values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder / JSON} is no report that can be read: run the bench again.") from error


def shown(value: float, unit: Unit) -> str:
    """Return a value as the report shows it."""
    factor, form = UNITS[unit]
    return form.format(value * factor)


def reached(figure: Figure) -> str:
    """Return what a figure reached, or why it was not measured."""
    return shown(figure.reading.value, figure.row.unit) if figure.reading else _cell(figure.reason)


def bound(limit: Bound | None, unit: Unit) -> str:
    """Return a bound as the report shows it; empty where there is none."""
    if limit is None:
        return ""
    return f"{limit.direction} {shown(limit.limit, unit)}{' (goal)' if limit.is_goal else ''}"


def _details(figure: Figure) -> Sequence[str]:
    if figure.reading is None:
        return ["", f"- Not measured: {figure.reason}"]
    parts = {name: (summary(series), len(series)) for name, series in figure.reading.series.items() if series}
    lines = [
        f"- {name}: median {part['median']:.4g}, {part['min']:.4g} to {part['max']:.4g}, {count} taken"
        for name, (part, count) in parts.items()
    ]
    return ["", *lines, *(f"- {note}" for note in figure.reading.notes)]


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
