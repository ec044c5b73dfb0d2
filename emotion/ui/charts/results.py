"""What a run says of pictures: predictions and comparisons in, figures out. Plotly takes a name for HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

import plotly.graph_objects as go

from emotion.analysis import SampleResult
from emotion.core.labels import chance_level, colour_of, colour_of_set, in_order
from emotion.runs.validation import MOST_CLASSES
from emotion.ui.charts.look import TEXT, chance_line, figure

HEIGHT = 300
PROBABILITY_HEIGHT = 260
MUTED = 0.3
WAITING = "The probabilities of all classes appear here."


def probability_chart(scores: Mapping[str, float], *, beside: Iterable[str] = (), is_muted: bool = False) -> go.Figure:
    """Draw the probability of every class as a bar, in the fixed order of the classes, with values.

    The classes of a chart ``beside`` it have their rows too, so that both have the same axes. ``is_muted`` is for a
    picture that is none of them.
    """
    chart = figure(height=PROBABILITY_HEIGHT, showlegend=False, hovermode="closest", bargap=0.35)
    names = [*scores, *(name for name in beside if name not in scores)]
    names = in_order(sorted(names, key=lambda name: -scores.get(name, 0.0))[:MOST_CLASSES])
    chart.add_bar(
        y=[_shown(name) for name in names],
        x=[scores.get(name) for name in names],
        orientation="h",
        marker={"color": [colour_of(name) for name in names], "cornerradius": 5},
        opacity=MUTED if is_muted else 1.0,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    for name in names:
        # In a column of their own, where neither a bar nor the chance line runs through them.
        chart.add_annotation(
            y=_shown(name), x=1.03, xanchor="left", showarrow=False, font={"size": 14},
            text=f"{scores[name] * 100:.1f} %" if name in scores else "no class of it",
        )  # fmt: skip
    chart.update_xaxes(range=[0, 1.25], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    chart.update_yaxes(range=[len(names) - 0.5, -0.5], tickfont={"size": 14}, showgrid=False, ticksuffix="  ")
    return chance_line(chart, chance_level(len(scores)), horizontal=False)


def confidence_chart(results: Mapping[str, SampleResult], *, chance: float) -> go.Figure:
    """Draw the mean probability of the correct class of every set, with its 95 % interval and the chance line."""
    chart = figure(height=HEIGHT, showlegend=False, hovermode="closest", bargap=0.5)
    names = list(results)
    means = [results[name].correct_confidence for name in names]
    lows = [results[name].correct_confidence_interval[0] for name in names]
    highs = [results[name].correct_confidence_interval[1] for name in names]
    chart.add_bar(
        x=[_shown(name) for name in names],
        y=means,
        marker={"color": [colour_of_set(name) for name in names], "cornerradius": 6},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - mean for high, mean in zip(highs, means, strict=True)],
            "arrayminus": [mean - low for low, mean in zip(lows, means, strict=True)],
            "color": TEXT,
            "thickness": 1.8,
            "width": 7,
        },
        customdata=[[low, high] for low, high in zip(lows, highs, strict=True)],
        hovertemplate="%{x}: %{y:.1%}<br>95 % interval %{customdata[0]:.1%} to %{customdata[1]:.1%}<extra></extra>",
    )
    for name, mean, high in zip(names, means, highs, strict=True):
        chart.add_annotation(
            x=_shown(name),
            y=high,
            yshift=13,
            text=f"<b>{mean * 100:.1f} %</b>",
            showarrow=False,
            font={"size": 15},
        )
    chart.update_yaxes(
        range=[0, max(1.0, *highs) + 0.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1],
        title_text="Probability",
    )  # fmt: skip
    chart.update_xaxes(tickfont={"size": 14}, showgrid=False)
    return chance_line(chart, chance)


def said_chart(results: Mapping[str, SampleResult], *, emotion: str | None) -> go.Figure:
    """Draw how often each class was said of each set, the classes in their fixed order; None is all emotions."""
    chart = figure(height=HEIGHT, barmode="group", hovermode="closest", bargap=0.3, bargroupgap=0.08)
    most = 1
    for name, result in results.items():
        labels = in_order(list(result.predicted))
        numbers = [result.predicted[label] for label in labels]
        most = max(most, *numbers)
        chart.add_bar(
            x=[f"<b>{_shown(label)}</b> ✓" if label == emotion else _shown(label) for label in labels],
            y=numbers,
            name=_shown(name),
            marker={"color": colour_of_set(name), "cornerradius": 5},
            text=[str(number) if number else "" for number in numbers],
            textposition="outside",
            textfont={"color": TEXT},
            cliponaxis=False,
            hovertemplate=f"{_shown(name)} called %{{x}}: %{{y}} of {result.n}<extra></extra>",
        )
    chart.update_yaxes(title_text="Pictures", range=[0, most * 1.15])
    chart.update_xaxes(tickfont={"size": 14}, showgrid=False)
    return chart


def _shown(name: str) -> str:
    """Return a name that Plotly shows as it stands; of quotes it knows no entity."""
    return html.escape(name, quote=False)
