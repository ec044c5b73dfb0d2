"""The page's poll for changed runs, and its address, ``?tab=compare&run=…&comparison=…``.

A script polls for a change of any run; only then do the parts of the page refresh. ``page.js`` writes the address.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from gradio.components import Component
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emotion.server.limits import is_public
from emotion.ui.events import Values, on, presses
from emotion.ui.run_board import RunBoard
from emotion.ui.visitor import visitor_of

ROUTE = "/news"
# Poll intervals during a run and otherwise; a hidden page does not poll.
GOING_MILLISECONDS, REST_MILLISECONDS = 300, 2000
TABS = ("train", "predict", "compare", "runs", "pictures")
# In the browser: the visitor may have opened another tab before a server could answer.
OPEN_ASKED_TAB = f"""() => {{
    const tab = new URLSearchParams(window.emotionAsked()).get('tab');
    return {json.dumps(TABS)}.includes(tab) ? {{__type__: 'update', selected: tab}} : {{__type__: 'update'}};
}}"""
# Until the first refresh is answered, the address's query is sent in place of the last signature.
_ASKED = "(seen, ...values) => [seen || window.emotionAsked(), ...values]"


def address(name: str, value: str | None = None) -> str:
    """Return a script that writes a value to the address under a name: the event's input, or a fixed ``value``."""
    return f"(given) => {{ window.emotionAddress({json.dumps(name)}, {json.dumps(value) if value else 'given'}); }}"


def named(asked: str, name: str) -> str | None:
    """Return a value from the address as it was at page load; None if it is missing, and after the first refresh."""
    found = parse_qs(asked.removeprefix("?")).get(name) if asked.startswith("?") else None
    return found[0] if found else None


class News:
    """Collects the parts of the page that refresh; call ``connect`` after the last one."""

    def __init__(self, board: RunBoard) -> None:
        self._board = board
        self._readers: list[tuple[Callable[..., Values], Sequence[Component], Sequence[Any]]] = []
        # As an input: the address's query at the first refresh (see ``named``), later the last signature.
        self.address = gr.HTML("", js_on_load=_ASKS, elem_id="news", visible="hidden", apply_default_css=False)

    def tell(self, refresh: Callable[..., Values], inputs: Sequence[Component], outputs: Sequence[Any]) -> None:
        """Call ``refresh`` with the values of ``inputs`` when the page loads and whenever a run changes."""
        self._readers.append((refresh, inputs, outputs))

    def connect(self, page: gr.Blocks) -> None:
        """Register the events."""
        inputs = list(dict.fromkeys([self.address, *(each for _, given, _ in self._readers for each in given)]))
        outputs = list(dict.fromkeys([self.address, *(each for _, _, shown in self._readers for each in shown)]))

        def look(*values: Any) -> Values:
            began, given = presses(), dict(zip(inputs, values, strict=True))
            told: Values = {self.address: self._board.signature(self._board.visitor())}
            for refresh, asked, _ in self._readers:
                told |= refresh(*(given[each] for each in asked))
            # The visitor may have acted meanwhile: then the script polls again.
            return told if presses() == began else {}

        on([page.load, self.address.click], look, inputs, outputs, js=_ASKED, by_page=True, concurrency_limit=None)


def news_route(board: RunBoard) -> Callable[[Request], PlainTextResponse]:
    """Return the endpoint of the poll: a short signature of the runs that the visitor may see."""

    def answer(request: Request) -> PlainTextResponse:
        visitor = visitor_of(request.scope) if is_public() else None
        return PlainTextResponse(board.signature(visitor), headers={"cache-control": "no-store"})

    return answer


# The signature is the widget's value, so a discarded refresh is repeated.
_ASKS = f"""
let waiting;
const ask = async () => {{
    clearTimeout(waiting);
    let told = '';
    if (!document.hidden) {{
        try {{
            const answer = await fetch('{ROUTE[1:]}');
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
