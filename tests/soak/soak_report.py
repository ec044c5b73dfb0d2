"""Write what a soak showed as Markdown and JSON, whole or not at all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from soak_record import Record, percentile
from soak_verdict import Claim
from soak_watch import Sample

from emotion.writing import as_json, write_texts

SCHEMA = 1
MARKDOWN, JSON = "soak.md", "soak.json"
VERDICTS = {True: "met", False: "not met", None: "not measured"}
MAX_SAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class SoakReport:
    """``created`` is a Unix time; ``seconds`` is how long visitors were at it; ``runs`` counts runs by status."""

    created: float
    seconds: float
    seed: int
    visitors: int
    machine: str
    claims: list[Claim]
    record: Record = field(repr=False)
    samples: Sequence[Sample] = field(repr=False)
    idle: Sequence[float] = field(repr=False)
    runs: dict[str, int]

    @property
    def is_met(self) -> bool:
        """Whether no claim was found to be untrue."""
        return all(claim.is_met is not False for claim in self.claims)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        step = max(1, len(self.samples) // MAX_SAMPLES)
        return {
            "schema": SCHEMA,
            "created": self.created,
            "seconds": round(self.seconds, 1),
            "seed": self.seed,
            "visitors": self.visitors,
            "machine": self.machine,
            "claims": [{**asdict(each), "verdict": VERDICTS[each.is_met]} for each in self.claims],
            "calls": {name: dict(found) for name, found in sorted(self.record.outcomes().items())},
            "seconds_taken": {name: _summary(self.record.seconds_of(name)) for name in sorted(self.record.outcomes())},
            "idle_prediction": _summary(self.idle),
            "faults": dict(Counter(text for _, text in self.record.faults)),
            "runs": {**self.runs, "deleted meanwhile": self.record.retired},
            "samples": [each.to_json(self.record.began) for each in list(self.samples)[::step]],
        }

    def to_markdown(self) -> str:
        """Return the claims, then what was done and how it came out."""
        values = self.to_json()
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        lines = [
            "# Soak", "",
            f"{day}, {self.visitors} visitors for {self.seconds:.0f} s, seed {self.seed}.", "",
            self.machine, "",
            "| claim | verdict | found |", "|---|---|---|",
            *(f"| {each.name} | {VERDICTS[each.is_met]} | {_cell(each.found)} |" for each in self.claims), "",
            "**Faults made**: " + _counts(values["faults"]) + ".", "",
            "**Runs at the end**: " + _counts(values["runs"]) + ".", "",
            "| what visitors did | how it came out | median | 95th percentile |", "|---|---|---|---|",
        ]  # fmt: skip
        for name, found in values["calls"].items():
            taken = values["seconds_taken"][name]
            times = f"{taken['median']:.2f} s | {taken['p95']:.2f} s" if taken["count"] else "– | –"
            lines.append(f"| {name} | {_cell(_counts(found))} | {times} |")
        idle = values["idle_prediction"]
        lines += ["", f"An idle server predicts in {idle['median']:.2f} s (95th percentile {idle['p95']:.2f} s)."]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write both files into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_texts(folder, {JSON: as_json(self.to_json()), MARKDOWN: self.to_markdown()})


def _summary(values: Sequence[float]) -> dict[str, float]:
    summary = {"count": len(values), "median": percentile(values, 0.5), "p95": percentile(values, 0.95)}
    return {name: round(value, 4) for name, value in {**summary, "max": max(values, default=0.0)}.items()}


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items(), key=lambda each: -each[1])) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
