"""The line that says how a run stands, as HTML: a chip, a sentence, a bar."""

from __future__ import annotations

import html

from emotion.core.labels import DRAWN_NOTE
from emotion.ui.watching import Watch
from emotion.ui.words import NOTHING_YET, public_words, skipped


def status_line(seen: Watch) -> str:
    """Return the state of the watched run."""
    said = seen.progress()
    if seen.run is None or said is None:
        return status_box("idle", "ready", NOTHING_YET, None)
    chip = "replay" if seen.replay_began is not None else str(seen.status)
    line = status_box(chip, chip, said.sentence, said.share if chip != "finished" else None, detail=seen.run.name)
    note = skipped(seen.events)
    return line + (f'<p class="note">{html.escape(note)}</p>' if note else "")


def drawn_note(*, shown: bool) -> str:
    """Return the line that belongs beside every result on drawn pictures."""
    return f'<p class="drawn-note">{DRAWN_NOTE}</p>' if shown else ""


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
