"""The further questions to a comparison, each in a section of its own that opens on demand."""

from __future__ import annotations

from typing import Any, Protocol

import gradio as gr

from emotion.server.services import Services
from emotion.ui.compare.calibration_panel import CalibrationPanel
from emotion.ui.compare.controls_panel import ControlsPanel
from emotion.ui.compare.cue_panel import CuePanel
from emotion.ui.compare.luck_panel import LuckPanel
from emotion.ui.compare.map_panel import MapPanel
from emotion.ui.compare.saliency_panel import SaliencyPanel
from emotion.ui.run_board import RunBoard


class Panel(Protocol):
    """A section: ``view`` are the widgets that show another comparison when one comes on screen."""

    view: list[Any]

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Return values for ``view``: what is kept of the comparison, or what there is to do."""


SECTIONS: tuple[tuple[str, str, Any], ...] = (
    ("luck", "Luck: what would other draws and other trainings show?", LuckPanel),
    ("controls", "Controls: what does it need to see?", ControlsPanel),
    ("saliency", "Saliency: what is it looking at?", SaliencyPanel),
    ("cues", "Cue probe: which part of a face moves it?", CuePanel),
    ("map", "Feature map: do emotions or species lie together?", MapPanel),
    ("calibration", "Calibration: is it right as often as it is sure?", CalibrationPanel),
)


def build_panels(services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> list[Panel]:
    """Build every section, closed, and return their panels."""
    panels: list[Panel] = []
    for name, title, kind in SECTIONS:
        with gr.Accordion(title, open=False, elem_id=f"{name}-section", elem_classes="question"):
            panels.append(kind(services, board, run, saved))
    return panels
