"""All runs as a table, and the curves of several over each other."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from emotion.core.events import without_void
from emotion.core.format import duration
from emotion.data.drawn import is_drawn
from emotion.ui.charts.training import HEIGHT, overlay_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET, offered
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard, RunSummary, depth_words
from emotion.ui.status import drawn_note, sentence

NO_MATCH = "No run has all of these words in its name, note or settings."
HEADERS = ["Run", "Status", "Trained", "Epochs", "Validation loss", "Time", "Folder"]
NUMBERS = frozenset({"Epochs", "Validation loss", "Time"})
NO_RUNS = "No runs yet. Each training is kept here, also those started from the command line."


class RunsTable:
    """Widgets of the section and what they do."""

    def __init__(self, board: RunBoard, news: News) -> None:
        self.board = board
        gr.HTML('<h2 class="section-title">Runs</h2>', apply_default_css=False)
        self.filter = gr.Textbox(
            "",
            label="Filter",
            placeholder="a name, a note, a backbone, finished …",
            visible=False,
            elem_id="filter",
            interactive=True,
            max_lines=1,
        )
        self.table = gr.HTML(table_html([]), elem_id="runs-table", js_on_load=_ROWS, apply_default_css=False)
        self.picked = gr.Dropdown(
            [], multiselect=True, visible=False, elem_id="overlay-runs", label="Lay curves over each other",
            info="Pick two or more runs, for instance of different batch sizes.",
        )  # fmt: skip
        with gr.Row(visible=False, elem_classes="columns") as self.charts:
            with gr.Column(min_width=320):
                self.loss = chart(HEIGHT, label="Loss of the picked runs", name="overlay-loss")
            with gr.Column(min_width=320):
                self.accuracy = chart(HEIGHT, label="Accuracy of the picked runs", name="overlay-accuracy")
        curves = [self.charts, self.loss, self.accuracy]
        draw = {"trigger_mode": "always_last", "concurrency_id": "overlay", **QUIET}
        self.picked.input(guarded(self.overlay), self.picked, curves, **draw)
        # Also where a run goes on that has no better epoch, and so the same row of the table.
        news.tell(lambda *given: dict(zip(curves, self.overlay(*given), strict=True)), [self.picked], curves)
        view = [self.filter, self.table, self.picked]
        news.tell(lambda *given: dict(zip(view, self.refresh(*given), strict=True)), [self.picked], view)

    def refresh(self, picked: Sequence[str] | None) -> list[Any]:
        """List the runs anew."""
        summaries = self.board.summaries()
        choices = [(each.title, each.run.name) for each in summaries]
        names = {each.run.name for each in summaries}
        kept = [name for name in picked or [] if name in names]
        return [
            gr.Textbox(visible=len(summaries) > 1),
            table_html(summaries),
            offered(choices, chosen=picked or [], value=kept, visible=bool(summaries)),
        ]

    def overlay(self, picked: Sequence[str] | None) -> list[Any]:
        """Draw the picked runs over each other."""
        chosen = [each for each in self.board.summaries() if each.run.name in (picked or [])]
        if not chosen:
            return [gr.Row(visible=False), gr.skip(), gr.skip()]
        curves = {each.title: without_void(each.run.events()) for each in chosen}
        return [
            gr.Row(visible=True),
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
        f'<p class="note none" role="status" hidden>{NO_MATCH}</p>'
        + drawn_note(shown=any(is_drawn(each.config.pictures) for each in summaries))
    )


def row_of(summary: RunSummary) -> list[str]:
    """Return the cells of the table, as ``HEADERS`` names them."""
    loss = f"{summary.best.loss:.3f}" if summary.best else "–"
    time = duration(summary.seconds) if summary.seconds else "–"
    trained, epochs = depth_words(summary.config.depth), str(summary.config.epochs)
    return [summary.title, summary.status, trained, epochs, loss, time, summary.run.name]


def _row(summary: RunSummary, kinds: Sequence[str]) -> str:
    cells = []
    for name, kind, cell in zip(HEADERS, kinds, row_of(summary), strict=True):
        look, text = f"state {summary.status}" if name == "Status" else kind, html.escape(cell)
        if name == "Folder":
            text = f'<button type="button" data-run="{html.escape(summary.run.name)}">{text}</button>'
        cells.append(f'<td class="{look}">{text}</td>')
    searched = html.escape(" ".join([*row_of(summary), summary.about.note]).lower())
    return f'<tr data-searched="{searched}">{"".join(cells)}</tr>'


# Rows are filtered in the page: the table is all there, and an answer of the server could come late.
_ROWS = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-run]');
    if (button) trigger('click', {run: button.dataset.run});
});
const filter = () => {
    const text = document.querySelector('#filter input, #filter textarea')?.value ?? '';
    const words = text.toLowerCase().split(/\\s+/).filter(Boolean);
    const rows = [...element.querySelectorAll('tr[data-searched]')];
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.searched.includes(word));
    const none = element.querySelector('.none');
    if (none) none.hidden = rows.some((row) => !row.hidden);
};
document.addEventListener('input', (event) => { if (event.target.closest('#filter')) filter(); });
watch('value', () => requestAnimationFrame(filter));
"""
