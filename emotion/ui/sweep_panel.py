"""The Sweep section: one training for each value of a setting, their curves over each other, and a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from plotly.graph_objects import Figure

from emotion.core.errors import EmotionError
from emotion.runs.run import Run
from emotion.runs.sweep import SWEPT_SETTINGS, PlannedRun, plan_sweep
from emotion.server.services import Services
from emotion.ui.charts.training import HEIGHT, Measure, overlay_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded
from emotion.ui.handlers import POLL, QUIET
from emotion.ui.news import News
from emotion.ui.picture_sets import find_set, list_picture_sets
from emotion.ui.run_board import RunBoard
from emotion.ui.settings import Settings
from emotion.ui.sweep_report import WAITING, sweep_legend, sweep_status, sweep_table
from emotion.ui.sweeps import Sweep, find_sweep, newest_sweep

POLL_SECONDS = 0.5
FIRST = "batch_size"
NOTE = "Trains once for each value. The picture set and all other settings are those on the screen."


@dataclass(frozen=True)
class SweepWatch:
    """Which sweep a page shows, and as of which state its words and its curves are on the screen."""

    id: str | None = None
    is_going: bool = False
    state: str = ""
    drawn: str = ""


class SweepPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, pictures: gr.Dropdown, settings: Settings) -> None:
        self.services, self.board, self.settings = services, board, settings
        self.watch = gr.State(SweepWatch())
        self.timer = gr.Timer(POLL_SECONDS, active=False)
        with gr.Accordion("Sweep: several values of one setting", open=False, elem_id="sweep-panel") as self.accordion:
            gr.HTML(f'<p class="note">{NOTE}</p>', apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                self._build_controls()
            self.status = gr.HTML(_standing(None), elem_id="sweep-status", apply_default_css=False)
            with gr.Row(elem_classes="columns"):
                with gr.Column(min_width=320):
                    self.loss = chart(HEIGHT, label="Loss by value", name="sweep-loss", says=WAITING)
                with gr.Column(min_width=320):
                    self.accuracy = chart(HEIGHT, label="Accuracy by value", name="sweep-accuracy", says=WAITING)
            self.table = gr.HTML(
                sweep_table(None), elem_id="sweep-table", js_on_load=_OPENS_A_RUN, apply_default_css=False
            )
        self.view: list[Any] = [
            self.watch, self.status, self.loss, self.accuracy, self.table, self.start, self.stop, self.timer,
        ]  # fmt: skip
        self._connect(pictures)

    def _build_controls(self) -> None:
        choices = [(swept.label, name) for name, swept in SWEPT_SETTINGS.items()]
        self.setting = gr.Dropdown(
            choices, value=FIRST, label="Setting to vary", elem_id="sweep-setting", min_width=180
        )
        self.values = gr.Textbox(
            SWEPT_SETTINGS[FIRST].sweep, label="Values", max_lines=1, elem_id="sweep-values", min_width=180
        )
        self.start = gr.Button("Sweep", elem_id="sweep", min_width=120)
        self.stop = gr.Button("Stop sweep", variant="stop", elem_id="stop-sweep", min_width=120, interactive=False)

    def _connect(self, pictures: gr.Dropdown) -> None:
        # In the browser alone, so that Sweep pressed right after takes the new values.
        proposed = json.dumps({name: swept.sweep for name, swept in SWEPT_SETTINGS.items()})
        self.setting.input(None, self.setting, self.values, js=f"(setting) => ({proposed})[setting]", **QUIET)
        gr.on(
            [self.start.click, self.values.submit],
            guarded(self.start_sweep),
            [self.watch, self.setting, self.values, pictures, *self.settings.inputs],
            self.view,
            concurrency_id="start",
            **QUIET,
        )
        self.stop.click(guarded(self.stop_sweep), self.watch, self.view, **QUIET)
        self.timer.tick(guarded(self.poll), self.watch, self.view, **POLL)

    def connect(self, page: gr.Blocks) -> None:
        """Show the newest sweep when the page loads."""
        page.load(guarded(self.attach), None, [self.accordion, *self.view], **POLL)

    def follow(self, news: News) -> None:
        """Keep a sweep that is over up with its runs: one may be resumed, another deleted."""
        news.tell(lambda *given: dict(zip(self.view, self.refresh(*given), strict=True)), [self.watch], self.view)

    def start_sweep(self, seen: SweepWatch, setting: str, values: str, pictures: str | None, *settings: Any) -> Any:
        """Queue a training for each value, or none at all, and watch them."""
        if seen.is_going:
            return gr.skip()
        chosen = find_set(pictures, sets=list_picture_sets())
        config = self.settings.read(settings, pictures=str(chosen.folder))
        planned = plan_sweep(config, setting=setting, values=values or "")
        self._start_all(planned)
        return self.show(planned[0].member.id)

    def stop_sweep(self, seen: SweepWatch) -> list[Any]:
        """Stop the run of this sweep that is trained and withdraw those that wait; other runs go on."""
        sweep = find_sweep(self.board.summaries(), seen.id)
        # The last one first: otherwise the next one would begin when the one in hand has stopped.
        for each in reversed(sweep.summaries if sweep else []):
            if each.status in ("queued", "running"):
                each.run.request_stop()
        return self.show(seen.id, on_screen=seen)

    def attach(self) -> list[Any]:
        """Show the newest sweep, in the open where it is still going."""
        sweep = newest_sweep(self.board.mine())
        accordion = gr.Accordion(open=True) if sweep and sweep.is_going else gr.skip()
        return [accordion, *self.show(sweep.id if sweep else None)]

    def poll(self, seen: SweepWatch) -> Any:
        """Look for news of the sweep; leave the screen alone where there are none."""
        sweep = find_sweep(self.board.summaries(), seen.id)
        return gr.skip() if _watch(sweep) == seen else self.show(seen.id, on_screen=seen)

    def refresh(self, seen: SweepWatch) -> list[Any]:
        """Look for news of a sweep that is over; one that is going is polled anyway."""
        if seen.is_going or _watch(find_sweep(self.board.summaries(), seen.id)) == seen:
            return [gr.skip() for _ in self.view]
        return self.show(seen.id, on_screen=seen)

    def show(self, sweep_id: str | None, *, on_screen: SweepWatch | None = None) -> list[Any]:
        """Return what every widget shows of a sweep; charts only where they differ from those on the screen."""
        sweep = find_sweep(self.board.summaries(), sweep_id)
        known = _watch(sweep)
        is_drawn = on_screen is not None and (on_screen.id, on_screen.drawn) == (known.id, known.drawn)
        return [
            known,
            _standing(sweep),
            *([gr.skip()] * 2 if is_drawn else [shown(_overlay(sweep, "loss")), shown(_overlay(sweep, "accuracy"))]),
            sweep_table(sweep),
            gr.Button(interactive=not known.is_going),
            gr.Button(interactive=known.is_going),
            gr.Timer(active=known.is_going),
        ]

    def _start_all(self, planned: Sequence[PlannedRun]) -> None:
        started: list[Run] = []
        try:
            for each in planned:
                started.append(self.services.start_training(each.config, sweep=each.member))
        except EmotionError:
            # Half a sweep, for want of disk say, is none: what was queued is withdrawn.
            for run in reversed(started):
                run.request_stop()
            raise


def _watch(sweep: Sweep | None) -> SweepWatch:
    return SweepWatch(sweep.id, sweep.is_going, sweep.state(), sweep.drawn()) if sweep else SweepWatch()


def _standing(sweep: Sweep | None) -> str:
    return sweep_status(sweep) + sweep_legend(sweep)


def _overlay(sweep: Sweep | None, measure: Measure) -> Figure:
    epochs = max(each.config.epochs for each in sweep.summaries) if sweep else 0
    curves = sweep.curves() if sweep else {}
    drawn = overlay_chart(curves, measure, epochs=epochs, waiting=WAITING, uirevision=sweep.id if sweep else "none")
    # One legend for both stands above them: inside, a dozen values on a phone would leave the curves no room.
    return drawn.update_layout(showlegend=False, margin={"t": 12})


_OPENS_A_RUN = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-run]');
    if (button) trigger('click', {run: button.dataset.run});
});
"""
