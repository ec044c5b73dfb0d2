"""What a first visitor sees: what was asked, what came out, and where to try it. Computes nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import exact_percent, percent, span
from emotion.core.intervals import Interval
from emotion.core.labels import DRAWN_NOTE, EMOTIONS, chance_level, colour_of
from emotion.ui.events import on
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
CHANCE = chance_level(len(EMOTIONS))
SUMMARY = "What is asked here, and what came out"
ASKED = (
    "A model learns happy, sad, angry and tired from pictures of people. Shown a happy dog, does it see a happy dog?"
)
PEOPLE = {"human": "people", "dog": "dogs", "cat": "cats"}
BASIS = (
    "Mean correct-class confidence on happy pictures; the line in a bar is its 95 % interval (the report gives none), "
    f"the dashed one chance, {percent(CHANCE)}. From “make reproduce”, seed 42."
)
TABS = {"train": "Train a model", "compare": "Compare species", "pictures": "Bring your own pictures"}


@dataclass(frozen=True)
class Twenty:
    """A sample of happy pictures: how many of ``n`` are right, and the mean correct-class confidence (0 to 1)."""

    species: str
    confidence: float
    interval: Interval | None
    right: int
    n: int


# It gives no interval.
REPORT = (Twenty("human", 0.395, None, 19, 20), Twenty("dog", 0.227, None, 0, 20))


def read_twenty(kind: str, results: Path = RESULTS) -> list[Twenty]:
    """Return what the experiment on ``photographs`` or ``drawn`` pictures found; nothing where no file can be read."""
    try:
        rows = json.loads((results / f"experiment-{kind}.json").read_text(encoding="utf-8"))["twenty"]
        return [
            Twenty(
                str(row["set"]).removesuffix("_eval"),
                float(row["confidence"]),
                (float(row["confidence_low"]), float(row["confidence_high"])),
                int(row["right"]),
                int(row["n"]),
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class Landing:
    """One panel above the tabs: open as long as there is no run, then a closed line; a visitor's own word counts."""

    def __init__(self, board: RunBoard, news: News) -> None:
        self.board = board
        self.panel = gr.HTML(landing_html(), js_on_load=_PANEL, elem_id="landing", apply_default_css=False)
        self._is_open = gr.State(False)
        news.tell(self.refresh, [self._is_open], [self.panel, self._is_open])

    def lead_to(self, tabs: gr.Tabs) -> None:
        """Let its buttons open a tab."""

        def lead(event: gr.EventData) -> dict[Any, Any]:
            return {tabs: _tab(event)}

        on(self.panel.click, lead, None, tabs)

    def refresh(self, is_open: bool) -> dict[Any, Any]:
        """Open it where there is no run, close it with the first one."""
        wanted = not self.board.summaries()
        return {self.panel: landing_html(is_open=wanted), self._is_open: wanted} if wanted != is_open else {}


def _tab(event: gr.EventData) -> gr.Tabs:
    chosen = event._data.get("tab")
    if chosen not in TABS:
        raise EmotionError("That tab is not there: reload the page.")
    return gr.Tabs(selected=chosen)


def landing_html(results: Path = RESULTS, *, is_open: bool = False) -> str:
    """Return the panel; what was never measured here is left out."""
    ours, drawn = read_twenty("photographs", results), read_twenty("drawn", results)
    groups = [
        _group("The report, its own photographs", REPORT if ours else ()),
        _group("This dashboard, other photographs", ours),
        _group("This dashboard, drawn pictures", drawn, note=DRAWN_NOTE),
    ]
    came_out = f"<p><b>What came out.</b> {html.escape(_sentence(ours))}</p>" if ours else ""
    buttons = "".join(f'<button type="button" data-tab="{tab}">{text}</button>' for tab, text in TABS.items())
    basis = f'<p class="basis">{html.escape(BASIS)}</p>' if ours or drawn else ""
    return (
        f'<details class="landing"{" open" if is_open else ""}><summary>{SUMMARY}</summary>'
        f'<div class="landing-body"><div>'
        f"<p><b>What was asked.</b> {ASKED}</p>{came_out}"
        f'<p><b>Try it yourself.</b></p><div class="landing-ways">{buttons}</div></div>'
        f'<div class="landing-results">{"".join(groups)}{basis}</div></div></details>'
    )


def _sentence(ours: Sequence[Twenty]) -> str:
    said = [f"{each.right} of {each.n} happy {PEOPLE.get(each.species, each.species)}" for each in ours]
    text = f"On photographs {' and '.join(said)} were called happy."
    holds = [each for each in ours if each.interval and each.interval[0] <= CHANCE <= each.interval[1]]
    if holds:
        names = " and ".join(PEOPLE.get(each.species, each.species) for each in holds)
        text += f" What it says of {names} cannot be told from guessing."
    return text


def _group(title: str, samples: Sequence[Twenty], *, note: str = "") -> str:
    if not samples:
        return ""
    rows = "".join(_bar(each) for each in samples)
    said = f'<p class="basis">{note}</p>' if note else ""
    return f'<div class="landing-group"><p><b>{title}</b></p>{rows}{said}</div>'


def _bar(sample: Twenty) -> str:
    interval = ""
    if sample.interval:
        low, high = sample.interval
        interval = f'<s style="left:{low:.1%};width:{high - low:.1%}"></s>'
    between = f" ({span(sample.interval)})" if sample.interval else ""
    return (
        f'<div class="landing-bar"><span>{PEOPLE.get(sample.species, sample.species)}</span>'
        f'<span class="landing-track" style="--chance:{CHANCE:.0%}"><i style="width:{sample.confidence:.1%};'
        f'background:{colour_of(sample.species)}"></i>{interval}</span>'
        f"<span><b>{exact_percent(sample.confidence)}</b>{between}, {sample.right} of {sample.n} right</span>"
        "</div>"
    )


# Without a store (private windows of some browsers) a visitor's own word is forgotten.
_PANEL = """
const panel = () => element.querySelector('details');
const store = (value) => { try {
    return value ? localStorage.setItem('emotion-landing', value) : localStorage.getItem('emotion-landing');
} catch { return null; } };
const restore = () => { if (store()) panel().open = store() === 'open'; };
restore();
watch('value', restore);
element.addEventListener('click', (event) => {
    if (event.target.closest('summary')) store(panel().open ? 'closed' : 'open');
    const button = event.target.closest('button[data-tab]');
    if (button) trigger('click', {tab: button.dataset.tab});
});
"""
