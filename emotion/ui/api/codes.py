"""How an endpoint says no: ``[code] sentence``, where the code stays and the sentence may get better."""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from emotion.core.errors import BackboneError, ConfigError, EmotionError, PictureError, RefusedError, RunError
from emotion.server.logs import log, log_unexpected
from emotion.ui.api.checking import check
from emotion.ui.guard import unexpected
from emotion.ui.visitor import current_visitor
from emotion.ui.words import public_words

# What stands in brackets for an error that no endpoint has a closer code for, the first that fits.
CODES: dict[type[EmotionError], str] = {
    ConfigError: "setting_invalid",
    PictureError: "pictures_unusable",
    BackboneError: "backbone_unusable",
    RunError: "run_unusable",
    RefusedError: "refused",
    EmotionError: "failed",
}


class Coded(EmotionError):
    """An error with a closer code, such as ``picture_unreadable``."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@contextlib.contextmanager
def coded(code: str, kind: type[EmotionError]) -> Iterator[None]:
    """Give errors of a kind a closer code, such as ``run_unknown``.

    Raises:
        Coded: in the place of such an error.
    """
    try:
        yield
    except kind as error:
        raise Coded(code, str(error)) from error


def code_of(error: EmotionError) -> str:
    """Return the code of an error."""
    return (
        error.code
        if isinstance(error, Coded)
        else next(code for kind, code in CODES.items() if isinstance(error, kind))
    )


def answering(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint: its arguments are checked by their types, and an error becomes ``[code] sentence``.

    The wrapper's types are real ones, where the endpoint's module keeps them as text: Gradio makes its schema of them.
    """
    hints = typing.get_type_hints(endpoint)
    signature = inspect.signature(endpoint)

    @functools.wraps(endpoint)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs)
            for name, value in given.arguments.items():
                check(name, value, hints[name])
            return endpoint(*given.args, **given.kwargs)
        except EmotionError as error:
            said = f"[{code_of(error)}] {public_words(str(error))}"
            log("refusal", outcome="refused", visitor=current_visitor(), what=endpoint.__name__, because=code_of(error))
        except Exception as error:  # noqa: BLE001  # a caller gets a sentence, the log the traceback
            log_unexpected(error, visitor=current_visitor(), what=endpoint.__name__)
            said = f"[unexpected] {unexpected(error)}"
        raise gr.Error(said, print_exception=False)

    wrapped.__annotations__ = hints
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect and Gradio look at
        parameters=[each.replace(annotation=hints[each.name]) for each in signature.parameters.values()],
        return_annotation=hints["return"],
    )
    return wrapped
