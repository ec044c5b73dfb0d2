"""The Calibration section: whether a run's probabilities mean what they say, on each set of a comparison."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.analysis.calibration import calibrate
from emotion.core.errors import RunError
from emotion.runs.validation import load_validation
from emotion.server.services import Services
from emotion.ui.charts.calibration import reliability_chart
from emotion.ui.charts.view import EMPTY_HEIGHT, chart, shown
from emotion.ui.compare.calibration_report import finding_html, reading_html, table_html
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence

NOTHING_YET = (
    "Of all pictures that the run is 70 % sure of, is it right about 70 %? The validation pictures say how far its "
    "probabilities are to be scaled, the comparison whether that helps on other species."
)
SEED = 0


class CalibrationPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.board = board
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Check calibration", elem_id="calibrate", scale=0, min_width=180)
        self.finding = gr.HTML(sentence(NOTHING_YET), elem_id="calibration-finding", apply_default_css=False)
        with gr.Row(visible=False, elem_classes="columns") as self.columns:
            with gr.Column(min_width=320):
                self.chart = chart(EMPTY_HEIGHT, label="Reliability: hollow raw, filled at T", name="reliability")
            with gr.Column(min_width=320):
                self.reading = gr.HTML("", elem_id="calibration-reading", apply_default_css=False)
        self.table = gr.HTML("", elem_id="calibration-table", apply_default_css=False)
        self.view: list[Any] = [self.finding, self.columns, self.chart, self.reading, self.table]
        self.go.click(guarded(self.check), [run, saved], self.view, **QUIET)

    def check(self, name: str | None, saved: str | None) -> list[Any]:
        """Fit the run's temperature and show what it does to its validation pictures and to the compared sets."""
        run = self.board.choose(name)
        comparison = shown_comparison(self.board, run.name, saved)[0] if saved else None
        try:
            found = calibrate(load_validation(run), comparison, seed=SEED)
        except RunError as error:
            return self._empty(str(error))
        return [
            finding_html(found, run, comparison),
            gr.Row(visible=True),
            shown(reliability_chart(found)),
            reading_html(found, comparison),
            table_html(found),
        ]

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Clear the section for another comparison: what it shows is computed in a moment, and kept nowhere."""
        return self._empty(NOTHING_YET)

    def _empty(self, text: str) -> list[Any]:
        return [sentence(text), gr.Row(visible=False), gr.skip(), "", ""]
