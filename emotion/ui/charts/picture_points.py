"""A chart of pictures: each point shows its picture under the pointer, and below the chart once it is chosen.

The chart's figure has, for each point, ``about(...)`` as its customdata, and a last trace ``ring()`` that marks the
chosen one. Points are chosen by a click or a tap, or one after the other by two buttons.
"""

from __future__ import annotations

import gradio as gr
import plotly.graph_objects as go

from emotion.ui.charts.look import TEXT
from emotion.ui.charts.view import chart

_BELOW = """<div class="near" hidden><img alt=""><span></span></div>
<div class="picked"><img alt="" hidden><p aria-live="polite">HINT</p>
<span class="steps"><button type="button" data-step="-1" aria-label="Previous picture">‹</button>
<button type="button" data-step="1" aria-label="Next picture">›</button></span></div>"""
HINT = "Point at a dot to see its picture; click or tap it, or step with the arrows, to keep it here."


def about(uri: str, said: str, details: str) -> list[str]:
    """Return the customdata of a point: its picture as a data URI, a few words under the pointer, a line below."""
    return [uri, said, details]


def ring() -> go.Scatter:
    """Return the last trace of such a chart: a ring around the chosen point."""
    return go.Scatter(
        x=[None], y=[None], mode="markers", hoverinfo="skip", showlegend=False,
        marker={"size": 19, "color": "rgba(0,0,0,0)", "line": {"color": TEXT, "width": 2.5}},
    )  # fmt: skip


def picture_chart(height: int, *, label: str, name: str) -> gr.HTML:
    """Make the widget; it takes new figures as ``chart`` does."""
    return chart(height, label=label, name=name, below=_BELOW.replace("HINT", HINT), script=_SHOW)


_SHOW = """
const frame = element.querySelector('.chart'), near = element.querySelector('.near');
const picked = element.querySelector('.picked'), hint = picked.querySelector('p').textContent;
let chosen = null, listens = false;
const points = () => (element.querySelector('.chart-plot').data || []).flatMap((trace) =>
    (trace.customdata || []).map((about, place) => ({about, x: trace.x[place], y: trace.y[place]})));
const choose = (place) => {
    const plot = element.querySelector('.chart-plot'), all = points(), image = picked.querySelector('img');
    const point = all.length && place !== null ? all[(place + all.length) % all.length] : null;
    chosen = point && (place + all.length) % all.length;
    image.hidden = !point;
    image.src = point ? point.about[0] : '';
    image.alt = point ? point.about[1] : '';
    picked.querySelector('p').textContent = point ? point.about[2] : hint;
    const at = {x: [[point && point.x]], y: [[point && point.y]]};
    if (plot.data) window.Plotly.restyle(plot, at, [plot.data.length - 1]);
};
const place = (event) => {
    const box = frame.getBoundingClientRect(), left = event.clientX - box.left, top = event.clientY - box.top;
    // On the side of the pointer where there is room, and never outside the frame.
    near.style.left = `${left < box.width / 2 ? left + 14 : Math.max(0, left - near.offsetWidth - 14)}px`;
    near.style.top = `${Math.max(0, Math.min(top - near.offsetHeight / 2, box.height - near.offsetHeight))}px`;
};
const listen = () => {
    const plot = element.querySelector('.chart-plot');
    if (listens || !plot || !plot.on) return;
    listens = true;
    plot.on('plotly_hover', ({points: [point], event}) => {
        if (!point.customdata) return;
        near.querySelector('img').src = point.customdata[0];
        near.querySelector('span').textContent = point.customdata[1];
        near.hidden = false;
        place(event);
    });
    plot.on('plotly_unhover', () => { near.hidden = true; });
    plot.on('plotly_click', ({points: [point]}) => {
        choose(points().findIndex(({about}) => about === point.customdata || about[2] === point.customdata[2]));
    });
};
element.addEventListener('click', (event) => {
    const step = event.target.closest('button[data-step]');
    if (step) choose(chosen === null ? (step.dataset.step > 0 ? 0 : -1) : chosen + Number(step.dataset.step));
});
listen();
watch('value', () => { listen(); near.hidden = true; choose(null); });
"""
