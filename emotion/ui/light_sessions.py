"""Sessions that cost little. Gradio keeps ten thousand, each with a copy of the whole page's description."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gradio import state_holder

# A page that is open asks every second, so that only those go which nobody looks at any more. Every call of a program
# is a session of its own.
SESSIONS = 1_000


class LightSession(state_holder.SessionState):
    """A session that describes a part of the page once it is used, and not all of it from the start."""

    def __init__(self, blocks: Any) -> None:
        # The copy, of more than half a megabyte, is there for links into the middle of a page, which this one has not.
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]


def keep_sessions_light() -> None:
    """Let Gradio, in this process, begin such sessions: otherwise ten thousand calls of a program fill the memory."""
    state_holder.SessionState = LightSession  # type: ignore[misc]  # the name that its holder looks up
