"""The feature map in words, as HTML: what it will cost, what it shows, and the small copies it shows it with."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from emotion.analysis import Comparison
from emotion.analysis.feature_map import MapResult, drawn_per_class
from emotion.analysis.pool import pictures_of
from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.data.drawn import is_drawn
from emotion.data.folders import find_pictures
from emotion.runs.run import Run
from emotion.ui.look_cost import looks_sentence
from emotion.ui.run_board import RunSummary
from emotion.ui.status import drawn_note, sentence
from emotion.ui.thumbnails import data_uris

SIDE = 72


def cost_html(run: Run, comparison: Comparison, *, runs: Sequence[RunSummary]) -> str:
    """Return what a map costs before it is drawn."""
    config = run.config()
    try:
        cells = Counter(
            (name, each.label) for name in comparison.sets for each in pictures_of(comparison, name, comparison.classes)
        )
        size = drawn_per_class(len(cells)) if cells else 0
        most = sum(min(size, number) for number in cells.values())
        if config.depth != "head":
            # A trunk with trained blocks has not looked at its training pictures as it is now.
            most += len(find_pictures(Path(config.pictures), use_aliases=config.use_aliases))
    except PictureError as error:
        return sentence(str(error))
    return sentence(looks_sentence(config, most=most, runs=runs))


def small_copies(comparison: Comparison, result: MapResult) -> dict[tuple[str, str], str]:
    """Return every picture of the map as a data URI: they go to whoever looks at the page, and to no public cache."""
    keys = [(point.set_name, point.picture) for point in result.points]
    paths = [Path(comparison.folders[name]) / picture for name, picture in keys]
    return dict(zip(keys, data_uris(paths, side=SIDE), strict=True))


def finding_html(comparison: Comparison, result: MapResult) -> str:
    """Return what the map shows, and what that rests on."""
    said = "".join(f"<p>{html.escape(each)}</p>" for each in result.sentences())
    unreadable = sum(result.unreadable.values())
    left_out = f" {count(unreadable, 'picture')} cannot be read and left out." if unreadable else ""
    drawn = f"{count(len(result.points), 'picture')}, drawn by seed {comparison.seed}."
    note = drawn_note(shown=any(is_drawn(folder) for folder in comparison.folders.values()))
    return (
        f'<div class="headline feature-map">{said}'
        f'<p class="basis">{html.escape(f"{drawn} {result.axes_sentence()}{left_out}")}</p></div>{note}'
    )
