"""Training curves as charts: events in, figures out."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from emotion.core.events import EpochDone, Event, RunStarted, StepDone
from emotion.core.labels import chance_level
from emotion.report.training import TRAINING_COLOUR, VALIDATION_COLOUR
from emotion.ui.charts import chance_line, figure, note, plain, waiting

HEIGHT = 250
MAX_STEPS = 400
WAITING = "The curve is drawn here while it trains."
# For overlaid curves: distinguishable for colour-blind eyes, on white and on near-black. More than six colours would
# be too similar, so each run has a marker as well.
RUN_COLOURS = ("#6366F1", "#EC3089", "#0FA2AC", "#AB925A", "#2F7459", "#656F0E")
RUN_MARKS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "cross": "✚", "x": "✖"}
Measure = Literal["loss", "accuracy"]
Line = dict[str, Any]


def training_chart(
    events: Sequence[Event], measure: Measure, *, others: Mapping[str, Sequence[Event]], name: str, replay: str = ""
) -> str:
    """Return one run's loss or accuracy as a figure: steps faint, epochs bold; epoch 0 is before training.

    ``others`` are overlaid by name as thin validation curves, with a colour and a marker each (``legend_html``).
    The same ``name`` preserves the zoom. With ``replay``, a caption, the curve is animated once.
    """
    own = [each for each in events if isinstance(each, RunStarted)]
    starts = own + [each for told in others.values() for each in told if isinstance(each, RunStarted)]
    if not starts:
        return waiting(WAITING, height=HEIGHT)
    lines = []
    for number, (title, told) in enumerate(others.items(), 1):
        colour, mark = run_look(number)
        points = [(each.epoch, getattr(each.validation, measure)) for each in told if isinstance(each, EpochDone)]
        lines.append(_line(points, title, colour, width=1.4, mark=mark) | {"showlegend": False})
    if own:
        lines += _own_lines(events, measure, max(1, own[0].steps_per_epoch))
    epochs = max(each.epochs for each in starts)
    more: dict[str, Any] = {"yaxis": {"title": {"text": "Loss"}, "rangemode": "tozero"}}
    if measure == "accuracy":
        chance = chance_level(len(starts[0].classes))
        # Next to the plot, where no curve covers it.
        place = {"x": 1, "y": chance, "xref": "paper", "xanchor": "left", "xshift": 3, "align": "left"}
        more = {
            "yaxis": {"title": {"text": "Accuracy"}, "range": [0, 1.02], "tickformat": ".0%", "dtick": 0.25},
            "shapes": [chance_line(chance, across="y", along="x")],
            "annotations": [note(f"chance<br>{chance * 100:.0f} %", **place)],
        }
    return figure(
        lines,
        height=HEIGHT,
        uirevision=name,
        # Room for the legend from the start, so that nothing jumps.
        margin={"t": 34, "r": 62 if measure == "accuracy" else 12},
        xaxis={
            "title": {"text": "Epoch"},
            "range": [-0.02 * epochs, epochs * 1.03],
            "dtick": max(1, round(epochs / 8)),
        },
        meta={"replay": replay},
        **more,
    )


def run_look(number: int) -> tuple[str, str]:
    """Return the colour and the marker of a run, by its index from 0 among the overlaid runs."""
    # The seventh run has the first one's colour, and another marker.
    marks = list(RUN_MARKS)
    return RUN_COLOURS[number % len(RUN_COLOURS)], marks[(number + number // len(RUN_COLOURS)) % len(marks)]


def legend_html(others: Iterable[str]) -> str:
    """Return the legend of the overlaid runs, to stand outside the chart: inside, it would fill a phone's screen."""
    names = []
    for number, title in enumerate(others, 1):
        colour, mark = run_look(number)
        names.append(f'<li><i style="color:{colour}" aria-hidden="true">{RUN_MARKS[mark]}</i>{html.escape(title)}</li>')
    return f'<ul class="curves-legend">{"".join(names)}</ul>' if names else ""


def _own_lines(events: Sequence[Event], measure: Measure, steps_per_epoch: int) -> list[Line]:
    """Return the lines of the watched run: its steps, its epochs, and a ring around the epoch that is kept."""
    steps = [(each.step / steps_per_epoch, getattr(each, measure)) for each in events if isinstance(each, StepDone)]
    # At most MAX_STEPS points, evenly spaced, and the last one.
    steps = [*steps[: -1 : max(1, -(-len(steps) // MAX_STEPS))], *steps[-1:]]
    epochs = [each for each in events if isinstance(each, EpochDone)]
    trained = [(each.epoch, value) for each in epochs if (value := getattr(each, f"train_{measure}")) is not None]
    validated = [(each.epoch, getattr(each.validation, measure)) for each in epochs]
    kept = [point for point, each in zip(validated, epochs, strict=True) if each.is_best][-1:]
    faint = {"mode": "lines", "opacity": 0.5, "hoverinfo": "skip"}
    ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": VALIDATION_COLOUR, "width": 2}}
    lines = [
        _line(steps, "Steps", TRAINING_COLOUR, width=1.2) | faint,
        _line(trained, "Training", TRAINING_COLOUR, width=2.5),
        _line(validated, "Validation", VALIDATION_COLOUR, width=3.5),
    ]
    if kept:
        circle = _line(kept, "Kept", VALIDATION_COLOUR, width=0)
        lines.append(circle | {"mode": "markers", "marker": ring, "hoverinfo": "skip"})
    return lines


def _line(points: Sequence[tuple[float, float]], name: str, colour: str, *, width: float, mark: str = "circle") -> Line:
    return {
        "type": "scatter",
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "name": plain(name),
        "mode": "lines+markers",
        "line": {"color": colour, "width": width},
        "marker": {"size": 7, "color": colour, "symbol": mark},
        "hovertemplate": "%{y:.3f}",
    }
