"""Choose the run that predicts or compares: the newest one at first, kept once chosen, and what to say without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from emotion.ui.guard import guarded
from emotion.ui.handlers import BROWSER_SECRET, QUIET, offered
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.words import WAITS_FOR_RUN


class RunPicker:
    """The sentence of a tab that waits for a run, and the dropdown; the dropdown is placed with ``place``."""

    def __init__(self, board: RunBoard, *, name: str, label: str) -> None:
        self.board = board
        self._update: Callable[[str | None], Sequence[Any]] = lambda _: []
        self._outputs: Sequence[Any] = []
        self.seen = gr.State("")
        # Survives a reload, as the run that is watched in Train does.
        self.remembered = gr.BrowserState("", storage_key=f"emotion-{name}-run", secret=BROWSER_SECRET, render=False)
        self.waits = gr.HTML(sentence(WAITS_FOR_RUN, kind="waits"), elem_id=f"{name}-waits", apply_default_css=False)
        self.dropdown = gr.Dropdown(
            [], label=label, elem_id=f"{name}-run", interactive=True, render=False, scale=3, min_width=260
        )

    def place(self) -> gr.Dropdown:
        """Put the dropdown here."""
        self.dropdown.render()  # type: ignore[no-untyped-call]  # gradio leaves it untyped
        return self.dropdown

    def also(self, update: Callable[[str | None], Sequence[Any]], outputs: Sequence[Any]) -> None:
        """Let ``update`` give values for ``outputs`` whenever another run is chosen, by a visitor or by itself."""
        self._update, self._outputs = update, outputs
        self.dropdown.input(guarded(update), self.dropdown, outputs, trigger_mode="always_last", **QUIET)

    def follow(self, news: News) -> None:
        """Take up new runs. To be called outside the tab: what a tab remembers is not there before it is opened."""
        self.remembered.render()  # type: ignore[no-untyped-call]  # gradio leaves it untyped
        self.dropdown.input(None, self.dropdown, self.remembered, js="(run) => run", **QUIET)
        view = [self.seen, self.dropdown, self.waits, *self._outputs]
        news.tell(self.refresh, [self.seen, self.dropdown, self.remembered], view)

    def refresh(self, seen: str, chosen: str | None, remembered: str | None) -> list[Any]:
        """Offer the runs that can predict; keep the chosen one, else the one of an earlier visit, else the newest."""
        usable = self.board.usable()
        signature = repr([(each.run.name, each.best) for each in usable])
        if signature == seen:
            # A list that is sent again would close under the hand of whoever has it open.
            return [gr.skip()] * (3 + len(self._outputs))
        names = [each.run.name for each in usable]
        value = next((name for name in (chosen, remembered, *names) if name in names), None)
        choices = [(each.title, each.run.name) for each in usable]
        # In one answer with the dropdown: a second round would overwrite what a quick visitor types meanwhile.
        rest = self._update(value) if value != chosen else [gr.skip()] * len(self._outputs)
        return [signature, offered(choices, chosen=chosen, value=value), gr.HTML(visible=not usable), *rest]
