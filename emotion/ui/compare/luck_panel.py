"""The Luck section: the shown comparison repeated with other training seeds and other draws of its sample."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.keeping import keep
from emotion.analysis.luck import KEPT_AS, SEEDS, Luck, check_seeds, kept_luck
from emotion.core.errors import ConfigError
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.charts.luck import HEIGHT as LUCK_HEIGHT
from emotion.ui.charts.luck import luck_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.compare.luck_report import cost_html, finding_html, table_html
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence, status_box
from emotion.ui.studying import carried_out

INTRODUCTION = (
    "Would another training, or another draw of the pictures, have said the same? The classifier is trained again with "
    "other seeds, and each training judges 200 samples drawn anew."
)
GETTING_READY = status_box("running", "running", "Getting ready.", None)
STOPPED = "Stopped: nothing of it is kept."


class LuckPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.services, self.board = services, board
        gr.HTML(sentence(INTRODUCTION), apply_default_css=False)
        with gr.Row(elem_classes="actions"):
            self.seeds = gr.Number(
                SEEDS, label="Training seeds", precision=0, elem_id="luck-seeds", scale=0, min_width=130
            )
            self.go = gr.Button(_label(SEEDS), elem_id="luck", scale=0, min_width=200)
            self.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="luck-stop", scale=0, min_width=90)
        self.cost = gr.HTML("", elem_id="luck-cost", apply_default_css=False)
        self.status = gr.HTML("", elem_id="luck-status", apply_default_css=False)
        self.finding = gr.HTML("", elem_id="luck-finding", apply_default_css=False)
        with gr.Column(visible=False) as self.results:
            self.chart = chart(LUCK_HEIGHT, label="Results over trainings and draws", name="luck-chart")
            self.table = gr.HTML("", elem_id="luck-table", apply_default_css=False)
        self.view: list[Any] = [
            self.seeds, self.go, self.cost, self.status, self.finding, self.results, self.chart, self.table,
        ]  # fmt: skip
        self._connect(run, saved)

    def _connect(self, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.seeds.change(guarded(self.announce), [run, saved, self.seeds], [self.go, self.cost], **QUIET)
        repeat = self.go.click(
            guarded_stream(self.repeat), [run, saved, self.seeds], [self.stop, *self.view],
            concurrency_id="study", **QUIET,
        )  # fmt: skip
        repeat.then(guarded(self.finish), [run, saved], [self.stop, *self.view], **QUIET)
        stop = self.stop.click(lambda: gr.Button(interactive=False), None, self.stop, cancels=repeat, **QUIET)
        stop.then(lambda: sentence(STOPPED), None, self.status, **QUIET)

    def repeat(self, name: str | None, saved: str | None, seeds: float | None) -> Generator[list[Any], None, None]:
        """Repeat the shown comparison and keep what came out."""
        before, after = [gr.skip()] * 3, [gr.skip()] * 4
        idle = [gr.Button(interactive=False), *before, "", *after]
        try:
            _, file = shown_comparison(self.board, name, saved)
            study = Luck(self.board.find(name), str(file), seeds=check_seeds(seeds))
            yield [gr.Button(interactive=True), *before, GETTING_READY, *after]
            result = yield from carried_out(self.services, study, place=lambda line: [gr.skip(), *before, line, *after])
            keep(file, KEPT_AS, result.to_json())
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield idle
            raise
        yield idle

    def finish(self, name: str | None, saved: str | None) -> list[Any]:
        """Show what is kept of the comparison that is on screen by now, which may be another one."""
        values = self.reopen(name, saved) if name and saved else [gr.skip()] * len(self.view)
        # What Stop says there may have come before.
        values[self.view.index(self.status)] = gr.skip()
        return [gr.Button(interactive=False), *values]

    def announce(self, name: str | None, saved: str | None, seeds: float | None) -> list[Any]:
        """Say what so many seeds cost."""
        if not name or not saved:
            return [gr.skip()] * 2
        comparison, file = shown_comparison(self.board, name, saved)
        try:
            return self._shown(self.board.find(name), comparison, file, check_seeds(seeds))[1:3]
        except ConfigError as error:
            return [gr.skip(), sentence(str(error))]

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Show what is kept of a comparison, or what a repeat of it would cost."""
        comparison, file = shown_comparison(self.board, name, saved)
        result = kept_luck(file)
        seeds = len(result.seeds) if result and result.is_retrained else SEEDS
        return self._shown(self.board.find(name), comparison, file, seeds)

    def _shown(self, run: Run, comparison: Comparison, file: Path, seeds: int) -> list[Any]:
        result = kept_luck(file)
        is_retrained = run.config().depth == "head"
        cost = cost_html(run, comparison, seeds=seeds, is_known=result is not None, runs=self.board.summaries())
        return [
            gr.Number(seeds, visible=is_retrained),
            gr.Button(_label(seeds) if is_retrained else "Draw anew 200 times"),
            cost,
            "",
            finding_html(result, comparison) if result else "",
            gr.Column(visible=result is not None),
            shown(luck_chart(result)) if result else gr.skip(),
            table_html(result) if result else "",
        ]


def _label(seeds: int) -> str:
    return f"Repeat with {seeds} seeds"
