"""One look a second at the runs folder for the whole page. Tells the parts of the page only when something changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from emotion.ui.guard import guarded
from emotion.ui.handlers import POLL, QUIET
from emotion.ui.run_board import RunBoard

SECONDS = 1.0


@dataclass(frozen=True)
class Reader:
    """A part of the page: ``refresh`` takes the values of ``inputs`` and returns a value for each of ``outputs``."""

    refresh: Callable[..., Sequence[Any]]
    inputs: Sequence[Component]
    outputs: Sequence[Any]


class News:
    """Gathers the readers; ``connect`` once all of them are there.

    One event for all of them: every event costs a visitor two requests at each tick.
    """

    def __init__(self, board: RunBoard) -> None:
        self._board = board
        self._readers: list[Reader] = []
        self._timer = gr.Timer(SECONDS)
        self._seen = gr.State("")

    def tell(self, refresh: Callable[..., Sequence[Any]], inputs: Sequence[Component], outputs: Sequence[Any]) -> None:
        """Let a part of the page be refreshed when the page loads and whenever a run has changed."""
        self._readers.append(Reader(refresh, inputs, outputs))

    def after(
        self, refresh: Callable[..., Sequence[Any]], inputs: Sequence[Component], outputs: Sequence[Any], *, turn: str
    ) -> None:
        """Let a part be refreshed after the others, in turn with the events whose ``concurrency_id`` is ``turn``.

        For parts whose answer must not come after that to what a visitor has asked for meanwhile.
        """
        self._seen.change(guarded(refresh), inputs, outputs, concurrency_id=turn, **QUIET)

    def connect(self, page: gr.Blocks) -> None:
        """Register the event."""
        inputs = [self._seen, *(each for reader in self._readers for each in reader.inputs)]
        outputs = [self._seen, *(each for reader in self._readers for each in reader.outputs)]
        gr.on([page.load, self._timer.tick], guarded(self.look), inputs, outputs, **POLL)

    def look(self, seen: str, *values: Any) -> Any:
        """Return everything anew if a run has changed since ``seen``, nothing otherwise."""
        signature = self._board.signature()
        if signature == seen:
            return gr.skip()
        updates: list[Any] = [signature]
        remaining = list(values)
        for reader in self._readers:
            given, remaining = remaining[: len(reader.inputs)], remaining[len(reader.inputs) :]
            updates += reader.refresh(*given)
        return updates
