"""The page's events: private, without progress marks, with errors as one sentence; and work that can be stopped."""

import functools
import html
import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
from gradio.blocks import Block
from gradio.context import LocalContext

from emotion.core.errors import EmotionError
from emotion.core.format import capital
from emotion.core.progress import Progress
from emotion.server.logs import log, log_unexpected
from emotion.ui.html import sentence, status_box
from emotion.ui.visitor import current_visitor
from emotion.ui.words import public_words

R = TypeVar("R")
# What a handler returns: values by widget. Widgets that are not in it stay as they are.
Values = dict[Any, Any]
Steps = Generator[Values, None, None]
# A press during the previous one is queued; Gradio would drop it.
EVERY_PRESS = "multiple"
# Fixed, like the keys of the states: otherwise a restart of the server loses what browsers store.
BROWSER_SECRET = "emotion-dashboard"
WAITING = "Waiting for its turn."
# Sessions whose presses are counted.
MOST_SESSIONS = 10_000
_presses: dict[str, int] = {}


def on(
    triggers: Any,
    handler: Callable[..., Any] | None,
    inputs: Any = None,
    outputs: Any = None,
    *,
    by_page: bool = False,
    **options: Any,
) -> Any:
    """Register an event and return it; its ``then`` is a trigger as well.

    ``handler`` returns or yields values by widget; other widgets stay as they are. An EmotionError is shown as a toast.
    ``by_page`` marks an event that no visitor triggers; ``options`` are those of ``gr.on``.
    """
    if handler is not None:
        wrap = _stream if inspect.isgeneratorfunction(handler) else _plain
        handler = wrap(handler, by_page=by_page)
    options = {"show_progress": "hidden", "api_visibility": "private", **options}
    if isinstance(triggers, list):
        return gr.on(triggers, handler, inputs, outputs, **options)
    return triggers(handler, inputs, outputs, **options)


def widgets(part: object) -> list[Any]:
    """Return the widgets among the attributes of a part of the page, as outputs of its events."""
    return [each for each in vars(part).values() if isinstance(each, Block)]


def presses() -> int:
    """Return how many requests the session's visitor has made; a refresh that began before the last is outdated."""
    return _presses.get(session(), 0)


def session() -> str:
    """Return the id of the session whose event is being handled; empty if there is none."""
    request = LocalContext.request.get(None)
    return str(request.session_hash) if request else ""


def warn(said: str, *, title: str = "That did not work") -> None:
    """Show a sentence as a toast, escaped: Gradio would parse it as HTML."""
    gr.Warning(html.escape(public_words(said)), title=title)


def unexpected(error: Exception) -> str:
    """Return the sentence shown for an unexpected error."""
    return f"Something went wrong that was not foreseen ({type(error).__name__}): the server's log has the details."


def watched(steps: Generator[Progress, None, R], status: gr.HTML) -> Generator[Values, None, R]:
    """Yield the progress of ``steps`` as values of ``status``, and return their result; EmotionError if they fail.

    Closing it ends the work.
    """
    # Shown at once, since another visitor's study may have to end first.
    yield {status: status_box("running", "waiting", WAITING, None)}
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            share = step.done / step.total if step.total else None
            yield {status: status_box("running", "running", f"{capital(step.doing)}.", share)}


@dataclass(frozen=True)
class Stoppable:
    """Work that takes a while: the ``buttons`` that begin it, a Stop button, and a ``status`` for its progress.

    ``stopped`` is the sentence shown once it is stopped.
    """

    buttons: Sequence[gr.Button]
    stop: gr.Button
    status: gr.HTML
    stopped: str = "Stopped: nothing of it is kept."

    def connect(self, handlers: Sequence[Callable[..., Steps]], inputs: Any, outputs: Any, **options: Any) -> list[Any]:
        """Let each button begin one of the handlers, and return their events; ``outputs`` include the status.

        The status shows the progress that a handler yields, and an EmotionError.
        """
        parts, working = [*self.buttons, self.stop, self.status], []
        for button, handler in zip(self.buttons, handlers, strict=True):
            begun = on(button.click, self._begin, None, parts)
            working.append(on(begun.then, self._carry_out(handler), inputs, outputs, **options))
            on(working[-1].then, self._end, None, parts, by_page=True)
        on(self.stop.click, self._stop, None, parts, cancels=working)
        return working

    def _begin(self) -> Values:
        # Gradio drops a press before the last one's work has ended.
        disabled = {each: gr.Button(interactive=False) for each in self.buttons}
        waiting = status_box("queued", "waiting", WAITING, None)
        return {**disabled, self.stop: gr.Button(visible=True), self.status: waiting}

    def _carry_out(self, handler: Callable[..., Steps]) -> Callable[..., Steps]:
        @functools.wraps(handler)
        def carried_out(*given: Any) -> Steps:
            said = ""
            try:
                yield from handler(*given)
            except EmotionError as error:
                _log_refusal(error, what=handler.__qualname__)
                said = sentence(str(error), kind="problem")
            except Exception:
                yield {self.status: ""}
                raise
            yield {self.status: said}

        return carried_out

    def _end(self) -> Values:
        return {**{each: gr.Button(interactive=True) for each in self.buttons}, self.stop: gr.Button(visible=False)}

    def _stop(self) -> Values:
        return {self.stop: gr.Button(visible=False), self.status: sentence(self.stopped)}


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
    """Return the answer, or ``gr.skip()`` for none: Gradio takes an empty dictionary for a value."""
    return gr.skip() if answer is None or answer == {} else answer


@contextmanager
def _told(handler: Callable[..., Any], *, by_page: bool) -> Iterator[None]:
    """Count a press at its start and at its end, so that a refresh made in between is discarded.

    An EmotionError is shown as it is; any other error by its type.
    """
    name = getattr(handler, "__qualname__", type(handler).__name__)
    _count(by_page)
    try:
        yield
    except EmotionError as error:
        _log_refusal(error, what=name)
        warn(str(error))
    except Exception as error:  # noqa: BLE001  # the visitor sees a sentence, the log has the traceback
        log_unexpected(error, visitor=current_visitor(), what=name)
        warn(unexpected(error))
    finally:
        _count(by_page)


def _log_refusal(error: EmotionError, *, what: str) -> None:
    # Not the message, which may name a visitor's file.
    log("refusal", outcome="refused", visitor=current_visitor(), what=what, because=type(error).__name__)


def _count(by_page: bool) -> None:
    if not by_page:
        page = session()
        _presses[page] = _presses.pop(page, 0) + 1
        if len(_presses) > MOST_SESSIONS:
            del _presses[next(iter(_presses))]
