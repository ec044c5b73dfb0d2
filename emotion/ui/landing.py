"""What is asked here, and what came out, as a panel above the tabs. Computes nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.core.format import exact_percent, listed, percent, span
from emotion.core.intervals import Interval
from emotion.core.labels import DRAWN_NOTE, EMOTIONS, chance_level

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
CHANCE = chance_level(len(EMOTIONS))
PEOPLE = {"human": "people", "dog": "dogs", "cat": "cats"}
ASKED = (
    "A model learns happy, sad, angry and tired from pictures of people. Shown a happy dog, does it see a happy dog?"
)
BASIS = (
    "Right of twenty happy pictures, and the mean confidence in “happy” with its 95 % interval (the report gives "
    f"none); guessing gets {percent(CHANCE)}. From “make reproduce”, seed 42."
)


@dataclass(frozen=True)
class Twenty:
    """A sample of happy pictures: how many of ``n`` are right, and the mean correct-class confidence (0 to 1)."""

    species: str
    confidence: float
    interval: Interval | None
    right: int
    n: int


# The report that this dashboard is after.
REPORT = (Twenty("human", 0.395, None, 19, 20), Twenty("dog", 0.227, None, 0, 20))


def read_twenty(kind: str) -> list[Twenty]:
    """Return what the experiment on ``photographs`` or ``drawn`` pictures found; nothing where no file can be read."""
    try:
        rows = json.loads((RESULTS / f"experiment-{kind}.json").read_text(encoding="utf-8"))["twenty"]
        return [
            Twenty(
                str(row["set"]).removesuffix("_eval"), float(row["confidence"]),
                (float(row["confidence_low"]), float(row["confidence_high"])), int(row["right"]), int(row["n"]),
            )
            for row in rows
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return []


def landing_html() -> str:
    """Return the panel, closed; what was never measured here is left out."""
    ours, drawn = read_twenty("photographs"), read_twenty("drawn")
    rows = [
        _row("This dashboard, photographs", ours),
        _row("The report, other photographs", REPORT if ours else ()),
        _row("This dashboard, drawn pictures", drawn),
    ]
    came_out = f"<p><b>What came out.</b> {html.escape(_sentence(ours))}</p>" if ours else ""
    basis = f'<p class="basis">{html.escape(f"{BASIS} {DRAWN_NOTE}")}</p>' if ours or drawn else ""
    return (
        '<details class="landing"><summary>What is asked here, and what came out</summary>'
        f"<p><b>What was asked.</b> {ASKED}</p>{came_out}<dl>{''.join(rows)}</dl>{basis}</details>"
    )


def _sentence(ours: Sequence[Twenty]) -> str:
    said = [f"{each.right} of {each.n} happy {_plural(each)}" for each in ours]
    text = f"On photographs {listed(said)} were called happy."
    level = [_plural(each) for each in ours if each.interval and each.interval[0] <= CHANCE <= each.interval[1]]
    return f"{text} What it says of {listed(level)} cannot be told from guessing." if level else text


def _row(title: str, samples: Sequence[Twenty]) -> str:
    said = [
        f"<dd>{_plural(each)}: <b>{each.right} of {each.n}</b> right, {exact_percent(each.confidence)}"
        f"{f' ({span(each.interval)})' if each.interval else ''}</dd>"
        for each in samples
    ]
    return f"<div><dt>{title}</dt>{''.join(said)}</div>" if said else ""


def _plural(sample: Twenty) -> str:
    return PEOPLE.get(sample.species, html.escape(sample.species))
