"""What repeating a comparison came to, as a figure: every draw a dot, every training a column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from emotion.analysis.luck_result import LuckResult, SetLuck
from emotion.core.labels import colour_of_set
from emotion.ui.charts.look import TEXT, chance_line, figure

HEIGHT = 380
# More dots than these make a phone slow and show no more.
MOST_DOTS = 1200
# The part of a set's room that its columns take, and the part of a column that its dots are strewn over.
GROUP, STREWN = 0.8, 0.62
GOLDEN = 0.618034


def luck_chart(result: LuckResult) -> go.Figure:
    """Draw each set's mean correct-class confidence over trainings and draws.

    A dot is a draw, a disc what a training makes of all pictures with the range of 95 % of its draws; the comparison's
    own result runs across its set.
    """
    # Room for the legend from the start, so that nothing jumps.
    chart = figure(height=HEIGHT, hovermode="closest", margin={"t": 34}, uirevision="luck")
    names = list(result.sets)
    dots = max(1, MOST_DOTS // (len(names) * len(result.seeds)))
    for place, (name, each) in enumerate(result.sets.items()):
        colour = colour_of_set(name)
        columns = [place + GROUP * ((number + 0.5) / len(each.means) - 0.5) for number in range(len(each.means))]
        _draws(chart, each, columns, colour, most=dots)
        _observed(chart, name, each, place)
        _trainings(chart, name, each, columns, colour)
    of_all = "" if result.draws <= dots else f" ({dots} of {result.draws} shown)"
    for label, marker in (
        (f"a draw{of_all}", {"size": 5, "color": TEXT, "opacity": 0.5}),
        ("a training, all pictures", {"size": 10, "color": TEXT}),
    ):
        chart.add_scatter(x=[None], y=[None], mode="markers", name=label, marker=marker, hoverinfo="skip")
    chart.add_scatter(
        x=[None], y=[None], mode="lines", name="this comparison", line={"color": TEXT, "width": 3}, hoverinfo="skip"
    )
    chart.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    chart.update_xaxes(
        tickvals=list(range(len(names))), ticktext=[f"<b>{name}</b>" for name in names], tickfont={"size": 14},
        range=[-0.55, len(names) - 0.45], showgrid=False,
    )  # fmt: skip
    chart.update_yaxes(
        range=[-0.02, 1.02],
        tickformat=".0%",
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        title_text="Mean correct-class confidence",
    )
    return chance_line(chart, result.chance)


def _draws(chart: go.Figure, each: SetLuck, columns: Sequence[float], colour: str, *, most: int) -> None:
    """Strew the draws of each training over its column, always in the same way."""
    if each.is_whole:
        return
    width = STREWN * GROUP / len(columns)
    shown = [
        (column, value, number)
        for column, row in zip(columns, each.means, strict=True)
        for number, value in enumerate(row[:most])
    ]
    chart.add_scatter(
        x=[round(column + width * (number * GOLDEN % 1 - 0.5), 4) for column, _, number in shown],
        y=[round(value, 3) for _, value, _ in shown],
        mode="markers",
        marker={"size": 4, "color": colour, "opacity": 0.3},
        showlegend=False,
        hoverinfo="skip",
    )


def _trainings(chart: go.Figure, name: str, each: SetLuck, columns: Sequence[float], colour: str) -> None:
    lows, highs = np.quantile(each.means, [0.025, 0.975], axis=1)
    means = np.array([training.correct_confidence for training in each.trainings])
    of_draws = "" if each.is_whole else "<br>95 % of its draws %{customdata[1]:.1%} to %{customdata[2]:.1%}"
    chart.add_scatter(
        x=list(columns),
        y=means.tolist(),
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.clip(highs - means, 0, None).tolist(),
            "arrayminus": np.clip(means - lows, 0, None).tolist(),
            "color": colour,
            "thickness": 2,
            "width": 0,
            "visible": not each.is_whole,
        },
        mode="markers",
        marker={"size": 10, "color": colour, "line": {"color": "rgba(255,255,255,0.9)", "width": 1.5}},
        customdata=[
            [training.seed, float(low), float(high), training.accuracy]
            for training, low, high in zip(each.trainings, lows, highs, strict=True)
        ],
        hovertemplate=(
            f"{name}, training seed %{{customdata[0]}}: %{{y:.1%}} over all {each.n} pictures, "
            f"%{{customdata[3]:.0%}} right{of_draws}<extra></extra>"
        ),
        showlegend=False,
    )


def _observed(chart: go.Figure, name: str, each: SetLuck, place: int) -> None:
    """Mark the comparison's own result across the set."""
    reach = GROUP / 2 + 0.05
    chart.add_scatter(
        x=[place - reach, place, place + reach],
        y=[each.observed] * 3,
        mode="lines",
        line={"color": TEXT, "width": 3},
        hovertemplate=f"{name}, this comparison: %{{y:.1%}}<extra></extra>",
        showlegend=False,
    )
