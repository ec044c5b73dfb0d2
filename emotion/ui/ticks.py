"""Boxes to tick on pictures: the page says which are ticked, by what stands in each one's ``data-tick``.

The ``select`` event of the widget takes ``EVERY_PRESS``.
"""

from __future__ import annotations

import gradio as gr

# Gradio changes what is there into what comes, and would leave a box ticked above another picture.
TICKS = """
element.addEventListener('change', (event) => {
    if (!event.target.matches('input[data-tick]')) return;
    const ticked = element.querySelectorAll('input[data-tick]:checked');
    trigger('select', {ticked: [...ticked].map((each) => each.dataset.tick)});
});
watch('value', () => {
    for (const box of element.querySelectorAll('input[data-tick]:checked')) box.checked = false;
});
"""


def ticked(event: gr.EventData) -> tuple[str, ...]:
    """Return what the page says is ticked."""
    sent = event._data.get("ticked")
    return tuple(str(each) for each in sent) if isinstance(sent, list) else ()
