"""The map of features as a figure: an emotion is a colour, a species a symbol."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from emotion.analysis.feature_map import MapResult, Point
from emotion.core.labels import colour_of, in_order
from emotion.ui.charts.look import TEXT, figure
from emotion.ui.charts.picture_points import about, ring

HEIGHT = 520
# Told apart without colours; some hollow, so that they do not hide one another.
SYMBOLS = ("circle", "triangle-up", "square-open", "diamond-open", "cross-open", "x-open")


def feature_map_chart(result: MapResult, pictures: Mapping[tuple[str, str], str] | None = None) -> go.Figure:
    """Draw every picture at its place; ``pictures`` are small copies as data URIs, by set and path within it."""
    chart = figure(height=HEIGHT, hovermode="closest", margin={"t": 62}, uirevision="map")
    names = list(dict.fromkeys(point.set_name for point in result.points))
    labels = in_order({point.label for point in result.points})
    symbols = {name: SYMBOLS[number % len(SYMBOLS)] for number, name in enumerate(names)}
    for label in labels:
        marker = {"size": 11, "color": colour_of(label), "symbol": "square"}
        chart.add_scatter(x=[None], y=[None], mode="markers", name=label, marker=marker, legend="legend")
    for name in names:
        marker = {"size": 10, "color": TEXT, "symbol": symbols[name]}
        chart.add_scatter(x=[None], y=[None], mode="markers", name=name, marker=marker, legend="legend2")
    for name in names:
        for label in labels:
            points = [point for point in result.points if (point.set_name, point.label) == (name, label)]
            chart.add_scatter(
                x=[point.x for point in points],
                y=[point.y for point in points],
                customdata=[
                    about((pictures or {}).get((point.set_name, point.picture), ""), _said(point), _details(point))
                    for point in points
                ],
                mode="markers",
                marker={"size": 9, "color": colour_of(label), "symbol": symbols[name], "opacity": 0.85},
                hoverinfo="none",
                showlegend=False,
            )
    chart.add_trace(ring())
    row = {"orientation": "h", "x": 0, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False}
    chart.update_layout(legend={**row, "y": 1.06}, legend2={**row, "y": 1.0})
    first, second = result.explained
    chart.update_xaxes(title_text=f"First axis, {first * 100:.1f} % of the spread", showticklabels=False)
    chart.update_yaxes(
        title_text=f"Second axis, {second * 100:.1f} %", showticklabels=False, scaleanchor="x", scaleratio=1
    )
    return chart


def _said(point: Point) -> str:
    mark = "✓" if point.predicted == point.label else "✗"
    return f"{point.set_name}, {point.label} {mark} called {point.predicted}"


def _details(point: Point) -> str:
    right = "rightly" if point.predicted == point.label else "wrongly"
    return f"{point.set_name}, shows {point.label}, {right} called {point.predicted}. {point.picture}"
