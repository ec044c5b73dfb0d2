"""The Predict tab: which run is in use, and what can be asked of it."""

from __future__ import annotations

import gradio as gr

from emotion.server.services import Services
from emotion.ui.predict.batch import ManyPictures
from emotion.ui.predict.beside import Beside
from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard
from emotion.ui.run_picker import RunPicker


class PredictTab:
    """The run in use and the one beside it, and the parts of the tab that ask them."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self.picker = RunPicker(board, name="predict", label="Run in use")
        with gr.Row(elem_classes="controls"):
            self.run = self.picker.place()
            self.beside = Beside(board)
        self.one = OnePicture(services, board, self.run, self.beside)
        gr.HTML('<h3 class="section-title">Many pictures</h3>', apply_default_css=False)
        self.many = ManyPictures(services, board, self.run)
