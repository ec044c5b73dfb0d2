"""What a visitor asks for stands before what the page has looked up by itself meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass
class _Count:
    number: int = 0


class Asked:
    """Counts what one visitor asks for. ``count`` is the last input of an event whose handler is wrapped here.

    A look that began before a press and ends after it would show, from then on, what was on the screen before.
    """

    def __init__(self) -> None:
        # One object for all events of a session, changed in place: a look sees what is asked while it goes on.
        self.count = gr.State(_Count())

    def by_visitor(self, handler: Callable[..., object]) -> Callable[..., object]:
        """Wrap the handler of a press."""

        def wrapped(*given: Any) -> object:
            *values, count = given
            count.number += 1
            answer = handler(*values)
            # Also a look that began while this went on knows only what was before.
            count.number += 1
            return answer

        return _named_like(wrapped, handler)

    def by_page(self, handler: Callable[..., object]) -> Callable[..., object]:
        """Wrap the handler of a look; it changes nothing where something was asked since it began."""

        def wrapped(*given: Any) -> object:
            *values, count = given
            began = count.number
            answer = handler(*values)
            return answer if count.number == began else gr.skip()

        return _named_like(wrapped, handler)


def _named_like(wrapped: Callable[..., object], handler: Callable[..., object]) -> Callable[..., object]:
    # For the log. Not functools.wraps: gradio would count the inputs of what is wrapped.
    wrapped.__qualname__ = handler.__qualname__
    return wrapped
