"""The comparison that the Cross-species tab shows, found again from what the page sends, and blocks on the page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.blocks import Block, Explained, Figure, PictureMap
from emotion.core.errors import RunError
from emotion.report.render import blocks_html
from emotion.ui.run_board import RunBoard
from emotion.ui.saliency_view import is_cropped, legend_html, saliency_figure
from emotion.ui.thumbnails import data_uris

MAP_SIDE, SIDE = 96, 300


def shown_comparison(board: RunBoard, run: str | None, saved: str | None) -> tuple[Comparison, Path]:
    """Return the saved comparison of a run and its file; the page sends two names, never a path.

    Raises:
        RunError: nothing is compared yet, or it is gone or cannot be read.
    """
    if not run or not saved:
        raise RunError("Nothing is compared yet: press Compare first.")
    for path in board.find(run).comparisons.glob("*.json"):
        if path.name == saved:
            return load_comparison(path), path
    raise RunError("That comparison is gone: choose another one.")


def rendered(blocks: Sequence[Block], *, name: str) -> str:
    """Return blocks as HTML, with small copies of the pictures that the visitor may see; ``name`` begins their ids."""
    charts = [chart for block in blocks if isinstance(block, Figure) for chart in block.charts]
    paths = [mark.picture for chart in charts if isinstance(chart, PictureMap) for mark in chart.marks]
    uris = dict(zip(paths, data_uris([Path(path) for path in paths], side=MAP_SIDE), strict=True))
    cards = [block for block in blocks if isinstance(block, Explained)]
    text = blocks_html(blocks, name=name, uris=uris, explained=_explained)
    if not cards:
        return text
    cropped = any(is_cropped(saliency) for card in cards for saliency, _ in card.maps)
    return f'<div class="species explained">{text}</div>{legend_html(is_cropped=cropped)}'


def _explained(block: Explained) -> str:
    [uri] = data_uris([Path(block.picture)], side=SIDE)
    name, said = html.escape(block.name), html.escape(block.said)
    figures = "".join(saliency_figure(saliency, uri, remark=remark) for saliency, remark in block.maps)
    return (
        f'<section class="species-card" style="--accent:{block.colour}" aria-label="{name}"><h2>{name}</h2>'
        '<div class="saliency-row"><figure class="saliency"><div class="saliency-picture">'
        f'<img src="{uri}" alt="{name}, said {said}"></div><figcaption><b>the picture</b></figcaption></figure>'
        f"{figures}</div></section>"
    )
