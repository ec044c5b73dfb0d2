"""Training curves as charts: events in, figures out."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from emotion.core.events import EpochDone, Event, RunStarted, StepDone
from emotion.core.labels import chance_level
from emotion.ui.charts import chance_line, figure, note, plain, waiting

HEIGHT = 250
MAX_STEPS = 400
WAITING = "The curve is drawn here while it trains."
TRAIN_COLOUR, VALIDATION_COLOUR = "#8795AB", "#6366F1"
# For overlaid curves: distinguishable for colour-blind eyes, on white and on near-black. More than six colours would
# be too similar, so each run has a marker as well.
RUN_COLOURS = ("#6366F1", "#EC3089", "#0FA2AC", "#AB925A", "#2F7459", "#656F0E")
RUN_MARKS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "cross": "✚", "x": "✖"}
Measure = Literal["loss", "accuracy"]
Point = tuple[float, float | None]


def training_chart(
    events: Sequence[Event],
    measure: Measure,
    *,
    others: Mapping[str, Sequence[Event]],
    name: str,
    replay: str = "",
) -> str:
    """Return one run's loss or accuracy as a figure: steps faint, epochs bold; epoch 0 is before training.

    ``others`` are overlaid by name as thin validation curves, with a colour and a marker each (``legend_html``).
    The same ``name`` preserves the zoom. With ``replay``, a caption, the curve is animated once.
    """
    starts = [each for each in map(_started, [events, *others.values()]) if each]
    if not starts:
        return waiting(WAITING, height=HEIGHT)
    lines = []
    for number, (title, told) in enumerate(others.items(), 1):
        colour, mark = run_look(number)
        points = _epochs(told, measure, trained=False)
        lines.append(_line(points, title, colour, width=1.4, mark=mark) | {"showlegend": False})
    if started := _started(events):
        steps = _line(_thin(_steps(events, measure, started)), "Steps", TRAIN_COLOUR, width=1.2)
        lines += [
            steps | {"mode": "lines", "opacity": 0.5, "hoverinfo": "skip"},
            _line(_epochs(events, measure, trained=True), "Training", TRAIN_COLOUR, width=2.5),
            _line(_epochs(events, measure, trained=False), "Validation", VALIDATION_COLOUR, width=3.5),
            *_kept(events, measure),
        ]
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


def _thin(points: Sequence[Point]) -> list[Point]:
    """Return at most ``MAX_STEPS`` points, evenly spaced, and the last one."""
    stride = max(1, -(-len(points) // MAX_STEPS))
    return [*points[:-1:stride], *points[-1:]]


def _steps(events: Sequence[Event], measure: Measure, started: RunStarted) -> list[Point]:
    """Return the score of every step, with its position in epochs."""
    length = max(1, started.steps_per_epoch)
    return [(event.step / length, getattr(event, measure)) for event in events if isinstance(event, StepDone)]


def _epochs(events: Sequence[Event], measure: Measure, *, trained: bool) -> list[Point]:
    """Return the score of every epoch, on the training pictures (``trained``) or the validation pictures."""
    done = [event for event in events if isinstance(event, EpochDone)]
    points = [
        (event.epoch, getattr(event, f"train_{measure}") if trained else getattr(event.validation, measure))
        for event in done
    ]
    return [(epoch, value) for epoch, value in points if value is not None]


def _line(points: Sequence[Point], name: str, colour: str, *, width: float, mark: str = "circle") -> dict[str, Any]:
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


def _kept(events: Sequence[Event], measure: Measure) -> list[dict[str, Any]]:
    """Return a ring around the epoch that is kept; nothing before there is one."""
    best = next((event for event in reversed(events) if isinstance(event, EpochDone) and event.is_best), None)
    if best is None:
        return []
    ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": VALIDATION_COLOUR, "width": 2}}
    point = _line([(best.epoch, getattr(best.validation, measure))], "Kept", VALIDATION_COLOUR, width=0)
    return [point | {"mode": "markers", "marker": ring, "hoverinfo": "skip"}]


def _started(events: Sequence[Event]) -> RunStarted | None:
    return next((event for event in events if isinstance(event, RunStarted)), None)
