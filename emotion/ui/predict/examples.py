"""The drawn examples of the Predict tab: a picture of each emotion for each species, to be judged by a click."""

from __future__ import annotations

import html
from pathlib import Path

from emotion.ui.picture_sets import evaluation_sets, list_picture_sets
from emotion.ui.thumbnails import data_uris

EXAMPLES_PER_CLASS = 1
# The page sends an example's number, never a path.
CLICK = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-number]');
    if (button) trigger('click', {number: Number(button.dataset.number)});
});
"""


def list_examples() -> list[Path]:
    """Return a drawn picture of each emotion for each drawn species."""
    drawn = [each for each in evaluation_sets(list_picture_sets()) if each.is_drawn]
    return [path for each in drawn for paths in each.pictures().values() for path in paths[:EXAMPLES_PER_CLASS]]


def examples_html(examples: list[Path]) -> str:
    """Return the examples as buttons, numbered."""
    if not examples:
        return ""
    uris = data_uris(examples, side=112)
    buttons = "".join(
        f'<button type="button" data-number="{number}" title="{html.escape(path.parent.name)} '
        f'({html.escape(path.parent.parent.name.split("_")[0])})"><img src="{uri}" alt="Drawn example {number + 1}: '
        f'{html.escape(path.parent.parent.name.split("_")[0])}, {html.escape(path.parent.name)}"></button>'
        for number, (path, uri) in enumerate(zip(examples, uris, strict=True))
    )
    return f'<div class="examples"><p>Drawn examples</p><div class="examples-grid">{buttons}</div></div>'
