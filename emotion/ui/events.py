"""How the page's events are registered: private and quiet, every error one sentence, answers by widget."""

import functools
import html
import inspect
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import gradio as gr
from gradio.context import LocalContext

from emotion.core.errors import EmotionError
from emotion.core.format import capital
from emotion.core.progress import Progress
from emotion.server.logs import log, log_unexpected
from emotion.ui.html import status_box
from emotion.ui.visitor import current_visitor
from emotion.ui.words import public_words

R = TypeVar("R")
# What a handler returns: values by widget. What is missing stays as it is.
Values = dict[Any, Any]
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
    """Register an event and return it; its ``then`` is a trigger too.

    ``handler`` returns a dictionary of values by widget, or yields such; what is missing stays as it is. An
    EmotionError becomes a toast of one sentence. ``by_page`` says that no visitor asks for it; ``options`` are those
    of ``gr.on``.
    """
    wrapped = handler
    if handler is not None:
        wrap = _stream if inspect.isgeneratorfunction(handler) else _plain
        wrapped = wrap(handler, by_page=by_page)
    options = {"show_progress": "hidden", "api_visibility": "private", **options}
    if isinstance(triggers, list):
        return gr.on(triggers, wrapped, inputs, outputs, **options)
    return triggers(wrapped, inputs, outputs, **options)


def presses() -> int:
    """Return how often this session's visitor has asked for something: a look that began before is too old by now."""
    return _presses.get(session(), 0)


def session() -> str:
    """Return which page's event is being handled; empty where none is."""
    request = LocalContext.request.get(None)
    return str(request.session_hash) if request else ""


def warn(said: str, *, title: str = "That did not work") -> None:
    """Show a sentence as a toast; Gradio would take a name in it for HTML."""
    gr.Warning(html.escape(public_words(said)), title=title)


def unexpected(error: Exception) -> str:
    """Return the sentence for an error that nobody foresaw."""
    return f"Something went wrong that was not foreseen ({type(error).__name__}): the server's log has the details."


def watched(steps: Generator[Progress, None, R], status: gr.HTML) -> Generator[Values, None, R]:
    """Yield how far something is, as values of ``status``, and return its result. Closing it ends the work.

    Raises:
        EmotionError: it cannot be done.
    """
    # One study goes on at a time: whoever asked for a second one sees that it was heard.
    yield {status: status_box("running", "waiting", "Waiting for its turn.", None)}
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            share = step.done / step.total if step.total else None
            yield {status: status_box("running", "running", f"{capital(step.doing)}.", share)}


def _plain(handler: Callable[..., Any], *, by_page: bool) -> Callable[..., Any]:
    @functools.wraps(handler)
    def answering(*given: Any, **named: Any) -> Any:
        with _told(handler, by_page=by_page):
            return _answer(handler(*given, **named))
        return gr.skip()

    return answering


def _stream(handler: Callable[..., Any], *, by_page: bool) -> Callable[..., Any]:
    @functools.wraps(handler)
    def answering(*given: Any, **named: Any) -> Iterator[Any]:
        with _told(handler, by_page=by_page), closing(handler(*given, **named)) as answers:
            for answer in answers:
                yield _answer(answer)
            return
        yield gr.skip()

    return answering


def _answer(answer: Any) -> Any:
    """Gradio takes an empty dictionary for a value."""
    return gr.skip() if answer is None or answer == {} else answer


@contextmanager
def _told(handler: Callable[..., Any], *, by_page: bool) -> Iterator[None]:
    """Count a press when it begins, and again when it is answered: a look in between knows only what was before.

    What goes wrong becomes a sentence: an EmotionError as it stands, anything else by its kind.
    """
    if not by_page:
        _count()
    name = getattr(handler, "__qualname__", type(handler).__name__)
    try:
        yield
    except EmotionError as error:
        # The log has not what it says: that may name a visitor's file.
        log("refusal", outcome="refused", visitor=current_visitor(), what=name, because=type(error).__name__)
        warn(str(error))
    except Exception as error:  # noqa: BLE001  # a visitor gets a sentence, the log the traceback
        log_unexpected(error, visitor=current_visitor(), what=name)
        warn(unexpected(error))
    finally:
        if not by_page:
            _count()


def _count() -> None:
    page = session()
    _presses[page] = _presses.pop(page, 0) + 1
    if len(_presses) > MOST_SESSIONS:
        _presses.popitem(last=False)
