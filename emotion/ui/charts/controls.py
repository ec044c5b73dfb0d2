"""How far controls move a comparison's means: results in, a figure out."""

from __future__ import annotations

import html
from collections.abc import Mapping

import plotly.graph_objects as go

from emotion.analysis.controls import CONTROLS, ControlResult, SetControl
from emotion.core.labels import colour_of_set
from emotion.ui.charts.look import RUN_MARKS, TEXT, figure, say

ROW, AROUND = 20, 96


def controls_chart(results: Mapping[str, ControlResult]) -> go.Figure:
    """Draw a dot and its 95 % interval for each control and set: filled where the interval leaves 0 out."""
    names = list(results)
    sets = list(dict.fromkeys(name for result in results.values() for name in result.sets))
    height = AROUND + len(names) * (len(sets) + 0.9) * ROW
    chart = figure(height=round(height), hovermode="closest", margin={"t": 34})
    if not names:
        return say(chart, "")
    for number, name in enumerate(sets):
        _dots(chart, results, name, offset=(number - (len(sets) - 1) / 2) / (len(sets) + 0.9), number=number)
    chart.add_vline(x=0, line={"color": TEXT, "width": 1.5})
    chart.update_yaxes(
        tickvals=list(range(len(names))), ticktext=["<br>".join(CONTROLS[name].title.rsplit(" ", 1)) for name in names],
        range=[len(names) - 0.5, -0.5], showgrid=False, ticksuffix=" ",
    )  # fmt: skip
    for row in range(1, len(names)):
        chart.add_hline(y=row - 0.5, line={"color": "rgba(128,140,160,0.22)", "width": 1})
    chart.update_xaxes(range=_span(results), title_text="Change, in percentage points")
    return chart


def _dots(chart: go.Figure, results: Mapping[str, ControlResult], name: str, *, offset: float, number: int) -> None:
    colour, mark = colour_of_set(name), RUN_MARKS[number % len(RUN_MARKS)]
    found: list[tuple[int, str, SetControl]] = [
        (row, result.name, result.sets[name]) for row, result in enumerate(results.values()) if name in result.sets
    ]
    changes = [each.change for _, _, each in found]
    means = [100 * change.mean for change in changes]
    chart.add_scatter(
        x=means,
        y=[row + offset for row, _, _ in found],
        mode="markers",
        showlegend=False,
        marker={
            "size": 10, "color": colour, "line": {"color": colour, "width": 1.8},
            "symbol": [mark if change.is_told else f"{mark}-open" for change in changes],
        },
        error_x={
            "type": "data", "symmetric": False, "color": colour, "thickness": 1.8, "width": 0,
            "array": [100 * change.interval[1] - mean for change, mean in zip(changes, means, strict=True)],
            "arrayminus": [mean - 100 * change.interval[0] for change, mean in zip(changes, means, strict=True)],
        },
        customdata=[
            [CONTROLS[control].title, 100 * each.change.interval[0], 100 * each.change.interval[1]]
            for _, control, each in found
        ],
        hovertemplate=(
            f"{html.escape(name)}, %{{customdata[0]}}: %{{x:+.0f}} points"
            "<br>95 % interval %{customdata[1]:.0f} to %{customdata[2]:.0f}<extra></extra>"
        ),
    )  # fmt: skip
    # The legend shows the mark as it is filled, whatever the first control came to.
    chart.add_scatter(
        x=[None], y=[None], mode="markers", name=html.escape(name),
        marker={"size": 10, "color": colour, "symbol": mark},
    )  # fmt: skip


def _span(results: Mapping[str, ControlResult]) -> list[float]:
    bounds = [
        100 * bound for result in results.values() for each in result.sets.values() for bound in each.change.interval
    ]
    low, high = min(0.0, *bounds), max(0.0, *bounds)
    room = max(2.0, 0.06 * (high - low))
    return [low - room, high + room]
