"""The Predict tab: one picture, a live camera, and many pictures at once, each asked of the run in use."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.server.services import Services
from emotion.ui.chosen import Chosen
from emotion.ui.handlers import offered
from emotion.ui.news import News
from emotion.ui.predict.live import LiveCamera
from emotion.ui.predict.many import ManyPictures
from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard

NONE = ("no other run", "")


class PredictTab:
    """The parts of the tab, and the run beside the one in use."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.board = board
        self.seen = gr.State("")
        chosen.waits()
        with gr.Tabs(elem_id="predict-ways"):
            with gr.Tab("A picture"):
                self.one = OnePicture(services, board, chosen.run)
            with gr.Tab("Live camera"):
                self.live = LiveCamera(services, board, chosen.run)
        gr.HTML('<h3 class="section-title">Many pictures</h3>', apply_default_css=False)
        self.many = ManyPictures(services, board, chosen.run)
        news.tell(self.refresh, [self.seen, self.one.other], [self.seen, self.one.other])

    def refresh(self, seen: str, chosen: str | None) -> dict[Any, Any]:
        """Offer the runs that can predict to be set beside the one in use, and keep the chosen one."""
        usable = self.board.usable()
        signature = repr([(each.run.name, each.title) for each in usable])
        if signature == seen:
            # A list that is sent again would close under the hand of whoever has it open.
            return {}
        choices = [NONE, *((each.title, each.run.name) for each in usable)]
        value = chosen if chosen in [name for _, name in choices] else ""
        return {self.seen: signature, self.one.other: offered(choices, chosen=chosen, value=value)}
