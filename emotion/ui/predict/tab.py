"""The Predict tab: which run is in use, and what can be asked of it."""

from __future__ import annotations

from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard
from emotion.ui.run_picker import RunPicker
from emotion.ui.services import Services


class PredictTab:
    """The run in use, and the parts of the tab that ask it."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self.picker = RunPicker(board, name="predict", label="Run in use")
        self.run = self.picker.place()
        self.one = OnePicture(services, board, self.run)
