"""Whether what a caller sent is of the type that an endpoint asks for: Gradio's own check is the caller's courtesy."""

from __future__ import annotations

import json
import types
import typing
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from pydantic import TypeAdapter, ValidationError

from emotion.core.errors import ConfigError

# A name or a key; whatever is longer is none.
MAX_TEXT = 300
_WORDS: dict[Any, str] = {
    str: f"a text of at most {MAX_TEXT} characters",
    int: "a whole number",
    bool: "true or false",
    list[str]: "a list of texts",
}
_SHOWN = 60


def check(name: str, value: Any, hint: Any) -> None:
    """Let a value pass that is of the type ``hint``; what an upload holds is checked where it is used.

    Raises:
        ConfigError: it is none.
    """
    if hint in (FileData, gr.Request):
        return
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
        is_of_type = not any(len(text) > MAX_TEXT for text in _texts(value))
    except ValidationError:
        is_of_type = False
    if not is_of_type:
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        raise ConfigError(f"{name.replace('_', ' ').capitalize()} is {shown}: use {_words(hint)}.")


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _words(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return _WORDS[next(each for each in typing.get_args(hint) if each is not types.NoneType)]
    return _WORDS[hint]
