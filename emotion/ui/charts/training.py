"""Curves of trainings: events in, figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from emotion.core.events import EpochDone, Event, RunStarted, StepDone
from emotion.core.labels import EMOTIONS, chance_level
from emotion.ui.charts.look import TRAIN_COLOUR, VALIDATION_COLOUR, chance_line, figure, run_look, say

HEIGHT = 250
MAX_STEPS = 400
WAITING = "The curve is drawn here while it trains."
Measure = Literal["loss", "accuracy"]
Point = tuple[float, float | None]


def training_chart(events: Sequence[Event], measure: Measure, *, uirevision: str = "") -> go.Figure:
    """Draw one run's loss or accuracy: steps faint, epochs bold, epoch 0 before any training."""
    chart = _axes(measure, uirevision=uirevision or "none")
    started = _started(events)
    if started is None:
        return say(chart, WAITING)
    steps = thin(steps_of(events, measure, started=started))
    trained, validated = epochs_of(events, measure, trained=True), epochs_of(events, measure, trained=False)
    _line(chart, steps, "Steps", TRAIN_COLOUR, width=1.2, opacity=0.5)
    _line(chart, trained, "Training", TRAIN_COLOUR, width=2.5, mark="circle")
    _line(chart, validated, "Validation", VALIDATION_COLOUR, width=3, mark="circle")
    best = _best(events)
    if best is not None:
        score = best.validation.loss if measure == "loss" else best.validation.accuracy
        chart.add_scatter(
            x=[best.epoch],
            y=[score],
            mode="markers",
            name="Best",
            marker={"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": VALIDATION_COLOUR, "width": 2}},
            hoverinfo="skip",
        )
    _span(chart, started.epochs)
    if measure == "accuracy":
        chance_line(chart, chance_level(len(started.classes)))
    return chart


def overlay_chart(
    runs: Mapping[str, Sequence[Event]],
    measure: Measure,
    *,
    epochs: int = 0,
    waiting: str = "None of these runs has begun yet.",
    uirevision: str = "overlay",
) -> go.Figure:
    """Draw several runs over each other, by name: validation bold, training dotted, one colour and mark a run.

    ``epochs`` is how long the axis is at least; ``waiting`` is said before there are curves.
    """
    chart = _axes(measure, uirevision=uirevision)
    longest, classes = 0, len(EMOTIONS)
    for number, (name, events) in enumerate(runs.items()):
        colour, mark = run_look(number)
        started = _started(events)
        if started is None:
            continue
        longest, classes = max(longest, started.epochs), len(started.classes)
        _line(chart, epochs_of(events, measure, trained=False), name, colour, width=3, mark=mark, group=name)
        _line(
            chart, epochs_of(events, measure, trained=True), f"{name}, training", colour, width=1.5, dash="dot",
            group=name, legend=False,
        )  # fmt: skip
    if not longest:
        return say(chart, waiting)
    _span(chart, max(longest, epochs))
    if measure == "accuracy":
        chance_line(chart, chance_level(classes))
    return chart


def steps_of(events: Sequence[Event], measure: Measure, *, started: RunStarted) -> list[Point]:
    """Return the score of every step at its place between epochs."""
    length = max(1, started.steps_per_epoch)
    return [
        (event.step / length, event.loss if measure == "loss" else event.accuracy)
        for event in events
        if isinstance(event, StepDone)
    ]


def epochs_of(events: Sequence[Event], measure: Measure, *, trained: bool) -> list[Point]:
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


def thin(points: Sequence[Point], *, limit: int = MAX_STEPS) -> list[Point]:
    """Return at most about ``limit`` points, evenly chosen, the last one always: a page cannot show more."""
    stride = max(1, -(-len(points) // limit))
    kept = list(points[::stride])
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def _axes(measure: Measure, *, uirevision: str) -> go.Figure:
    # The legend has its room also before there are curves, so that nothing jumps.
    chart = figure(height=HEIGHT, uirevision=uirevision, margin={"t": 34})
    chart.update_xaxes(title_text="Epoch")
    if measure == "loss":
        chart.update_yaxes(title_text="Loss", rangemode="tozero")
    else:
        chart.update_yaxes(title_text="Accuracy", range=[0, 1.02], tickformat=".0%", dtick=0.25)
    return chart


def _span(chart: go.Figure, epochs: int) -> None:
    chart.update_xaxes(range=[-0.02 * epochs, epochs * 1.03], dtick=max(1, round(epochs / 8)))


def _line(
    chart: go.Figure,
    points: Sequence[Point],
    name: str,
    colour: str,
    *,
    width: float,
    opacity: float = 1.0,
    mark: str = "",
    dash: str = "solid",
    group: str = "",
    legend: bool = True,
) -> None:
    chart.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        name=name,
        mode="lines+markers" if mark else "lines",
        line={"color": colour, "width": width, "dash": dash},
        marker={"size": 7, "color": colour, "symbol": mark or "circle"},
        opacity=opacity,
        legendgroup=group or name,
        showlegend=legend,
        hovertemplate="%{y:.3f}",
        hoverinfo="skip" if opacity < 1 else None,
    )


def _started(events: Sequence[Event]) -> RunStarted | None:
    return next((event for event in events if isinstance(event, RunStarted)), None)


def _best(events: Sequence[Event]) -> EpochDone | None:
    return next((event for event in reversed(events) if isinstance(event, EpochDone) and event.is_best), None)
