"""The Feature map section: pictures of every compared set laid out by what the classifier is fed of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.feature_map import KEPT_AS, MOST_POINTS, PER_CLASS, FeatureMap, MapResult, kept_map
from emotion.analysis.keeping import keep
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.charts.feature_map import HEIGHT as MAP_HEIGHT
from emotion.ui.charts.feature_map import feature_map_chart
from emotion.ui.charts.picture_points import picture_chart
from emotion.ui.charts.view import shown
from emotion.ui.compare.map_report import cost_html, finding_html, small_copies
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence, status_box
from emotion.ui.studying import carried_out

INTRODUCTION = (
    f"Where do animals lie among people, as the classifier sees them? Up to {PER_CLASS} pictures of each emotion of "
    f"each compared set, {MOST_POINTS} at most, on the two axes along which the training pictures differ most."
)
STOPPED = "Stopped: what was looked at is kept, the map is not drawn."
GETTING_READY = status_box("running", "running", "Getting ready.", None)


class MapPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.services, self.board = services, board
        gr.HTML(sentence(INTRODUCTION), apply_default_css=False)
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Draw the map", elem_id="map", scale=0, min_width=200)
            self.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="map-stop", scale=0, min_width=90)
        self.cost = gr.HTML("", elem_id="map-cost", apply_default_css=False)
        self.status = gr.HTML("", elem_id="map-status", apply_default_css=False)
        self.finding = gr.HTML("", elem_id="map-finding", apply_default_css=False)
        with gr.Column(visible=False) as self.results:
            self.chart = picture_chart(
                MAP_HEIGHT, label="Pictures by their features: colour is emotion, shape is set",
                name="map-chart",
            )  # fmt: skip
        self.view: list[Any] = [self.cost, self.status, self.finding, self.results, self.chart]
        self._connect(run, saved)

    def _connect(self, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        draw = self.go.click(
            guarded_stream(self.draw), [run, saved], [self.stop, *self.view], concurrency_id="study", **QUIET
        )
        draw.then(guarded(self.finish), [run, saved], [self.stop, *self.view], **QUIET)
        stop = self.stop.click(lambda: gr.Button(interactive=False), None, self.stop, cancels=draw, **QUIET)
        stop.then(lambda: sentence(STOPPED), None, self.status, **QUIET)

    def draw(self, name: str | None, saved: str | None) -> Generator[list[Any], None, None]:
        """Lay out pictures of the shown comparison's sets and keep the map."""
        rest = [gr.skip()] * 3
        idle = [gr.Button(interactive=False), gr.skip(), "", *rest]
        try:
            _, file = shown_comparison(self.board, name, saved)
            yield [gr.Button(interactive=True), gr.skip(), GETTING_READY, *rest]
            result = yield from carried_out(
                self.services,
                FeatureMap(self.board.find(name), str(file)),
                place=lambda line: [gr.skip(), gr.skip(), line, *rest],
            )
            keep(file, KEPT_AS, result.to_json())
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield idle
            raise
        yield idle

    def finish(self, name: str | None, saved: str | None) -> list[Any]:
        """Show the map of the comparison that is on screen by now, which may be another one."""
        values = self.reopen(name, saved) if name and saved else [gr.skip()] * len(self.view)
        # What Stop says there may have come before.
        values[self.view.index(self.status)] = gr.skip()
        return [gr.Button(interactive=False), *values]

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Show what is kept of a comparison, or what a map of it would cost."""
        comparison, file = shown_comparison(self.board, name, saved)
        return self._shown(self.board.find(name), comparison, kept_map(file))

    def _shown(self, run: Run, comparison: Comparison, result: MapResult | None) -> list[Any]:
        if result is None:
            cost = cost_html(run, comparison, runs=self.board.summaries())
            return [cost, "", "", gr.Column(visible=False), gr.skip()]
        chart = feature_map_chart(result, small_copies(comparison, result))
        return ["", "", finding_html(comparison, result), gr.Column(visible=True), shown(chart)]
