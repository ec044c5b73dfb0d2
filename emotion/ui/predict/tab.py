"""The Predict tab: which run is in use, and what can be asked of it."""

from __future__ import annotations

import gradio as gr

from emotion.server.services import Services
from emotion.ui.chosen import Chosen
from emotion.ui.news import News
from emotion.ui.predict.batch import ManyPictures
from emotion.ui.predict.beside import Beside
from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard


class PredictTab:
    """The run beside the one in use, and the parts of the tab that ask them."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        chosen.waits()
        with gr.Row(elem_classes="controls"):
            self.beside = Beside(board)
        self.beside.follow(news)
        self.one = OnePicture(services, board, chosen.run, self.beside)
        gr.HTML('<h3 class="section-title">Many pictures</h3>', apply_default_css=False)
        self.many = ManyPictures(services, board, chosen.run)
