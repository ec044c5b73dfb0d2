"""Result blocks and saliency maps as HTML, with the pictures that the visitor may see."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from emotion.analysis.blocks import Block, Explained, Figure, PictureMap, Text
from emotion.core.format import percent
from emotion.core.prediction import Saliency
from emotion.report.render import blocks_html
from emotion.ui.html import data_uris

# Perceptually uniform, legible with every kind of colour vision (van der Walt & Smith 2015, matplotlib's `inferno`).
SCALE = "Inferno"
# Translucent: the picture under a patch matters as much as the patch's brightness.
OPACITY = 0.62
# The map is interpolated between patches; the values stay one per patch.
STEPS_A_PATCH = 6
READING = (
    "Where the evidence for a class lies in this model’s attention. Each map has its own scale: its brightest patch is "
    "the most there is in that map. It is not a proof of cause."
)
METHOD = Text(
    "Attention is followed from what the classifier reads back to the patches, through every block, wherever more of "
    "it would raise the class’s logit above the others’ mean. Values lie one to a patch and are smoothed in between.",
    "note",
    (("Chefer, Gur and Wolf 2021, Generic Attention-model Explainability", "https://arxiv.org/abs/2103.15679"),),
    title="Gradient-weighted attention rollout",
)
# Pixels of a picture on a feature map, and next to its saliency maps.
MARK_SIDE, EXPLAINED_SIDE = 96, 300


def rendered(blocks: Sequence[Block], *, name: str) -> str:
    """Return blocks as HTML, with thumbnails of the pictures that the visitor may see; ``name`` prefixes their ids."""
    charts = [chart for block in blocks if isinstance(block, Figure) for chart in block.charts]
    paths = [mark.picture for chart in charts if isinstance(chart, PictureMap) for mark in chart.marks]
    uris = dict(zip(paths, data_uris([Path(path) for path in paths], side=MARK_SIDE), strict=True))
    cards = [block for block in blocks if isinstance(block, Explained)]
    text = blocks_html(blocks, name=name, uris=uris, explained=_explained)
    if not cards:
        return text
    cropped = any(is_cropped(saliency) for each in cards for saliency, _ in each.maps)
    return f'<div class="explained">{text}</div>{legend_html(is_cropped=cropped)}'


def beside(parts: Iterable[str]) -> str:
    """Return HTML side by side, on a narrow page below one another."""
    return f'<div class="side-by-side">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def card(name: str, colour: str, content: str) -> str:
    """Return HTML about a set, under its name and in its colour."""
    called = html.escape(name)
    return (
        f'<section class="set-card" style="--own:{colour}" aria-label="{called}"><h2>{called}</h2>{content}</section>'
    )


def _explained(block: Explained) -> str:
    [uri] = data_uris([Path(block.picture)], side=EXPLAINED_SIDE)
    said = html.escape(f"{block.name}, said {block.said}")
    figures = "".join(saliency_figure(saliency, uri, remark=remark) for saliency, remark in block.maps)
    whole = (
        f'<figure class="saliency"><div class="saliency-picture"><img src="{uri}" alt="{said}"></div>'
        "<figcaption><b>the picture</b></figcaption></figure>"
    )
    return card(block.name, block.colour, f'<div class="saliency-row">{whole}{figures}</div>')


def saliency_figure(saliency: Saliency, uri: str, *, remark: str = "") -> str:
    """Return a picture (a data URI) under one class's map, with the class, its probability and a remark below."""
    left, top, right, bottom = saliency.box
    place = f"left:{left:.2%};top:{top:.2%};width:{right - left:.2%};height:{bottom - top:.2%}"
    label, probability = html.escape(saliency.label), percent(saliency.confidence)
    remarks = [remark] if remark else []
    if not any(map(any, saliency.values)):
        remarks.append("nothing that it attends to speaks for it")
    more = f"<span>{html.escape('; '.join(remarks))}</span>" if remarks else ""
    return (
        f'<figure class="saliency"><div class="saliency-picture"><img src="{uri}" alt="The picture">'
        f'<img class="heat" style="{place}" src="{heat_uri(saliency)}" alt="Where the evidence for {label} lies"></div>'
        f"<figcaption><b>{label} {probability}</b>{more}</figcaption></figure>"
    )


def heat_uri(saliency: Saliency) -> str:
    """Return the map alone as a translucent PNG data URI."""
    rows = np.array(saliency.values, dtype=np.float32)
    grid = Image.fromarray(rows)
    smooth = grid.resize((grid.width * STEPS_A_PATCH, grid.height * STEPS_A_PATCH), Image.Resampling.BICUBIC)
    colours = _colours()[np.clip(np.asarray(smooth) * 255, 0, 255).astype(np.uint8)]
    alpha = np.full((*colours.shape[:2], 1), round(OPACITY * 255), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([colours, alpha], axis=2)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def legend_html(*, is_cropped: bool) -> str:
    """Return the colour scale, how to read a map, its limits and the source of the method."""
    stops = ", ".join(f"rgb({red}, {green}, {blue})" for red, green, blue in _colours()[::51].tolist())
    scale = (
        f'<div class="saliency-legend"><span>little</span><i style="background:linear-gradient(90deg, {stops})"></i>'
        "<span>much</span></div>"
    )
    cropped = "The model was shown the part under the heat only." if is_cropped else ""
    return scale + rendered([Text(f"{READING} {cropped}", "note"), METHOD], name="saliency")


def is_cropped(saliency: Saliency) -> bool:
    """Return whether the model saw only part of the picture."""
    return saliency.box != (0.0, 0.0, 1.0, 1.0)


@cache
def _colours() -> np.ndarray:
    """Return the colour scale as (256, 3) uint8 values."""
    shades = sample_colorscale(SCALE, [value / 255 for value in range(256)])
    return np.array([unlabel_rgb(shade) for shade in shades]).round().astype(np.uint8)
