"""Charts in one shared style: Plotly figures as JSON, and the widget that draws them.

``gr.Plot`` builds a new chart at every update, which discards zoom, hidden lines and tooltips several times a second
during a live run; this widget passes each figure to ``Plotly.react`` on the same element.
"""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

_PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"
# Greys that are legible on white and on near-black.
TEXT, GRID = "#6E7B90", "rgba(128,140,160,0.22)"
FONT = "'IBM Plex Sans', ui-sans-serif, system-ui, sans-serif"
_AXIS = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": GRID,
    "ticks": "",
    "title": {"standoff": 8, "font": {"size": 12}},
    "automargin": True,
    "fixedrange": True,
}
# Replaces Plotly's default template, which would clash with the page.
_TEMPLATE = {
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

_DRAW = """
const draw = () => {
    const plot = element.querySelector('.chart-plot');
    if (!plot || !window.Plotly || !props.value) return;
    const figure = JSON.parse(props.value), value = props.value, began = performance.now();
    figure.layout.autosize = true;
    const react = (data) => window.Plotly.react(plot, data, figure.layout, {displayModeBar: false, responsive: false});
    const replay = figure.layout.meta?.replay, name = figure.layout.uirevision;
    if (!replay || plot.dataset.replayed === name) return react(figure.data);
    // A training that took a blink draws its curve once, as if it went on.
    plot.dataset.replayed = name;
    const caption = element.querySelector('figcaption'), label = plot.ariaLabel;
    const end = Math.max(...figure.data.flatMap((line) => line.x));
    const step = () => {
        const share = props.value === value ? Math.min(1, (performance.now() - began) / 2000) : 1;
        const isSeen = (x) => x <= share * end;
        react(figure.data.map((line) => ({
            ...line, x: line.x.filter(isSeen), y: line.y.filter((_, number) => isSeen(line.x[number])),
        })));
        caption.textContent = share < 1 ? `${label} · ${replay}` : label;
        if (share < 1) setTimeout(step, 50); else if (props.value !== value) draw();
    };
    step();
};
draw();
watch('value', draw);
// A chart in a tab that is not shown has no width: it is fitted when it gets one.
new ResizeObserver(() => {
    const plot = element.querySelector('.chart-plot');
    if (plot && plot.offsetWidth && plot.data) window.Plotly.Plots.resize(plot);
}).observe(element);
"""


def chart(height: int, *, label: str, name: str, says: str) -> gr.HTML:
    """Make a chart of ``height`` pixels with a visible label; ``name`` is its id on the page. Its value is a figure.

    ``says`` is a sentence shown until there is one.
    """
    gr.set_static_paths([_PLOTLY])
    return gr.HTML(
        waiting(says, height=height),
        html_template=(
            f'<figure class="chart"><figcaption>{label}</figcaption>'
            f'<div class="chart-plot" role="img" aria-label="{label}" style="height:{height}px"></div></figure>'
        ),
        js_on_load=_DRAW,
        head=f'<script src="gradio_api/file={_PLOTLY.as_posix()}"></script>',
        apply_default_css=False,
        elem_id=name,
    )


def figure(data: Sequence[Mapping[str, Any]], *, height: int, **layout: Any) -> str:
    """Return a figure in the shared style as the chart's value; the same ``uirevision`` preserves zoom."""
    return json.dumps({"data": data, "layout": {"template": _TEMPLATE, "height": height, **layout}}, ensure_ascii=False)


def waiting(text: str, *, height: int) -> str:
    """Return an empty figure with a sentence in it."""
    hidden = {"visible": False}
    said = note(text, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 13, "color": TEXT})
    return figure([], height=height, annotations=[said], xaxis=hidden, yaxis=hidden)


def note(text: str, **place: Any) -> dict[str, Any]:
    """Return a text for a figure's ``annotations``, at a place in Plotly's terms."""
    return {"text": text, "showarrow": False, "font": {"size": 11, "color": TEXT}, **place}


def chance_line(chance: float, *, across: str, along: str) -> dict[str, Any]:
    """Return a dotted line at chance level (0 to 1) on the axis ``across``, for a figure's ``shapes``."""
    ends = {f"{across}0": chance, f"{across}1": chance, f"{along}0": 0, f"{along}1": 1, f"{along}ref": "paper"}
    return {"type": "line", "line": {"color": TEXT, "width": 1.5, "dash": "dot"}, **ends}


def plain(name: str) -> str:
    """Return a name escaped for Plotly, which parses markup, but no entity for quotes."""
    return html.escape(name, quote=False)
