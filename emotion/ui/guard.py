"""Turn whatever goes wrong in a handler into one sentence on the screen."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Generator
from typing import ParamSpec

import gradio as gr

from emotion.errors import EmotionError

P = ParamSpec("P")


def guarded(handler: Callable[P, object]) -> Callable[P, object]:
    """Wrap a handler: an error becomes a toast of one sentence, and the screen stays as it was.

    An EmotionError is shown as it stands; anything else is named by its kind, and the log has its traceback.
    """

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> object:
        try:
            return handler(*args, **kwargs)
        except EmotionError as error:
            gr.Warning(str(error), title="That did not work")
        except Exception as error:  # noqa: BLE001  # a visitor gets a sentence, the log the traceback
            traceback.print_exception(error)
            gr.Warning(unexpected(error), title="That did not work")
        return gr.skip()

    return wrapped


def guarded_stream(handler: Callable[P, Generator[object, None, None]]) -> Callable[P, Generator[object, None, None]]:
    """Wrap a handler that yields, in the same way."""

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Generator[object, None, None]:
        try:
            yield from handler(*args, **kwargs)
        except EmotionError as error:
            gr.Warning(str(error), title="That did not work")
            yield gr.skip()
        except Exception as error:  # noqa: BLE001  # a visitor gets a sentence, the log the traceback
            traceback.print_exception(error)
            gr.Warning(unexpected(error), title="That did not work")
            yield gr.skip()

    return wrapped


def unexpected(error: Exception) -> str:
    """Return the sentence for an error that nobody foresaw."""
    return f"Something went wrong that was not foreseen ({type(error).__name__}): the server's log has the details."
