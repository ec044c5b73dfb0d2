"""The page's one poll: a script asks whether a run has changed, and only then the parts of the page look anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emotion.server.limits import is_public
from emotion.ui.address import ASKED
from emotion.ui.events import on, presses
from emotion.ui.run_board import RunBoard
from emotion.ui.visitor import visitor_of

ADDRESS = "/news"
# While a run goes on, and at rest; nobody asks for a page that is not seen.
GOING_MILLISECONDS, REST_MILLISECONDS = 300, 2000
Refresh = Callable[..., Any]


@dataclass(frozen=True)
class Reader:
    """A part of the page: ``refresh`` takes the values of ``inputs`` and returns values by widget."""

    refresh: Refresh
    inputs: Sequence[Component]
    outputs: Sequence[Any]


class News:
    """Gathers the readers; ``connect`` once all of them are there."""

    def __init__(self, board: RunBoard) -> None:
        self._board = board
        self._readers: list[Reader] = []
        # As an input its value is the address's query at the first look (see ``address.named``), what was seen later.
        self.address = gr.HTML("", js_on_load=_ASKS, elem_id="news", visible="hidden", apply_default_css=False)

    def tell(self, refresh: Refresh, inputs: Sequence[Component], outputs: Sequence[Any]) -> None:
        """Let a part of the page be refreshed when the page loads and whenever a run has changed."""
        self._readers.append(Reader(refresh, inputs, outputs))

    def connect(self, page: gr.Blocks) -> None:
        """Register the events."""
        inputs = list(dict.fromkeys([self.address, *(each for reader in self._readers for each in reader.inputs)]))
        outputs = list(dict.fromkeys([self.address, *(each for reader in self._readers for each in reader.outputs)]))
        options: dict[str, Any] = {"by_page": True, "concurrency_limit": None}
        self._inputs = inputs
        on(page.load, self.look, inputs, outputs, js=ASKED, **options)
        on(self.address.click, self.look, inputs, outputs, **options)

    def look(self, *values: Any) -> dict[Any, Any]:
        """Return what has changed; nothing where the visitor has asked for something meanwhile: it is asked again."""
        began, given = presses(), dict(zip(self._inputs, values, strict=True))
        told: dict[Any, Any] = {self.address: self._board.signature(self._board.visitor())}
        for reader in self._readers:
            told |= reader.refresh(*(given[each] for each in reader.inputs))
        return told if presses() == began else {}


def news_route(board: RunBoard) -> Callable[[Request], PlainTextResponse]:
    """Return what answers the script: the state of the runs that the visitor may see, in a few letters."""

    def answer(request: Request) -> PlainTextResponse:
        visitor = visitor_of(request.scope) if is_public() else None
        return PlainTextResponse(board.signature(visitor), headers={"cache-control": "no-store"})

    return answer


# What is told stays the widget's value: a look that is thrown away is made again.
_ASKS = f"""
let waiting;
const ask = async () => {{
    clearTimeout(waiting);
    let told = '';
    if (!document.hidden) {{
        try {{
            const answer = await fetch('{ADDRESS[1:]}');
            told = answer.ok ? await answer.text() : '';
        }} catch {{ }}  // The server is away; it may come back.
        if (told && told !== props.value) trigger('click');
    }}
    clearTimeout(waiting);
    waiting = setTimeout(ask, told.startsWith('1') ? {GOING_MILLISECONDS} : {REST_MILLISECONDS});
}};
document.addEventListener('visibilitychange', () => {{ if (!document.hidden) ask(); }});
waiting = setTimeout(ask, {REST_MILLISECONDS});
"""
