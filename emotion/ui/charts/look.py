"""The shared style of all charts: transparent background, greys that are legible on white and on near-black."""

import json
from typing import Any

import plotly.graph_objects as go

TRAIN_COLOUR = "#8795AB"
VALIDATION_COLOUR = "#6366F1"
TEXT = "#6E7B90"
GRID = "rgba(128,140,160,0.22)"
FONT = "'IBM Plex Sans', ui-sans-serif, system-ui, sans-serif"
# For overlaid curves: distinguishable for colour-blind eyes, on white and on near-black. More than six colours would
# be too similar, so each run has a marker as well.
RUN_COLOURS = ("#6366F1", "#EC3089", "#0FA2AC", "#AB925A", "#2F7459", "#656F0E")
RUN_MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x")


def run_look(number: int) -> tuple[str, str]:
    """Return the colour and the marker of a run, by its index from 0 among the overlaid runs."""
    # The seventh run has the first one's colour, and another marker.
    mark = RUN_MARKS[(number + number // len(RUN_COLOURS)) % len(RUN_MARKS)]
    return RUN_COLOURS[number % len(RUN_COLOURS)], mark


_AXIS: dict[str, Any] = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": GRID,
    "ticks": "",
    "title": {"standoff": 8, "font": {"size": 12}},
    "automargin": True,
    "fixedrange": True,
}
# Replaces Plotly's default template, which would clash with the page.
TEMPLATE: dict[str, Any] = {
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": TEXT},
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "#1E2433", "bordercolor": "#1E2433", "font": {"color": "#F4F6FA", "size": 12}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "showlegend": True,
    }
}


def figure(*, height: int, uirevision: str = "still", **layout: Any) -> go.Figure:
    """Return an empty figure in the shared style; the same ``uirevision`` preserves zoom and hidden lines."""
    chart = go.Figure()
    chart.update_layout(template=go.layout.Template(TEMPLATE), height=height, uirevision=uirevision, **layout)
    return chart


def waiting(text: str, *, height: int) -> str:
    """Return an empty chart with a sentence in it, as the JSON that the widget takes.

    Built of plain values: validation by Plotly's classes would delay the page's first charts by a quarter of a second.
    """
    hidden = {"visible": False}
    layout = {"template": TEMPLATE, "height": height, "annotations": [_in_the_middle(text)]}
    return json.dumps({"data": [], "layout": {**layout, "xaxis": hidden, "yaxis": hidden}}, ensure_ascii=False)


def say(chart: go.Figure, text: str) -> go.Figure:
    """Write a sentence where an empty chart would be."""
    chart.add_annotation(_in_the_middle(text))
    chart.update_xaxes(visible=False)
    chart.update_yaxes(visible=False)
    return chart


def chance_line(chart: go.Figure, chance: float, *, horizontal: bool = True) -> go.Figure:
    """Draw a line at chance level (0 to 1)."""
    line = {"color": TEXT, "width": 1.5, "dash": "dot"}
    text = f"chance {chance * 100:.0f} %"
    chart.update_layout(margin={"r": 62} if horizontal else {"t": 22})
    if horizontal:
        # Next to the plot, where no bar or curve covers it.
        chart.add_hline(y=chance, line=line)
        place = {"x": 1, "y": chance, "xref": "paper", "yref": "y", "xanchor": "left", "xshift": 3}
        text = text.replace(" ", "<br>", 1)
    else:
        chart.add_vline(x=chance, line=line)
        place = {"x": chance, "y": 1, "xref": "x", "yref": "paper", "yanchor": "bottom"}
    chart.add_annotation(text=text, showarrow=False, align="left", font={"size": 11, "color": TEXT}, **place)
    return chart


def _in_the_middle(text: str) -> dict[str, Any]:
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    return {"text": text, **place, "showarrow": False, "font": {"size": 13, "color": TEXT}}
