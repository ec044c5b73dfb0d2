"""What every table of the page shares. Knows nothing of what stands in it."""

from __future__ import annotations

import html


def scrolled(table: str, *, label: str) -> str:
    """Return a table that scrolls sideways on its own where the page is narrow, also by keyboard."""
    return f'<div class="table-scroll" tabindex="0" role="region" aria-label="{html.escape(label)}">{table}</div>'


def row_head(name: str, colour: str | None = None) -> str:
    """Return the head of a row, with a swatch of a colour."""
    swatch = f'<i style="background:{colour}"></i>' if colour else ""
    return f'<th scope="row">{swatch}{html.escape(name)}</th>'


def column_head(name: str, colour: str | None = None) -> str:
    """Return the head of a column, with a swatch of a colour."""
    swatch = f'<i style="background:{colour}"></i>' if colour else ""
    return f'<th scope="col">{swatch}{html.escape(name)}</th>'
