"""What every tab says in the same look, as HTML: a chip with a sentence and a bar, a sentence, a badge."""

from __future__ import annotations

import html

from emotion.core.labels import DRAWN_NOTE
from emotion.ui.words import public_words


def drawn_badge(*, shown: bool) -> str:
    """Return the badge that belongs on a result on drawn pictures."""
    return f'<span class="drawn-badge" title="{DRAWN_NOTE}">drawn pictures</span>' if shown else ""


def sentence(text: str, *, kind: str = "note") -> str:
    """Return a plain sentence as a block."""
    return f'<p class="{kind}" role="status">{html.escape(public_words(text))}</p>' if text else ""


def status_box(kind: str, chip: str, text: str, share: float | None, *, detail: str = "") -> str:
    """Return a chip, a sentence and a bar (0 to 1; None for a share that nobody knows)."""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{share * 100:.1f}%"></i></div>'
    else:
        bar = '<div class="bar idle"></div>' if kind in ("running", "queued", "stopping") else ""
    name = f'<span class="detail">{html.escape(detail)}</span>' if detail else ""
    return (
        f'<div class="status {kind}" role="status"><div class="status-text"><span class="chip">{chip}</span>'
        f"<span class='status-sentence'>{html.escape(public_words(text))}</span>{name}</div>{bar}</div>"
    )
