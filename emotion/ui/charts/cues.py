"""What a run makes of a face as one cue moves: a probe in, a figure for each species out."""

from __future__ import annotations

import html

import plotly.graph_objects as go

from emotion.analysis.cue_probe import CueCurves, SpeciesCurves
from emotion.core.labels import chance_level, colour_of, in_order
from emotion.faces.cues import Cue, find_cue
from emotion.faces.expression import NEUTRAL
from emotion.ui.charts.look import RUN_MARKS, chance_line, figure, say

HEIGHT = 250


def cue_chart(curves: CueCurves, species: str) -> go.Figure:
    """Draw the mean probability of every class over the cue's values, with the chance line.

    The 95 % interval of the class that the finding is about is a band; four of them would hide one another.
    """
    chart = figure(height=HEIGHT, showlegend=False)
    if species not in curves.species:
        return say(chart, "")
    cue, found = find_cue(curves.cue), curves.species[species]
    labels = in_order(list(curves.classes))
    _band(chart, curves.values, found, curves.leading)
    for number, label in enumerate(labels):
        _line(chart, curves.values, found, label, mark=RUN_MARKS[number % len(RUN_MARKS)])
    ticks = _ticks(cue)
    room = 0.14 * (cue.values[-1] - cue.values[0])
    chart.update_xaxes(
        range=[cue.values[0] - room, cue.values[-1] + room], tickvals=list(ticks), ticktext=list(ticks.values()),
        title_text=cue.title,
    )  # fmt: skip
    chart.update_yaxes(range=[0, 1.02], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1], title_text="Probability")
    return chance_line(chart, chance_level(len(labels)))


def _line(chart: go.Figure, values: list[float], found: SpeciesCurves, label: str, *, mark: str) -> None:
    chart.add_scatter(
        x=values,
        y=found.means[label],
        name=html.escape(label),
        mode="lines+markers",
        line={"color": colour_of(label), "width": 3},
        marker={"size": 8, "symbol": mark},
        customdata=found.intervals[label],
        hovertemplate="%{y:.0%} (%{customdata[0]:.0%} to %{customdata[1]:.0%})",
    )


def _band(chart: go.Figure, values: list[float], found: SpeciesCurves, label: str) -> None:
    intervals = found.intervals[label]
    chart.add_scatter(
        x=[*values, *reversed(values)],
        y=[*(high for _, high in intervals), *(low for low, _ in reversed(intervals))],
        fill="toself",
        mode="lines",
        line={"width": 0, "color": colour_of(label)},
        opacity=0.18,
        fillcolor=colour_of(label),
        showlegend=False,
        hoverinfo="skip",
    )


def _ticks(cue: Cue) -> dict[float, str]:
    """Return what stands at the ends of the axis, and at the neutral face where that lies between them."""
    neutral = float(getattr(NEUTRAL, cue.name))
    ends = {cue.values[0]: cue.low.replace(" ", "<br>"), cue.values[-1]: cue.high.replace(" ", "<br>")}
    return ends if neutral in ends else {**ends, neutral: "neutral"}
