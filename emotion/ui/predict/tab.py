"""The Predict tab: one picture, a live camera, and many pictures at once, each asked of the run in use."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.server.services import Services
from emotion.ui.handlers import offered
from emotion.ui.news import News
from emotion.ui.predict.live import LiveCamera
from emotion.ui.predict.many import ManyPictures
from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard
from emotion.ui.run_picker import RunPicker

NONE = ("no other run", "")


class PredictTab:
    """The run in use and the one beside it, and the parts of the tab that ask them."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self.board = board
        self.picker = RunPicker(board, name="predict", label="Run in use")
        with gr.Row(elem_classes="controls"):
            run = self.picker.place()
            self.other = gr.Dropdown(
                [NONE], value="", label="Compare with another run", elem_id="predict-beside", interactive=True, scale=2,
                min_width=260,
            )  # fmt: skip
        self.seen = gr.State("")
        with gr.Tabs(elem_id="predict-ways"):
            with gr.Tab("A picture"):
                self.one = OnePicture(services, board, run, self.other)
            with gr.Tab("Live camera"):
                self.live = LiveCamera(services, board, run)
        gr.HTML('<h3 class="section-title">Many pictures</h3>', apply_default_css=False)
        self.many = ManyPictures(services, board, run)

    def follow(self, news: News) -> None:
        """Offer new runs as they come."""
        self.picker.follow(news)
        news.tell(self.refresh, [self.seen, self.other], [self.seen, self.other])

    def refresh(self, seen: str, chosen: str | None) -> list[Any]:
        """Offer the runs that can predict, and keep the chosen one."""
        usable = self.board.usable()
        signature = repr([(each.run.name, each.best) for each in usable])
        if signature == seen:
            # A list that is sent again would close under the hand of whoever has it open.
            return [gr.skip()] * 2
        choices = [NONE, *((each.title, each.run.name) for each in usable)]
        value = chosen if chosen in [name for _, name in choices] else ""
        return [signature, offered(choices, chosen=chosen, value=value)]
