"""Reliability diagrams: what a run's calibration is in, a figure out."""

from __future__ import annotations

import html

import plotly.graph_objects as go

from emotion.analysis.calibration import Bin, Calibration, RunCalibration
from emotion.core.labels import chance_level, colour_of_set
from emotion.ui.charts.look import TEXT, VALIDATION_COLOUR, figure

PANEL_HEIGHT, AROUND = 215, 56
VALIDATION = "validation"
_TICKS = (0, 0.25, 0.5, 0.75, 1)


def reliability_chart(found: RunCalibration) -> go.Figure:
    """Draw a diagram for the validation pictures and for each set: share right over confidence in the top class.

    Hollow as the run says it (raw), filled at its temperature; the bars are 95 % Wilson intervals of the share. Sets
    without a calibration error have no diagram.
    """
    chance = chance_level(len(found.classes))
    drawn = {VALIDATION: found.validation, **found.sets}
    drawn = {name: each for name, each in drawn.items() if each.raw.error is not None}
    columns = min(2, max(1, len(drawn)))
    rows = max(1, -(-len(drawn) // columns))
    # Here, for the page starts sooner without it.
    from plotly.subplots import make_subplots

    chart = make_subplots(
        rows, columns, subplot_titles=[f"{html.escape(name)}, n = {each.n}" for name, each in drawn.items()],
        shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.12, vertical_spacing=0.3 / (rows + 1),
    )  # fmt: skip
    look = figure(height=rows * PANEL_HEIGHT + AROUND, hovermode="closest", showlegend=False, margin={"t": 26})
    chart.update_layout(look.layout)
    chart.update_annotations(font={"size": 13, "color": TEXT})
    scaled = f"at T = {found.temperature:.2f}"
    for number, (name, each) in enumerate(drawn.items()):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        _diagonal(chart, chance, **place)
        _panel(chart, each, _colour(name), scaled=scaled, **place)
    chart.update_xaxes(
        range=[chance - 0.04, 1.04], tickvals=_TICKS, ticktext=[f"{each:.0%}".rstrip("%") for each in _TICKS]
    )
    chart.update_yaxes(range=[-0.04, 1.04], tickformat=".0%", dtick=0.25)
    chart.update_xaxes(title_text="Confidence, %", row=rows)
    chart.update_yaxes(title_text="Right", col=1)
    return chart


def _panel(chart: go.Figure, each: Calibration, colour: str, *, scaled: str, row: int, col: int) -> None:
    for name, confidence, is_filled in (
        ("raw", each.raw, False),
        (scaled, each.scaled, True),
    ):
        bins = confidence.error.bins if confidence.error else []
        chart.add_scatter(
            x=[part.confidence for part in bins],
            y=[part.accuracy for part in bins],
            error_y=_bars(bins, colour, is_filled=is_filled),
            customdata=[[part.right, part.n, *part.interval] for part in bins],
            hovertemplate=(
                f"{name}: %{{x:.0%}} sure, %{{customdata[0]}} of %{{customdata[1]}} right"
                "<br>95 % interval %{customdata[2]:.0%} to %{customdata[3]:.0%}<extra></extra>"
            ),
            name=name,
            row=row,
            col=col,
            **_mark(colour, is_filled=is_filled),
        )


def _mark(colour: str, *, is_filled: bool) -> dict[str, object]:
    return {
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2 if is_filled else 1.2, "dash": "solid" if is_filled else "dot"},
        "marker": {
            "size": 8, "color": colour, "symbol": "circle" if is_filled else "circle-open",
            "line": {"color": colour, "width": 1.6},
        },
    }  # fmt: skip


def _bars(bins: list[Bin], colour: str, *, is_filled: bool) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [part.interval[1] - part.accuracy for part in bins],
        "arrayminus": [part.accuracy - part.interval[0] for part in bins],
        "color": colour,
        "thickness": 1.4 if is_filled else 0.7,
        "width": 0,
    }


def _diagonal(chart: go.Figure, chance: float, *, row: int, col: int) -> None:
    chart.add_scatter(
        x=[chance, 1], y=[chance, 1], mode="lines", hoverinfo="skip",
        line={"color": TEXT, "width": 1, "dash": "dash"}, row=row, col=col,
    )  # fmt: skip


def _colour(name: str) -> str:
    return VALIDATION_COLOUR if name == VALIDATION else colour_of_set(name)
