"""Lists to choose from, anew: runs and picture sets come and go while the page is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from emotion.ui.picture_sets import evaluation_sets, list_picture_sets, training_sets


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
