"""How the page's events are registered: private and quiet, every error one sentence, answers by widget."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from emotion.ui.guard import guarded, guarded_stream, warn

__all__ = ["BROWSER_SECRET", "EVERY_PRESS", "on", "presses", "warn"]

# A press while the last one is being answered counts too, in its turn; Gradio would drop it.
EVERY_PRESS = "multiple"
# Fixed, as each state's key is: otherwise a restart of the server forgets what a browser remembered.
BROWSER_SECRET = "emotion-dashboard"
# Of sessions whose presses are counted.
MOST_SESSIONS = 10_000
_presses: OrderedDict[str, int] = OrderedDict()


def on(
    triggers: Any,
    handler: Callable[..., Any] | None,
    inputs: Any = None,
    outputs: Any = None,
    *,
    by_page: bool = False,
    **options: Any,
) -> Any:
    """Register an event and return it, for ``then``.

    ``handler`` returns a dictionary of values by widget, or yields such; what is missing stays as it is. An
    EmotionError becomes a toast of one sentence. ``by_page`` says that no visitor asks for it; ``options`` are those
    of ``gr.on``.
    """
    wrapped = handler
    if handler is not None:
        wrapped = _stream(handler) if inspect.isgeneratorfunction(handler) else _plain(handler, by_page=by_page)
    options = {"show_progress": "hidden", "api_visibility": "private", **options}
    return gr.on(triggers, wrapped, inputs, outputs, **options)


def presses() -> int:
    """Return how often this session's visitor has asked for something: a look that began before is too old by now."""
    return _presses.get(_session(), 0)


def _plain(handler: Callable[..., Any], *, by_page: bool) -> Callable[..., Any]:
    @functools.wraps(handler)
    def answering(*given: Any, **named: Any) -> Any:
        if by_page:
            return _answer(handler(*given, **named))
        with _pressed():
            return _answer(handler(*given, **named))

    return guarded(answering)


def _stream(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def answering(*given: Any, **named: Any) -> Iterator[Any]:
        with _pressed():
            for answer in handler(*given, **named):
                yield _answer(answer)

    return guarded_stream(answering)  # type: ignore[arg-type]  # an iterator that may be closed


def _answer(answer: Any) -> Any:
    """Gradio takes an empty dictionary for a value."""
    return gr.skip() if answer is None or answer == {} else answer


@contextmanager
def _pressed() -> Iterator[None]:
    """Count a press when it begins, and again when it is answered: a look in between knows only what was before."""
    session = _session()
    _count(session)
    try:
        yield
    finally:
        _count(session)


def _count(session: str) -> None:
    _presses[session] = _presses.pop(session, 0) + 1
    if len(_presses) > MOST_SESSIONS:
        _presses.popitem(last=False)


def _session() -> str:
    request = LocalContext.request.get(None)
    return str(request.session_hash) if request else ""
