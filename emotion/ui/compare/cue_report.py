"""A cue probe in words and faces, and the probes that a run has kept as a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache

from emotion.analysis.cue_probe import ON, RULE, CueCurves, sentence_of
from emotion.core.format import count, percent
from emotion.core.labels import SPECIES_COLOURS, chance_level, colour_of, in_order
from emotion.faces.cues import INDIVIDUALS, NEUTRAL_BASE, expressions_of, find_cue, individuals
from emotion.faces.identity import SPECIES
from emotion.ui.compare.controls_report import points_html
from emotion.ui.status import drawn_note
from emotion.ui.tables import column_head, scrolled
from emotion.ui.thumbnails import data_uri

# How many individuals a species may be asked for.
NUMBERS = (INDIVIDUALS, 10, 20)
SIDE = 96
# As charts.look.RUN_MARKS draws them.
_MARKS = "●■◆▲✚✖"
NUMBER = "Each line is a look of its own, at a class that was chosen after looking; the intervals are not corrected."


def finding_html(curves: CueCurves, *, run: str) -> str:
    """Return what the cue does in a sentence, the rule behind it, and what the numbers rest on."""
    first = next(iter(curves.species.values()))
    more = " More individuals tell smaller changes." if first.individuals < max(NUMBERS) else ""
    basis = (
        f"{count(first.individuals, 'individual')} a species, the same at every value; 95 % Student-t intervals over "
        f"them; chance {percent(chance_level(len(curves.classes)))}, {curves.precision}, run {run}.{more}"
    )
    return (
        f'<div class="headline"><p class="finding cue-finding">{html.escape(sentence_of(curves))}</p>'
        f'<p class="basis">{RULE}</p><p class="basis">{html.escape(basis)}</p></div>{drawn_note(shown=True)}'
    )


def legend_html(curves: CueCurves) -> str:
    """Return which line is which class, once for the charts of all species."""
    marks = zip(in_order(list(curves.classes)), _MARKS, strict=False)
    items = "".join(
        f'<li><i style="color:{colour_of(label)}">{mark}</i>{html.escape(label)}</li>' for label, mark in marks
    )
    band = f'<li class="lines">band: 95 % interval of “{html.escape(curves.leading)}”</li>'
    return f'<ul class="sweep-legend cue-legend">{items}{band}</ul>'


@lru_cache(maxsize=64)
def faces_html(cue: str, base: str, species: str) -> str:
    """Return the first individual with the cue at its low end, in the middle and at its high end."""
    moved, sitter = find_cue(cue), individuals(species)[0]
    expressions = expressions_of(moved, base=base, species=species)
    chosen = [expressions[0], expressions[len(expressions) // 2], expressions[-1]]
    from emotion.faces.portrait import draw_series

    faces = draw_series(species, sitter.identity, chosen, sitter.seed)
    figures = "".join(
        f'<img src="{data_uri(face, side=SIDE)}" alt="{species}, {html.escape(moved.title.lower())} {name}">'
        for face, name in zip(faces, (moved.low, "half way", moved.high), strict=True)
    )
    return f'<div class="cue-faces">{figures}</div>'


def kept_html(probes: Sequence[CueCurves]) -> str:
    """Return the last probe of each cue as a table: what moves on people, and whether the animals follow."""
    if not probes:
        return ""
    head = column_head("Cue, and the class that moves most") + "".join(
        column_head(ON[each], SPECIES_COLOURS[each]) for each in SPECIES
    )
    rows = "".join(_row(curves) for curves in probes)
    table = f'<table class="controls-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    note = f"From end to end, in percentage points, with 95 % intervals; ▼ or ▲ where they leave 0 out. {NUMBER}"
    return f'<h3 class="section">Probed so far</h3>{scrolled(table, label="Probed cues")}<p class="note">{note}</p>'


def _row(curves: CueCurves) -> str:
    cue, label = find_cue(curves.cue), curves.leading
    base = "" if curves.base == NEUTRAL_BASE else f", otherwise {curves.base}"
    cells = "".join(f"<td>{_cell(curves, species)}</td>" for species in SPECIES)
    moves = f'<span><i style="background:{colour_of(label)}"></i>{html.escape(label)}</span>'
    return f'<tr><th scope="row"><b>{html.escape(cue.title + base)}</b>{moves}</th>{cells}</tr>'


def _cell(curves: CueCurves, species: str) -> str:
    if species not in curves.species:
        return "–"
    verdict = curves.verdict(species)
    shown = "cannot be told" if verdict == "not told" else verdict
    said = f"<div>{shown}</div>" if verdict not in ("moves", "nothing to carry") else ""
    return f"{points_html(curves.species[species].swings[curves.leading])}{said}"
