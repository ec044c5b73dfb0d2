"""The panel above the tabs: the question of this project and its results, read from stored files."""

import json
from pathlib import Path

import gradio as gr

from emotion.analysis.blocks import Facts, Text
from emotion.analysis.findings import plural
from emotion.core.format import exact_percent, percent, span
from emotion.core.labels import DRAWN_NOTE, EMOTIONS, chance_level
from emotion.ui.html import put
from emotion.ui.rendering import rendered

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
ASKED = (
    "A model learns happy, sad, angry and tired from pictures of people. Shown a happy dog, does it see a happy dog?"
)
# The report gives no interval.
REPORT = "people: 19 of 20 right, 39.5 %; dogs: 0 of 20 right, 22.7 %"
BASIS = (
    "Right of twenty happy pictures, and the mean confidence in “happy” with its 95 % interval; guessing gets "
    f"{percent(chance_level(len(EMOTIONS)))}. From “make reproduce”, seed 42. {DRAWN_NOTE}"
)


def build_landing() -> None:
    """Add the panel, folded; results that were not measured are omitted."""
    facts = {
        "This dashboard, photographs": _measured("photographs"),
        "The report, other photographs": REPORT,
        "This dashboard, drawn pictures": _measured("drawn"),
    }
    with gr.Accordion("What is asked here, and what came out", open=False):
        told = Facts([(name, said) for name, said in facts.items() if said])
        put(rendered([Text(ASKED), told, Text(BASIS, "note")], name="landing"))


def _measured(kind: str) -> str:
    """Return what an experiment found of twenty happy pictures of each set; empty if it was not run."""
    file = RESULTS / f"experiment-{kind}.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["twenty"] if file.is_file() else []
    return "; ".join(
        f"{plural(row['set'].removesuffix('_eval'))}: {row['right']} of {row['n']} right, "
        f"{exact_percent(row['confidence'])} ({span((row['confidence_low'], row['confidence_high']))})"
        for row in rows
    )
