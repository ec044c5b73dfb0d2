"""The page's header: the run that all tabs use, which may be picked, and what is being trained."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from emotion.core.format import count
from emotion.ui.address import address, named
from emotion.ui.events import BROWSER_SECRET, on
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard, RunSummary
from emotion.ui.status import sentence
from emotion.ui.words import ENDED, WAITS_FOR_RUN, progress, public_words

NOTHING = {"run": "", "at": 0.0}
# In the browser alone, so that no look comes in between.
PICK = "(run) => ({run, at: Date.now() / 1000})"


class Chosen:
    """The header's widgets and what they do; ``run`` is the picker, whose value is a run's name.

    A training that has finished becomes the run in use, unless the visitor has picked one since it was started: then
    it is offered.
    """

    def __init__(self, board: RunBoard) -> None:
        self.board = board
        self._waits: list[gr.HTML] = []
        # Which run was picked and when, in seconds since 1970; survives a reload.
        self.picked = gr.BrowserState(NOTHING, storage_key="emotion-run", secret=BROWSER_SECRET)
        self._seen, self._offered = gr.State(""), gr.State("")
        with gr.Column(elem_id="in-use", min_width=300):
            self.run = gr.Dropdown([], label="Run in use", elem_id="run-in-use", interactive=True)
            self.state = gr.HTML("", elem_id="training-state", apply_default_css=False)
            self.take = gr.Button("", visible=False, size="sm", elem_id="use-new")
        on(self.run.input, None, self.run, self.picked, js=PICK)
        on(self.take.click, self._take, self._offered, [self.run, self.picked, self.take])
        on(self.run.change, None, self.run, None, js=address("run"))

    def waits(self) -> None:
        """Put a sentence here that is shown as long as no run can be used."""
        self._waits.append(gr.HTML(sentence(WAITS_FOR_RUN, kind="waits"), apply_default_css=False))

    def use(self, name: str) -> dict[Any, Any]:
        """Return the answer of a handler that puts a run into use; its outputs are ``run`` and ``picked``."""
        picked = {"run": name, "at": time.time()}
        return {self.run: gr.Dropdown(_choices(self.board.usable()), value=name), self.picked: picked}

    def when_changed(self, handler: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Let ``handler(name, *inputs)`` give values by widget whenever another run is in use, however it came."""
        on(self.run.change, handler, [self.run, *inputs], outputs, by_page=True, trigger_mode="always_last")

    def follow(self, news: News) -> None:
        """Take up new runs."""
        inputs = [news.address, self.picked, self.run, self._seen]
        outputs = [self.run, self.picked, self.state, self.take, self._seen, self._offered, *self._waits]
        news.tell(self.refresh, inputs, outputs)

    def refresh(self, asked: str, picked: Any, in_use: str | None, seen: str) -> dict[Any, Any]:
        """Offer the runs that can predict, and tell what is being trained."""
        usable, going = self.board.usable(), [each for each in self.board.summaries() if each.status not in ENDED]
        told: dict[Any, Any] = {self.state: training_html(going)}
        name, at = _read(picked)
        if run := named(asked, "run"):
            name, at = run, time.time()
            told[self.picked] = {"run": name, "at": at}
        chosen, offered = choose(usable, own={each.run.name for each in self.board.mine()}, picked=name, at=at)
        value = chosen.run.name if chosen else None
        # What is sent again would close the list, or take back a choice, under the hand of whoever has it open.
        change: dict[str, Any] = {} if value == in_use else {"value": value}
        signature = repr((_choices(usable), offered and offered.run.name))
        if signature == seen:
            return {**told, self.run: gr.Dropdown(**change)} if change else told
        told |= {self._seen: signature, self.run: gr.Dropdown(_choices(usable), **change)}
        told |= {each: gr.HTML(visible=not usable) for each in self._waits}
        label = f"Use the new run: {offered.title}" if offered else ""
        told |= {self.take: gr.Button(label, visible=bool(offered)), self._offered: offered.run.name if offered else ""}
        return told

    def _take(self, name: str) -> dict[Any, Any]:
        return {**self.use(name), self.take: gr.Button(visible=False)}


def choose(
    usable: Sequence[RunSummary], *, own: set[str], picked: str, at: float
) -> tuple[RunSummary | None, RunSummary | None]:
    """Return the run to use and the one to offer, of those that can predict, newest first.

    ``picked`` is what the visitor chose ``at`` a time. A run of their own that was started since is used; one that has
    only finished since is offered.
    """
    newest = next((each for each in usable if each.run.name in own), usable[0] if usable else None)
    chosen = next((each for each in usable if each.run.name == picked), None)
    if newest is None or chosen is None or newest.created > at:
        return newest, None
    return chosen, newest if newest != chosen and newest.ended > at else None


def training_html(going: Sequence[RunSummary]) -> str:
    """Return what is being trained at the moment, in a line; nothing where nothing is."""
    if not going:
        return ""
    first = next((each for each in reversed(going) if each.status != "queued"), going[-1])
    said = progress(first.curve, first.status)
    more = f" ({count(len(going) - 1, 'training')} behind it)" if len(going) > 1 else ""
    bar = f'<i style="width:{said.share * 100:.0f}%"></i>' if said.share is not None else ""
    text = html.escape(public_words(said.sentence + more))
    return f'<p class="going"><span class="going-bar">{bar}</span><span>{text}</span></p>'


def _choices(usable: Sequence[RunSummary]) -> list[tuple[str, str]]:
    return [(each.title, each.run.name) for each in usable]


def _read(picked: Any) -> tuple[str, float]:
    """Read what a browser remembers, which may be anything."""
    if not isinstance(picked, dict) or not isinstance(picked.get("at"), int | float):
        return "", 0.0
    return str(picked.get("run", "")), float(picked["at"])
