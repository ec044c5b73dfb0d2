"""Turn whatever goes wrong in a handler into one sentence on the screen."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Generator
from typing import ParamSpec

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.server.logs import log, log_unexpected
from emotion.ui.visitor import current_visitor
from emotion.ui.words import public_words

P = ParamSpec("P")
TITLE = "That did not work"


def guarded(handler: Callable[P, object]) -> Callable[P, object]:
    """Wrap a handler: an error becomes a toast of one sentence, and the screen stays as it was.

    An EmotionError is shown as it stands; anything else is named by its kind, and the log has its traceback.
    """

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> object:
        try:
            return handler(*args, **kwargs)
        except EmotionError as error:
            _refused(handler, error)
        except Exception as error:  # noqa: BLE001  # a visitor gets a sentence, the log the traceback
            _failed(handler, error)
        return gr.skip()

    return wrapped


def guarded_stream(handler: Callable[P, Generator[object, None, None]]) -> Callable[P, Generator[object, None, None]]:
    """Wrap a handler that yields, in the same way."""

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Generator[object, None, None]:
        try:
            yield from handler(*args, **kwargs)
        except EmotionError as error:
            _refused(handler, error)
            yield gr.skip()
        except Exception as error:  # noqa: BLE001  # a visitor gets a sentence, the log the traceback
            _failed(handler, error)
            yield gr.skip()

    return wrapped


def _refused(handler: Callable[..., object], error: EmotionError) -> None:
    # Not what it says: that may name a visitor's file.
    log(
        "refusal", outcome="refused", visitor=current_visitor(), what=_name(handler), because=type(error).__name__
    )  # fmt: skip
    warn(str(error))


def _failed(handler: Callable[..., object], error: Exception) -> None:
    log_unexpected(error, visitor=current_visitor(), what=_name(handler))
    warn(unexpected(error))


def warn(said: str, *, title: str = TITLE) -> None:
    """Show a sentence as a toast; Gradio would take a name in it for HTML."""
    gr.Warning(html.escape(public_words(said)), title=title)


def _name(handler: Callable[..., object]) -> str:
    return getattr(handler, "__qualname__", type(handler).__name__)


def unexpected(error: Exception) -> str:
    """Return the sentence for an error that nobody foresaw."""
    return f"Something went wrong that was not foreseen ({type(error).__name__}): the server's log has the details."
