"""The Cross-species tab: the same run judges samples of several species, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.comparison import Comparison, load_comparison
from emotion.core.errors import EmotionError
from emotion.server.services import Services
from emotion.ui.charts.results import HEIGHT, confidence_chart, said_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.chosen import Chosen
from emotion.ui.compare.findings import findings_html, measures_html, sample_html
from emotion.ui.compare.form import CompareForm
from emotion.ui.compare.grid import grid_html
from emotion.ui.compare.panels import build_panels
from emotion.ui.compare.pictures import pictures_html, table_of, title_of
from emotion.ui.compare.report_panel import ReportPanel
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded
from emotion.ui.handlers import EVERY_PRESS, QUIET
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.ticks import TICKS
from emotion.ui.uploads import new_download

NO_COMPARISON = (
    "Press Compare for one emotion, or All emotions for the grid: the run judges a sample of each ticked set."
)
ALL = "all"


class CompareTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.services = services
        self.board = board
        chosen.waits()
        self.form = CompareForm(chosen.run)
        self.saved = self.form.saved
        self._build_results()
        self._connect(chosen)

    def _build_results(self) -> None:
        self.headline = gr.HTML(sentence(NO_COMPARISON), elem_id="headline", apply_default_css=False)
        self.grid = gr.HTML("", elem_id="grid", apply_default_css=False)
        self.shown_emotion = gr.Radio([], label="Shown emotion", visible=False, elem_id="shown-emotion")
        with gr.Row(visible=False, elem_classes="columns") as self.charts:
            with gr.Column(min_width=320):
                self.means = chart(HEIGHT, label="Mean correct-class confidence", name="means")
            with gr.Column(min_width=320):
                self.said = chart(HEIGHT, label="What it said", name="said")
        self.measures = gr.HTML("", elem_id="measures", apply_default_css=False)
        gr.HTML('<h3 class="section">Ask further</h3>', apply_default_css=False)
        self.panels = build_panels(self.services, self.board, self.form.run, self.saved)
        self.report = gr.HTML("", js_on_load=TICKS, elem_id="report", apply_default_css=False)
        with gr.Row(visible=False, elem_classes="actions", elem_id="results-actions") as self.actions:
            self.csv = gr.DownloadButton("Download CSV", elem_id="csv", size="md", min_width=150)
            self.report_panel = ReportPanel(self.board, self.form.run, self.saved, self.report)
        self.view: list[Any] = [
            self.headline, self.charts, self.means, self.said, self.measures, self.grid, self.report, self.actions,
            self.csv, self.shown_emotion, self.saved,
        ]  # fmt: skip
        self.panels.append(self.report_panel)
        self.view += [widget for panel in self.panels for widget in panel.view]

    def _connect(self, chosen: Chosen) -> None:
        form = self.form
        for button, handler in ((form.go, self.compare), (form.grid, self.compare_all)):
            button.click(
                guarded(handler), [form.run, *form.inputs], self.view,
                concurrency_id="compare", api_visibility="private", show_progress_on=[self.headline],
            )  # fmt: skip
        reopening: dict[str, Any] = {"concurrency_id": "reopen", "trigger_mode": EVERY_PRESS, **QUIET}
        self.saved.input(guarded(self.reopen), [form.run, self.saved], self.view, **reopening)
        self.shown_emotion.input(
            guarded(self.reopen), [form.run, self.saved, self.shown_emotion], self.view, **reopening
        )
        chosen.when_changed(self.choose_run, [], [form.emotion, form.sets, self.saved])

    def choose_run(self, name: str | None) -> dict[Any, Any]:
        """Offer the run's classes, tick the sets of the kind it was trained on, and list what it was compared on."""
        if not name:
            return {}
        run = self.board.find(name)
        choices = saved_choices(run.comparisons)
        emotion, sets = self.form.fit_to(run)
        saved = gr.Dropdown(choices, value=None, visible=bool(choices))
        return {self.form.emotion: emotion, self.form.sets: sets, self.saved: saved}

    def compare(self, name: str | None, emotion: str | None, *asked: Any) -> list[Any]:
        """Let the run judge a sample of each ticked set, and show what came out."""
        run = self.board.choose(name)
        comparison, path = self.services.compare(run, self.form.read(emotion, *asked))
        return self.show(comparison, path, emotion)

    def compare_all(self, name: str | None, emotion: str | None, *asked: Any) -> list[Any]:
        """Do the same with every emotion: the grid."""
        return self.compare(name, None, *asked)

    def reopen(self, name: str | None, saved: str | None, emotion: str | None = None) -> list[Any]:
        """Show a saved comparison of the run again; the page sends its file's name, never a path."""
        comparison, path = shown_comparison(self.board, name, saved)
        return self.show(comparison, path, emotion)

    def show(self, comparison: Comparison, path: Path, emotion: str | None) -> list[Any]:
        """Return what every widget of the result shows of a comparison, ``emotion`` alone or all for None."""
        emotions = comparison.emotions()
        chosen = emotion if emotion in emotions else emotions[0] if len(emotions) == 1 else None
        results = comparison.results(chosen)
        csv = new_download(f"{Path(comparison.run).name}-{path.stem}.csv")
        table_of(comparison).to_csv(csv, index=False)
        return [
            findings_html(comparison, chosen),
            gr.Row(visible=True),
            shown(confidence_chart(results, chance=comparison.chance)),
            shown(said_chart(results, emotion=chosen)),
            measures_html(comparison, chosen),
            grid_html(comparison),
            sample_html(comparison) + pictures_html(comparison, chosen),
            gr.Row(visible=True),
            gr.DownloadButton(value=str(csv)),
            gr.Radio([ALL, *emotions], value=chosen or ALL, visible=len(emotions) > 1),
            gr.Dropdown(saved_choices(path.parent), value=path.name, visible=True),
            *(value for panel in self.panels for value in panel.reopen(Path(comparison.run).name, path.name)),
        ]


def saved_choices(folder: Path) -> list[tuple[str, str]]:
    """Return the comparisons in a folder, newest first, as title and file name."""
    choices = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            choices.append((title_of(load_comparison(path)), path.name))
        except EmotionError:
            continue  # One torn file does not hide the others.
    return choices
