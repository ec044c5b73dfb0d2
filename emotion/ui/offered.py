"""The lists of picture sets in the other tabs, anew: sets come and go while the page is open."""

from __future__ import annotations

import gradio as gr

from emotion.ui.picture_sets import evaluation_sets, list_picture_sets, training_sets


def offered_sets() -> list[gr.Dropdown | gr.CheckboxGroup]:
    """Return the sets to train on and those to compare; what is chosen stays so."""
    sets = list_picture_sets()
    return [
        gr.Dropdown([(each.title, each.key) for each in training_sets(sets)]),
        gr.CheckboxGroup([(each.title, each.key) for each in evaluation_sets(sets)]),
    ]
