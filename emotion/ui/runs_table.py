"""All runs as a table, and the curves of several over each other."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from emotion.events import without_void
from emotion.pictures.drawn import is_drawn
from emotion.ui.charts.training import overlay_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.news import News
from emotion.ui.run_board import HEADERS, NUMBERS, RunBoard, RunSummary
from emotion.ui.status import drawn_note, sentence

NO_RUNS = "No runs yet. Each training is kept here, also those started from the command line."


class RunsTable:
    """Widgets of the section and what they do."""

    def __init__(self, board: RunBoard, news: News) -> None:
        self.board = board
        gr.HTML('<h2 class="section-title">Runs</h2>', apply_default_css=False)
        self.table = gr.HTML(table_html([]), elem_id="runs-table", apply_default_css=False)
        self.picked = gr.Dropdown(
            [], multiselect=True, visible=False, elem_id="overlay-runs", label="Lay curves over each other",
            info="Pick two or more runs, for instance of different batch sizes.",
        )  # fmt: skip
        with gr.Row(visible=False, elem_classes="columns") as self.charts:
            with gr.Column(min_width=320):
                self.loss = chart(overlay_chart({}, "loss"), label="Loss of the picked runs", name="overlay-loss")
            with gr.Column(min_width=320):
                self.accuracy = chart(
                    overlay_chart({}, "accuracy"), label="Accuracy of the picked runs", name="overlay-accuracy"
                )
        curves = [self.charts, self.loss, self.accuracy]
        self.picked.input(guarded(self.overlay), self.picked, curves, **QUIET)
        news.tell(self.refresh, [self.picked], [self.table, self.picked, *curves])

    def refresh(self, picked: Sequence[str] | None) -> list[Any]:
        """List the runs anew."""
        summaries = self.board.summaries()
        choices = [(each.title, each.run.name) for each in summaries]
        names = {each.run.name for each in summaries}
        kept = [name for name in picked or [] if name in names]
        any_drawn = any(is_drawn(each.config.pictures) for each in summaries)
        return [
            table_html(summaries) + drawn_note(shown=any_drawn),
            gr.Dropdown(choices, value=kept, visible=bool(summaries)),
            *(self.overlay(kept) if picked else [gr.skip()] * 3),
        ]

    def overlay(self, picked: Sequence[str] | None) -> list[Any]:
        """Draw the picked runs over each other."""
        chosen = [each for each in self.board.summaries() if each.run.name in (picked or [])]
        curves = {each.title: without_void(each.run.events()) for each in chosen}
        return [
            gr.Row(visible=bool(chosen)),
            shown(overlay_chart(curves, "loss")),
            shown(overlay_chart(curves, "accuracy")),
        ]


def table_html(summaries: Sequence[RunSummary]) -> str:
    """Return all runs as a table that scrolls inside itself on a narrow page."""
    if not summaries:
        return sentence(NO_RUNS)
    kinds = ["number" if name in NUMBERS else "" for name in HEADERS]
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in zip(HEADERS, kinds, strict=True))
    rows = "".join(_row(each, kinds) for each in summaries)
    return (
        '<div class="runs" tabindex="0" role="region" aria-label="All runs">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(summary: RunSummary, kinds: Sequence[str]) -> str:
    cells = []
    for name, kind, cell in zip(HEADERS, kinds, summary.row(), strict=True):
        look = f"state {summary.status}" if name == "Status" else kind
        cells.append(f'<td class="{look}">{html.escape(cell)}</td>')
    return f"<tr>{''.join(cells)}</tr>"
