"""What a picture set holds and what a person should know of it, as HTML. Opens no picture."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence

from emotion.core.format import count
from emotion.core.labels import alias_offer, colour_of
from emotion.data.findings import findings
from emotion.data.folders import Skipped
from emotion.data.names import shown
from emotion.data.sets import Manifest
from emotion.ui.status import sentence

NOTHING_YET = "Bring a zip of class folders, put files into a class, or hold the webcam's button: it appears here."
ALIASES_BUTTON = "press the button below"
MOST_TOLD = 40


def summary_html(manifest: Manifest) -> str:
    """Return the counts as bars, the facts, and every finding."""
    counts = manifest.counts()
    most = max(counts.values())
    bars = "".join(_bar(label, number, number / most) for label, number in counts.items())
    told = "".join(f"<li>{html.escape(each)}</li>" for each in findings(manifest))
    offer = alias_offer(counts, how=ALIASES_BUTTON)
    return (
        f'<div class="set-summary"><h2>{html.escape(manifest.name)}</h2>'
        f'<p class="note">{html.escape(_facts(manifest))}</p>'
        f'<div class="class-bars">{bars}</div>'
        + (f'<ul class="set-findings">{told}</ul>' if told else "")
        + _left_out(manifest.skipped)
        + sentence(offer)
        + "</div>"
    )


def brought_sentence(pictures: int, skipped: Sequence[Skipped]) -> str:
    """Say what came in, and the first thing that did not."""
    said = f"{count(pictures, 'picture')} came in."
    if skipped:
        first = skipped[0]
        said += f" {count(len(skipped), 'file')} left out; the first is {shown(first.original)}: {first.reason}"
    return said


def _facts(manifest: Manifest) -> str:
    when = time.strftime("%d.%m.%Y %H:%M", time.localtime(manifest.created))
    whom = f"{manifest.species}, " if manifest.species else ""
    classes = f"{len(manifest.counts())} class{'' if len(manifest.counts()) == 1 else 'es'}"
    return f"{whom}{count(len(manifest.pictures), 'picture')} in {classes}, brought {when} ({manifest.source})"


def _bar(label: str, number: int, share: float) -> str:
    return (
        f'<div><b>{html.escape(label)}</b><span class="class-bar"><i style="width:{share:.1%};'
        f'background:{colour_of(label)}"></i></span><span>{number:,}</span></div>'
    )


def _left_out(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    rows = "".join(
        f"<li><b>{html.escape(shown(each.original))}</b> {html.escape(each.reason)}</li>"
        for each in skipped[:MOST_TOLD]
    )
    more = f"<li>{count(len(skipped) - MOST_TOLD, 'more file')}</li>" if len(skipped) > MOST_TOLD else ""
    return f"<details><summary>What was left out ({len(skipped):,})</summary><ul>{rows}{more}</ul></details>"
