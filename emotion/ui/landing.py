"""The panel above the tabs: the question of this project and its results, read from stored files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis.blocks import Block, Facts, Text
from emotion.analysis.findings import plural
from emotion.core.format import exact_percent, percent, span
from emotion.core.labels import DRAWN_NOTE, EMOTIONS, chance_level
from emotion.ui.html import put
from emotion.ui.rendering import rendered

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
CHANCE = chance_level(len(EMOTIONS))
ASKED = (
    "A model learns happy, sad, angry and tired from pictures of people. Shown a happy dog, does it see a happy dog?"
)
# The report gives no interval.
REPORT = "people: 19 of 20 right, 39.5 %; dogs: 0 of 20 right, 22.7 %"
BASIS = (
    "Right of twenty happy pictures, and the mean confidence in “happy” with its 95 % interval; guessing gets "
    f"{percent(CHANCE)}. From “make reproduce”, seed 42. {DRAWN_NOTE}"
)


def build_landing() -> None:
    """Add the panel, folded; results that were not measured are omitted."""
    photographs, drawn = _twenty("photographs"), _twenty("drawn")
    facts = {
        "This dashboard, photographs": "; ".join(map(_sample, photographs)),
        "The report, other photographs": REPORT,
        "This dashboard, drawn pictures": "; ".join(map(_sample, drawn)),
    }
    blocks: list[Block] = [Text(ASKED), Facts([each for each in facts.items() if each[1]]), Text(BASIS, "note")]
    with gr.Accordion("What is asked here, and what came out", open=False):
        put(rendered(blocks, name="landing"))


def _twenty(kind: str) -> Sequence[dict[str, Any]]:
    """Return one row for each set of twenty happy pictures in the experiment; empty if it was not run."""
    file = RESULTS / f"experiment-{kind}.json"
    return json.loads(file.read_text(encoding="utf-8"))["twenty"] if file.is_file() else []


def _sample(row: dict[str, Any]) -> str:
    interval = span((row["confidence_low"], row["confidence_high"]))
    who = plural(row["set"].removesuffix("_eval"))
    return f"{who}: {row['right']} of {row['n']} right, {exact_percent(row['confidence'])} ({interval})"
