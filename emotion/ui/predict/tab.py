"""The Predict tab: one picture, a live camera, and many pictures at once, judged by the run in use."""

from typing import Any

import gradio as gr

from emotion.server.services import Services
from emotion.ui.chosen import Chosen
from emotion.ui.events import Values
from emotion.ui.html import put
from emotion.ui.news import News
from emotion.ui.predict.live import LiveCamera
from emotion.ui.predict.many import ManyPictures
from emotion.ui.predict.one import OnePicture
from emotion.ui.run_board import RunBoard

NONE = ("no other run", "")


class PredictTab:
    """The parts of the tab; it refreshes the list of other runs."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.board = board
        self.seen = gr.State("")
        chosen.waits()
        with gr.Tabs(elem_id="predict-ways"):
            with gr.Tab("A picture"):
                self.one = OnePicture(services, board, chosen.run)
            with gr.Tab("Live camera"):
                self.live = LiveCamera(services, board, chosen.run)
        put('<h3 class="section-title">Many pictures</h3>')
        self.many = ManyPictures(services, board, chosen.run)
        news.tell(self.refresh, [self.seen, self.one.other], [self.seen, self.one.other])

    def refresh(self, seen: str, chosen: str | None) -> Values:
        """Offer the usable runs for comparison with the run in use, without changing the choice."""
        usable = self.board.usable()
        signature = repr([(each.run.name, each.title) for each in usable])
        if signature == seen:
            # Sending the list again would close it while a visitor has it open.
            return {}
        choices = [NONE, *((each.title, each.run.name) for each in usable)]
        # Sending a value would undo the visitor's latest choice.
        gone: dict[str, Any] = {} if chosen in [name for _, name in choices] else {"value": ""}
        return {self.seen: signature, self.one.other: gr.Dropdown(choices, **gone)}
