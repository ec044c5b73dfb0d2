"""How the page's events are registered, private and quiet where they only look, and how its lists are filled anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from emotion.ui.picture_sets import evaluation_sets, list_picture_sets, training_sets

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# A press while the last one is being answered counts too, in its turn; Gradio would drop it.
EVERY_PRESS = "multiple"
# Fixed, as each state's key is: otherwise a restart of the server forgets what a browser remembered.
BROWSER_SECRET = "emotion-dashboard"
# Every visitor's page looks on its own: in one queue they would wait for one another.
# Predictions that are in a thread's hands, of which there are 40; whose turn it is, is decided there.
AT_ONCE = 20
POLL: dict[str, Any] = {**QUIET, "concurrency_limit": None}


def offered_sets() -> list[gr.Dropdown | gr.CheckboxGroup]:
    """Return the sets to train on and those to compare; what is chosen stays so."""
    sets = list_picture_sets()
    return [
        gr.Dropdown([(each.title, each.key) for each in training_sets(sets)]),
        gr.CheckboxGroup([(each.title, each.key) for each in evaluation_sets(sets)]),
    ]


def offered(choices: Sequence[tuple[str, str]], *, chosen: Any, value: Any, **more: Any) -> gr.Dropdown:
    """Return a list anew, and its value only where that is another than what is ``chosen``.

    A value that is sent takes back what a visitor picks in the meantime.
    """
    return gr.Dropdown(list(choices), **more) if value == chosen else gr.Dropdown(list(choices), value=value, **more)
