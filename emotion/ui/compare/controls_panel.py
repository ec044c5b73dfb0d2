"""The Controls section: the compared pictures once more with something taken away, a row for each."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.controls import CONTROLS, Control, keep_control, kept_controls, offered
from emotion.core.errors import EmotionError
from emotion.faces.controls import DrawnControl
from emotion.server.services import Services
from emotion.ui.charts.controls import controls_chart
from emotion.ui.charts.view import EMPTY_HEIGHT, chart, shown
from emotion.ui.compare.controls_report import controls_html
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.studying import carried_out

INTRODUCTION = (
    "Does it read the face, and what of it? Each control takes something away and judges the same pictures again. "
    "What the model does not need, it does not miss."
)
DRAWN_ONLY = "Drawn pictures have four more, which draw the same faces again without a part."
ALL_DONE = "Every control of this comparison is done."
STOPPED = "Stopped: the controls that were done are kept."


class ControlsPanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.services, self.board = services, board
        gr.HTML(f"{sentence(INTRODUCTION)}{sentence(DRAWN_ONLY)}", apply_default_css=False)
        with gr.Row(elem_classes="control-buttons"):
            self.buttons = {
                name: gr.Button(control.title, size="sm", elem_id=f"control-{name}", scale=0, min_width=0)
                for name, control in CONTROLS.items()
            }
        with gr.Row(elem_classes="control-buttons"):
            self.all = gr.Button("All controls", size="sm", elem_id="controls-all", scale=0, min_width=0)
            self.stop = gr.Button(
                "Stop", size="sm", elem_id="controls-stop", scale=0, min_width=0, variant="stop", interactive=False
            )
        self.status = gr.HTML("", elem_id="controls-status", apply_default_css=False)
        with gr.Column(visible=False) as self.results:
            self.chart = chart(EMPTY_HEIGHT, label="What each control changes", name="controls-chart")
        self.table = gr.HTML("", elem_id="controls-table", apply_default_css=False)
        self.drawn = [self.buttons[name] for name, each in CONTROLS.items() if isinstance(each, DrawnControl)]
        self.view: list[Any] = [self.status, self.results, self.chart, self.table, *self.drawn]
        self._connect(run, saved)

    def _connect(self, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        looks: list[dict[str, Any]] = [
            button.click(
                guarded_stream(self._looker(name)), [run, saved], [self.stop, *self.view], concurrency_id="study",
                **QUIET,
            )
            for name, button in {**self.buttons, "": self.all}.items()
        ]  # fmt: skip
        stop = self.stop.click(None, cancels=looks, **QUIET)
        # Once the look has ended, or its last word would wipe it away.
        stop.then(
            lambda: [sentence(STOPPED), gr.Button(interactive=False)], None, [self.status, self.stop], **QUIET
        )  # fmt: skip

    def _looker(self, name: str) -> Callable[[str | None, str | None], Generator[list[Any], None, None]]:
        def look(run: str | None, saved: str | None) -> Generator[list[Any], None, None]:
            yield from self.look(name, run, saved)

        return look

    def look(self, name: str, run: str | None, saved: str | None) -> Generator[list[Any], None, None]:
        """Do one control of the shown comparison, or all that are missing for "", and show each as it is done."""
        comparison, file = shown_comparison(self.board, run, saved)
        done = kept_controls(file)
        names = [name] if name else [each.name for each in offered(comparison) if each.name not in done]
        if not names:
            raise EmotionError(ALL_DONE)
        rest = [gr.skip()] * (len(self.view) - 1)
        try:
            for each in names:
                study = Control(self.board.find(run), str(file), each)
                result = yield from carried_out(
                    self.services, study, place=lambda line: [gr.Button(interactive=True), line, *rest]
                )
                keep_control(file, result)
                yield [gr.skip(), *self._shown(comparison, file)]
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield self._idle()
            raise
        yield self._idle()

    def reopen(self, run: str | None, saved: str | None) -> list[Any]:
        """Show what is kept of a comparison."""
        return self._shown(*shown_comparison(self.board, run, saved))

    def _idle(self) -> list[Any]:
        return [gr.Button(interactive=False), "", *[gr.skip()] * (len(self.view) - 1)]

    def _shown(self, comparison: Comparison, file: Path) -> list[Any]:
        results = kept_controls(file)
        there = {each.name for each in offered(comparison)}
        is_drawn = all(name in there for name in CONTROLS)
        return [
            "",
            gr.Column(visible=bool(results)),
            shown(controls_chart(results)) if results else gr.skip(),
            controls_html(comparison, results),
            *[gr.Button(visible=is_drawn)] * len(self.drawn),
        ]
