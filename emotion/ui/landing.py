"""The panel above the tabs: the question of this project and its results, read from stored files."""

import html
import json
from pathlib import Path
from typing import Any

from emotion.core.format import exact_percent, listed, percent, span
from emotion.core.labels import DRAWN_NOTE, EMOTIONS, chance_level

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
CHANCE = chance_level(len(EMOTIONS))
PEOPLE = {"human_eval": "people", "dog_eval": "dogs", "cat_eval": "cats"}
ASKED = (
    "A model learns happy, sad, angry and tired from pictures of people. Shown a happy dog, does it see a happy dog?"
)
# The report gives no interval.
REPORT = "<dd>people: <b>19 of 20</b> right, 39.5 %</dd><dd>dogs: <b>0 of 20</b> right, 22.7 %</dd>"
BASIS = (
    "Right of twenty happy pictures, and the mean confidence in “happy” with its 95 % interval; guessing gets "
    f"{percent(CHANCE)}. From “make reproduce”, seed 42. {DRAWN_NOTE}"
)


def landing_html() -> str:
    """Return the panel, folded; results that were not measured are omitted."""
    ours, drawn = _twenty("photographs"), _twenty("drawn")
    told = {
        "This dashboard, photographs": "".join(map(_sample, ours)),
        "The report, other photographs": REPORT if ours else "",
        "This dashboard, drawn pictures": "".join(map(_sample, drawn)),
    }
    rows = "".join(f"<div><dt>{title}</dt>{said}</div>" for title, said in told.items() if said)
    came_out = f"<p><b>What came out.</b> {_sentence(ours)}</p>" if ours else ""
    basis = f'<p class="basis">{BASIS}</p>' if rows else ""
    return (
        '<details class="landing"><summary>What is asked here, and what came out</summary>'
        f"<p><b>What was asked.</b> {ASKED}</p>{came_out}<dl>{rows}</dl>{basis}</details>"
    )


def _twenty(kind: str) -> list[dict[str, Any]]:
    """Return one row for each set of twenty happy pictures in the experiment; empty if it was not run."""
    try:
        return list(json.loads((RESULTS / f"experiment-{kind}.json").read_text(encoding="utf-8"))["twenty"])
    except (OSError, ValueError, KeyError):
        return []


def _sample(row: dict[str, Any]) -> str:
    interval = span((row["confidence_low"], row["confidence_high"]))
    right = f"{_who(row)}: <b>{row['right']} of {row['n']}</b> right"
    return f"<dd>{right}, {exact_percent(row['confidence'])} ({interval})</dd>"


def _sentence(rows: list[dict[str, Any]]) -> str:
    right = [f"{row['right']} of {row['n']} happy {_who(row)}" for row in rows]
    text = f"On photographs {listed(right)} were called happy."
    level = [_who(row) for row in rows if row["confidence_low"] <= CHANCE <= row["confidence_high"]]
    return f"{text} What it says of {listed(level)} cannot be told from guessing." if level else text


def _who(row: dict[str, Any]) -> str:
    return PEOPLE.get(row["set"], html.escape(row["set"]))
