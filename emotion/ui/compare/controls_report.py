"""Controls of a comparison in words and as a table: what each asks, and how far it moves each set."""

from __future__ import annotations

import html
from collections.abc import Mapping

from emotion.analysis import Comparison, SampleResult
from emotion.analysis.controls import CONTROLS, SHUFFLED, ControlResult, Measured, SetControl, looks_sentence
from emotion.analysis.paired import Change
from emotion.core.format import count, percent
from emotion.core.labels import colour_of_set
from emotion.data.drawn import is_drawn
from emotion.ui.status import drawn_note
from emotion.ui.tables import column_head, scrolled

AS_THEY_ARE = "As they are"


def controls_html(comparison: Comparison, results: Mapping[str, ControlResult]) -> str:
    """Return the main result and a row for each control, with what they rest on; nothing before the first."""
    if not results:
        return ""
    head = "".join(column_head(name, colour_of_set(name)) for name in comparison.sets)
    plain = "".join(f"<td>{_measured(_whole(comparison.pooled(name)))}</td>" for name in comparison.sets)
    first = (
        f'<tr class="plain"><th scope="row"><b>{AS_THEY_ARE}</b><span>The comparison itself.</span></th>{plain}</tr>'
    )
    rows = "".join(_row(result, comparison) for result in results.values())
    table = (
        f'<table class="controls-table"><thead><tr><th scope="col">Control</th>{head}</tr></thead>'
        f"<tbody>{first}{rows}</tbody></table>"
    )
    notes = "".join(
        f'<p class="note">{html.escape(text)}</p>' for text in (_basis(comparison), looks_sentence(results)) if text
    )
    note = drawn_note(shown=any(is_drawn(folder) for folder in comparison.folders.values()))
    return f"{scrolled(table, label='Controls')}{notes}{note}"


def points_html(change: Change) -> str:
    """Return a change and its 95 % interval in percentage points, marked with an arrow where it leaves 0 out."""
    mark = ("▲ " if change.mean > 0 else "▼ ") if change.is_told else ""
    mean, interval = change.in_points()
    # Broken between the two where it is narrow, never within one.
    return f'<span class="whole">{mark}{mean}</span> <span class="whole">({interval})</span>'


def _row(result: ControlResult, comparison: Comparison) -> str:
    control = CONTROLS[result.name]
    cells = "".join(
        f"<td>{_cell(result.sets[name], result, comparison) if name in result.sets else '–'}</td>"
        for name in comparison.sets
    )
    title, asks = html.escape(control.title), html.escape(control.asks)
    return f'<tr><th scope="row"><b>{title}</b><span>{asks}</span></th>{cells}</tr>'


def _cell(each: SetControl, result: ControlResult, comparison: Comparison) -> str:
    kind = "moved told" if each.change.is_told else "moved"
    moved = f'<div class="{kind}">{points_html(each.change)}</div>'
    gone = f"<div>{count(each.left_out, 'picture')} gone or torn by now</div>" if each.left_out else ""
    return f"{_measured(each.after)}{moved}{_check(each, result, comparison)}{gone}"


def _measured(each: Measured) -> str:
    low, high = (f"{100 * bound:.0f}" for bound in each.correct_confidence_interval)
    return (
        f'<p><b>{percent(each.correct_confidence)}</b> <span class="whole">({low}–{high})</span></p>'
        f"<div>{each.correct} of {each.n} right</div>"
    )


def _check(each: SetControl, result: ControlResult, comparison: Comparison) -> str:
    """Say whether labels by lot gave what they must."""
    if result.name != SHUFFLED.name:
        return ""
    low, high = each.after.correct_confidence_interval
    held = "✓ holds" if low <= comparison.chance <= high else "✗ leaves out"
    return f"<div>{held} the {percent(comparison.chance)} of chance</div>"


def _whole(each: SampleResult) -> Measured:
    return Measured(each.n, each.correct, each.correct_confidence, each.correct_confidence_interval)


def _basis(comparison: Comparison) -> str:
    emotions = comparison.emotions()
    shown = "“" + emotions[0] + "”" if len(emotions) == 1 else f"{', '.join(emotions)} pooled"
    return (
        f"Mean correct-class confidence of {shown} with its 95 % interval, seed {comparison.seed}, chance "
        f"{percent(comparison.chance)}. Below it the change against the same pictures as they are, in percentage "
        "points with the paired 95 % interval; ▼ or ▲ where that leaves 0 out."
    )
