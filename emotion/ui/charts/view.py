"""The widget a figure is shown in: Plotly from this server, redrawn in place.

``gr.Plot`` builds a new chart at every update, which throws away zoom, hidden lines and tooltips several times a
second while a run is live; this one hands each figure to ``Plotly.react`` on the same element.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import plotly
import plotly.graph_objects as go

from emotion.ui.charts.look import waiting

_PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"

# Of a chart whose first figure says how high it gets.
EMPTY_HEIGHT = 260

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
    const caption = element.querySelector('figcaption'), label = caption.textContent;
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


def chart(height: int, *, label: str, name: str, says: str = "", below: str = "", script: str = "") -> gr.HTML:
    """Make a chart with a visible label; ``name`` is its id on the page. Give it new figures with ``shown``.

    ``height`` is in pixels; ``says`` a sentence for one that is seen before it has something to show.
    ``below`` is HTML under the plot, and ``script`` runs once after the first drawing, with ``element`` for the widget.
    """
    gr.set_static_paths([_PLOTLY])
    return gr.HTML(
        waiting(says, height=height) if says else "",
        html_template=(
            f'<figure class="chart"><figcaption>{label}</figcaption>'
            f'<div class="chart-plot" role="img" aria-label="{label}" style="height:{height}px"></div>{below}</figure>'
        ),
        js_on_load=_DRAW + script,
        head=f'<script src="gradio_api/file={_PLOTLY.as_posix()}"></script>',
        apply_default_css=False,
        elem_id=name,
    )


def shown(figure: go.Figure) -> str:
    """Return a figure as the chart widget takes it."""
    text: str = figure.to_json()
    return text
