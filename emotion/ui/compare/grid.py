"""Every emotion of every set at a glance: a heat map of the grid, and a confusion matrix for each set side by side."""

from __future__ import annotations

import html

from emotion.analysis import Comparison, SampleResult
from emotion.analysis.findings import confusion, reference_of
from emotion.analysis.gaps import Gap
from emotion.core.format import percent
from emotion.core.labels import colour_of, colour_of_set
from emotion.runs.validation import most_confused
from emotion.ui.tables import column_head, row_head, scrolled

ALPHA = 0.05


def grid_html(comparison: Comparison) -> str:
    """Return the grid and the confusion matrices; nothing for a comparison of one emotion."""
    emotions = comparison.emotions()
    if len(emotions) < 2:
        return ""
    return (
        f'<h3 class="section">The grid: mean correct-class confidence</h3>{_heat_map(comparison, emotions)}'
        f'<h3 class="section">What was said of what</h3>{_confusions(comparison)}'
    )


def _heat_map(comparison: Comparison, emotions: list[str]) -> str:
    found = comparison.gaps
    head = "".join(column_head(name, colour_of(name)) for name in emotions) + column_head("all")
    rows = []
    for name, results in comparison.sets.items():
        shown = [(results.get(label), label) for label in emotions] + [(comparison.pooled(name), None)]
        cells = "".join(_cell(result, _gap_of(found, name, label), chance=comparison.chance) for result, label in shown)
        rows.append(f"<tr>{row_head(name, colour_of_set(name))}{cells}</tr>")
    reference = html.escape(reference_of(comparison))
    marks = (
        f"* differs from {reference} at 5 %, corrected for all tests of the grid (Benjamini and Yekutieli)."
        if len(comparison.sets) > 1
        else ""
    )
    table = f'<table class="grid"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return (
        f"{scrolled(table, label='The grid')}"
        f'<p class="note">Below each mean: right of n. The ground is as dark as the mean lies above chance, '
        f"{percent(comparison.chance)}. {marks}</p>"
    )


def _cell(result: SampleResult | None, gap: Gap | None, *, chance: float) -> str:
    if result is None:
        return "<td>–</td>"
    low, high = result.correct_confidence_interval
    above = max(0.0, result.correct_confidence - chance) / (1 - chance)
    mark = "*" if gap is not None and gap.adjusted_p_value < ALPHA else ""
    title = f"95 % interval {percent(low)} to {percent(high)}"
    return (
        f'<td style="--share:{above:.2f}" title="{title}"><b>{percent(result.correct_confidence)}{mark}</b>'
        f"<span>{result.correct}/{result.n}</span></td>"
    )


def _gap_of(found: list[Gap], name: str, emotion: str | None) -> Gap | None:
    return next((gap for gap in found if gap.other == name and gap.emotion == emotion), None)


def _confusions(comparison: Comparison) -> str:
    tables = "".join(_confusion(comparison, name) for name in comparison.sets)
    return f'<div class="confusions">{tables}</div>'


def _confusion(comparison: Comparison, name: str) -> str:
    counts = confusion(comparison.pooled(name), comparison.classes)
    classes = most_confused(counts)
    head = "".join(column_head(label) for label in classes)
    rows = []
    for label, said in counts.items():
        if label not in classes:
            continue
        total = sum(said.values())
        cells = "".join(
            f'<td class="{"right" if other == label else "wrong"}" style="--share:{number / total:.2f}">{number}</td>'
            for other, number in said.items()
            if other in classes
        )
        rows.append(f"<tr>{row_head(label)}{cells}</tr>")
    table = (
        f'<table class="confusion-small"><thead><tr><td class="corner">shows ↓ said →</td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    shown = scrolled(table, label=f"Confusion matrix of {name}")
    return f'<section style="--accent:{colour_of_set(name)}"><h4>{html.escape(name)}</h4>{shown}</section>'
