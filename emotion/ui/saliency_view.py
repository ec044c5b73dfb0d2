"""A saliency map as the page shows it: the picture, the map as a layer of heat, and what it is. Writes no file."""

from __future__ import annotations

import base64
import html
import io
from functools import cache

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from emotion.core.format import percent
from emotion.core.prediction import Saliency

# Perceptually uniform and read by every kind of colour vision (van der Walt & Smith 2015, matplotlib's `inferno`).
SCALE = "Inferno"
# Seen through: what a patch shows says as much as how bright it is.
OPACITY = 0.62
# Between two patches the map is drawn smoothly; the values themselves stay one to a patch.
STEPS_A_PATCH = 6
SOURCE = "https://arxiv.org/abs/2103.15679"


def saliency_figure(saliency: Saliency, uri: str, *, remark: str = "") -> str:
    """Return a picture (a data URI) under the map of one class, below it the class, its probability and a remark."""
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
    """Return the map alone as a PNG data URI, translucent."""
    rows = np.array(saliency.values, dtype=np.float32)
    grid = Image.fromarray(rows)
    smooth = grid.resize((grid.width * STEPS_A_PATCH, grid.height * STEPS_A_PATCH), Image.Resampling.BICUBIC)
    colours = _colours()[np.clip(np.asarray(smooth) * 255, 0, 255).astype(np.uint8)]
    alpha = np.full((*colours.shape[:2], 1), round(OPACITY * 255), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([colours, alpha], axis=2)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def legend_html(*, is_cropped: bool) -> str:
    """Return the scale from little to much, what a map says and what it does not, and where the method is from."""
    stops = ", ".join(f"rgb({red}, {green}, {blue})" for red, green, blue in _colours()[::51].tolist())
    cropped = " The model was shown the part under the heat only." if is_cropped else ""
    return (
        f'<div class="saliency-legend"><span>little</span><i style="background:linear-gradient(90deg, {stops})"></i>'
        "<span>much</span></div>"
        f'<p class="note">Where the evidence for a class lies in this model’s attention. Each map has its own scale: '
        f"its brightest patch is the most there is in that map.{cropped} It is not a proof of cause.</p>"
        '<details class="saliency-source"><summary>How it is computed</summary><p class="note">'
        "Gradient-weighted attention rollout: attention is followed from what the classifier reads back to the "
        "patches, through every block, wherever more of it would raise the class’s logit above the others’ mean. "
        f'Chefer, Gur and Wolf 2021, Generic Attention-model Explainability, ICCV (<a href="{SOURCE}">arXiv 2103.15679'
        "</a>). Values lie one to a patch and are smoothed in between.</p></details>"
    )


def is_cropped(saliency: Saliency) -> bool:
    """Return whether the model was shown less than the whole picture."""
    return saliency.box != (0.0, 0.0, 1.0, 1.0)


@cache
def _colours() -> np.ndarray:
    """Return the scale as (256, 3) bytes."""
    shades = sample_colorscale(SCALE, [value / 255 for value in range(256)])
    return np.array([unlabel_rgb(shade) for shade in shades]).round().astype(np.uint8)
