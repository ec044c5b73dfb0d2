"""Share with everyone: the switch that opens a visitor's run to the others. There on a public server only."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.core.owners import owner_of, share
from emotion.runs.run import Run
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard

LABEL = "Share with everyone"
INFO = "Others see the run's settings and numbers and may use its model; your pictures they do not see."


class Sharing:
    """The switch for the run that is chosen in ``run``."""

    def __init__(self, board: RunBoard, run: gr.Dropdown) -> None:
        self.board = board
        self.switch = gr.Checkbox(label=LABEL, info=INFO, visible=False, elem_id="share")
        self.switch.input(guarded(self.share), [run, self.switch], self.switch, **QUIET)

    def of(self, run: Run) -> Any:
        """Return how the switch stands for a run: hidden for whoever may not turn it."""
        owner = owner_of(run.path)
        return gr.Checkbox(value=owner.shared, visible=bool(owner.owner) and owner.owner == self.board.visitor())

    def share(self, name: str | None, shared: bool) -> Any:
        """Open the run to everybody, or close it again."""
        run = self.board.find(name)
        share(run.path, self.board.visitor(), shared=bool(shared))
        return self.of(run)
