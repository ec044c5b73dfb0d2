"""What a person does on the page, at a person's pace."""

from __future__ import annotations

from typing import Any


def enter(page: Any, label: str, text: str) -> None:
    """Click into a field and type.

    The click waits until the field stands still: for some 20 ms after a tab is first opened Gradio still sets its
    fields to their first values, and would take away what a script, unlike a person, typed by then.
    """
    field = page.get_by_label(label, exact=True)
    field.click()
    field.fill(text)
