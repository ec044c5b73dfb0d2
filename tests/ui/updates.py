"""What handlers send to a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradio.components import Component
from gradio.context import LocalContext


def handled(handler: Callable[..., list[Any]], *values: Any) -> list[Any]:
    """Return what a handler returns when Gradio calls it: there a widget is an update, and is not checked."""
    token = LocalContext.in_event_listener.set(True)
    try:
        return handler(*values)
    finally:
        LocalContext.in_event_listener.reset(token)


def sent(update: Component) -> dict[str, Any]:
    """Return what an update changes of a widget, by name; the rest stays as the page has it."""
    return dict(update._constructor_args[0])
