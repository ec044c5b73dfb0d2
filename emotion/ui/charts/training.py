"""Curves of trainings: events in, figures out."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from emotion.core.events import EpochDone, Event, RunStarted, StepDone
from emotion.core.labels import chance_level
from emotion.ui.charts.look import TRAIN_COLOUR, VALIDATION_COLOUR, chance_line, figure, run_look, say

HEIGHT = 250
MAX_STEPS = 400
WAITING = "The curve is drawn here while it trains."
_GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "cross": "✚", "x": "✖"}
Measure = Literal["loss", "accuracy"]
Point = tuple[float, float | None]


def training_chart(
    events: Sequence[Event],
    measure: Measure,
    *,
    others: Mapping[str, Sequence[Event]] | None = None,
    name: str = "none",
    replay: str = "",
) -> go.Figure:
    """Draw one run's loss or accuracy: steps faint, epochs bold, epoch 0 before any training.

    ``others`` are laid over it by their names, thin: validation alone, a colour and a mark each (``legend_html``).
    ``name`` keeps what a visitor zoomed. With ``replay``, words for it, the curve draws itself once (see ``view``).
    """
    # The legend has its room also before there are curves, so that nothing jumps.
    chart = figure(height=HEIGHT, uirevision=name, margin={"t": 34})
    chart.update_xaxes(title_text="Epoch")
    if measure == "loss":
        chart.update_yaxes(title_text="Loss", rangemode="tozero")
    else:
        chart.update_yaxes(title_text="Accuracy", range=[0, 1.02], tickformat=".0%", dtick=0.25)
    begun = {title: told for title, told in (others or {}).items() if _started(told)}
    starts = [each for each in (_started(events), *map(_started, begun.values())) if each]
    if not starts:
        return say(chart, WAITING)
    for number, (title, told) in enumerate(begun.items(), 1):
        colour, mark = run_look(number)
        _line(chart, _epochs(told, measure, trained=False), title, colour, width=1.4, mark=mark, legend=False)
    if started := _started(events):
        steps = thin(_steps(events, measure, started=started))
        _line(chart, steps, "Steps", TRAIN_COLOUR, width=1.2, opacity=0.5)
        _line(chart, _epochs(events, measure, trained=True), "Training", TRAIN_COLOUR, width=2.5, mark="circle")
        validated = _epochs(events, measure, trained=False)
        _line(chart, validated, "Validation", VALIDATION_COLOUR, width=3.5, mark="circle")
        _mark_best(chart, events, measure)
    epochs = max(each.epochs for each in starts)
    chart.update_xaxes(range=[-0.02 * epochs, epochs * 1.03], dtick=max(1, round(epochs / 8)))
    if measure == "accuracy":
        chance_line(chart, chance_level(len(starts[0].classes)))
    if replay:
        chart.update_layout(meta={"replay": replay})
    return chart


def legend_html(others: Iterable[str]) -> str:
    """Return the colour and the mark of what is laid over: inside, a dozen names on a phone would leave no room."""
    names = []
    for number, title in enumerate(others, 1):
        colour, mark = run_look(number)
        names.append(f'<li><i style="color:{colour}" aria-hidden="true">{_GLYPHS[mark]}</i>{html.escape(title)}</li>')
    return f'<ul class="curves-legend">{"".join(names)}</ul>' if names else ""


def thin(points: Sequence[Point], *, limit: int = MAX_STEPS) -> list[Point]:
    """Return at most about ``limit`` points, evenly chosen, the last one always: a page cannot show more."""
    stride = max(1, -(-len(points) // limit))
    kept = list(points[::stride])
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def _steps(events: Sequence[Event], measure: Measure, *, started: RunStarted) -> list[Point]:
    """Return the score of every step at its place between epochs."""
    length = max(1, started.steps_per_epoch)
    return [
        (event.step / length, event.loss if measure == "loss" else event.accuracy)
        for event in events
        if isinstance(event, StepDone)
    ]


def _epochs(events: Sequence[Event], measure: Measure, *, trained: bool) -> list[Point]:
    """Return the score of every epoch: on what was trained on, or on what was held back."""
    points: list[Point] = []
    for event in events:
        if not isinstance(event, EpochDone):
            continue
        if trained:
            value = event.train_loss if measure == "loss" else event.train_accuracy
        else:
            value = event.validation.loss if measure == "loss" else event.validation.accuracy
        if value is not None:
            points.append((event.epoch, value))
    return points


def _line(
    chart: go.Figure,
    points: Sequence[Point],
    name: str,
    colour: str,
    *,
    width: float,
    opacity: float = 1.0,
    mark: str = "",
    legend: bool = True,
) -> None:
    chart.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        # Plotly takes a name for markup.
        name=name.replace("&", "&amp;").replace("<", "&lt;"),
        mode="lines+markers" if mark else "lines",
        line={"color": colour, "width": width},
        marker={"size": 7, "color": colour, "symbol": mark or "circle"},
        opacity=opacity,
        showlegend=legend,
        hovertemplate="%{y:.3f}",
        hoverinfo="skip" if opacity < 1 else None,
    )


def _mark_best(chart: go.Figure, events: Sequence[Event], measure: Measure) -> None:
    best = next((event for event in reversed(events) if isinstance(event, EpochDone) and event.is_best), None)
    if best is not None:
        ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": VALIDATION_COLOUR, "width": 2}}
        score = best.validation.loss if measure == "loss" else best.validation.accuracy
        chart.add_scatter(x=[best.epoch], y=[score], mode="markers", name="Kept", marker=ring, hoverinfo="skip")


def _started(events: Sequence[Event]) -> RunStarted | None:
    return next((event for event in events if isinstance(event, RunStarted)), None)
