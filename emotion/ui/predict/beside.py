"""Another run beside the one in use: which one, its verdict, and what differs on the same picture."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from emotion.core.format import exact_percent, points
from emotion.core.prediction import Prediction
from emotion.runs.run import Run
from emotion.ui.charts.look import waiting
from emotion.ui.charts.results import PROBABILITY_HEIGHT, WAITING, probability_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.handlers import offered
from emotion.ui.news import News
from emotion.ui.predict.verdict import verdict_html
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence

NONE = ""
SAME = "That is the run in use: choose another one to set beside it."
# A single picture is one draw.
NOTE = "One picture does not tell which run is better: Cross-species compares a run on samples."


class Beside:
    """The second picker, and the column that shows what its run says; ``view`` is what ``show`` gives values for."""

    def __init__(self, board: RunBoard) -> None:
        self.board = board
        self.seen = gr.State("")
        self.other = gr.Dropdown(
            [("no other run", NONE)], value=NONE, label="Compare with another run", elem_id="predict-beside",
            interactive=True, scale=2, min_width=260,
        )  # fmt: skip

    def place(self) -> None:
        """Put the column of the other run here."""
        with gr.Column(visible=False, min_width=300) as self.column:
            self.verdict = gr.HTML("", elem_id="verdict-beside", apply_default_css=False)
            self.bars = chart(
                PROBABILITY_HEIGHT, label="Probability by the other run", name="bars-beside", says=WAITING
            )

    def place_difference(self) -> None:
        """Put the line that says what differs here."""
        self.difference = gr.HTML("", elem_id="difference", apply_default_css=False)
        self.view: list[Any] = [self.column, self.verdict, self.bars, self.difference]

    def follow(self, news: News) -> None:
        """Offer new runs as they come."""
        view = [self.seen, self.other]
        news.tell(lambda *given: dict(zip(view, self.refresh(*given), strict=True)), view, view)

    def refresh(self, seen: str, chosen: str | None) -> list[Any]:
        """Offer the runs that can predict, and keep the chosen one."""
        usable = self.board.usable()
        signature = repr([(each.run.name, each.best) for each in usable])
        if signature == seen:
            # A list that is sent again would close under the hand of whoever has it open.
            return [gr.skip()] * 2
        choices = [("no other run", NONE), *((each.title, each.run.name) for each in usable)]
        value = chosen if chosen in [name for _, name in choices] else NONE
        return [signature, offered(choices, chosen=chosen, value=value)]

    def find(self, name: str | None, *, in_use: Run) -> Run | None:
        """Return the other run; None where none is chosen, or the one in use.

        Raises:
            RunError: it is gone.
        """
        return self.board.find(name) if name and name != in_use.name else None

    def show(self, first: Prediction, second: Prediction, run: Run, *, is_drawn: bool) -> list[Any]:
        """Show what the other run says beside the first one."""
        bars = probability_chart(second.scores, beside=first.scores, is_muted=bool(second.is_unknown))
        said = verdict_html(second, run, is_drawn=is_drawn)
        return [gr.Column(visible=True), said, shown(bars), difference_html(first, second)]

    def nothing(self, *, said: str = "") -> list[Any]:
        """Show nothing, but a sentence that says why."""
        return [gr.Column(visible=False), "", waiting(WAITING, height=PROBABILITY_HEIGHT), sentence(said)]


def difference_html(first: Prediction, second: Prediction) -> str:
    """Return what differs between the run in use and the other one, with what one picture is worth."""
    said = html.escape(difference(first, second))
    return f'<div class="headline"><p class="finding">{said}</p><p class="basis">{NOTE}</p></div>'


def difference(first: Prediction, second: Prediction) -> str:
    """Return in a sentence or two what differs: the labels, and the probability of the first one's label."""
    label = first.label
    head = (
        f"Both say {label}."
        if second.label == label
        else f"They differ: the run in use says {label}, the other one {second.label}."
    )
    if label not in second.scores:
        return f"{head} The other one knows no class “{label}”."
    before, after = first.scores[label], second.scores[label]
    change = f"{points(after - before)} points"
    return f"{head} “{label}” has {exact_percent(before)} in use and {exact_percent(after)} in the other: {change}."
