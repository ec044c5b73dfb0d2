"""The result of a comparison as blocks: its headline, its numbers, the pictures of each set, and its table."""

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emotion.analysis import Comparison, SampleResult, ScoredPicture
from emotion.analysis.blocks import Block, Gallery, Points, Shown, Text, judged
from emotion.analysis.findings import caveats, details_sentence, gap_sentence, gaps_of, headline
from emotion.analysis.results import grid, means, said
from emotion.core.format import count, harmless, percent
from emotion.core.labels import DRAWN_NOTE
from emotion.data.drawn import is_drawn
from emotion.data.folders import within
from emotion.report.building import left_out, sets_table
from emotion.report.material import Material
from emotion.ui.html import data_uris, drawn_badge
from emotion.ui.rendering import beside, card, rendered

SIDE = 132
MAX_TWINS = 12
# Pictures shown per set: the first ones of one emotion, or a selection from all emotions. The CSV has all of them.
MAX_SHOWN, MAX_POOLED = 60, 24


def headline_html(comparison: Comparison, emotion: str | None) -> str:
    """Return the result in a sentence, warnings, its certainty, the gaps, and what it rests on."""
    first, second = headline(comparison, emotion)
    gaps = gaps_of(comparison, emotion)
    sizes = {result.n for result in comparison.results(emotion).values()}
    pictures = f"{count(sizes.pop(), 'picture')} per set" if len(sizes) == 1 else "whole sets"
    basis = (
        f"{f'“{emotion}”' if emotion else 'all emotions'}, {pictures}, seed {comparison.seed}, chance "
        f"{percent(comparison.chance)}, 95 % intervals, {comparison.precision}, run {Path(comparison.run).name}."
    )
    blocks: list[Block] = [Text(first, "finding"), *(Text(each, "warning") for each in caveats(comparison, emotion))]
    blocks.append(Text(second))
    if gaps:
        blocks.append(Points([f"{gap_sentence(gap)} {details_sentence(gap)}" for gap in gaps]))
    badge = drawn_badge(shown=any(map(is_drawn, comparison.folders.values())))
    return badge + rendered([*blocks, Text(basis, "note")], name="headline")


def overview_html(comparison: Comparison, emotion: str | None) -> str:
    """Return the means beside what was said; of several emotions also the grid of all."""
    parts = [rendered([means(comparison, emotion)], name="means"), rendered([said(comparison, emotion)], name="said")]
    several = rendered([grid(comparison)], name="grid") if len(comparison.emotions()) > 1 else ""
    return beside(parts) + several


def pictures_html(comparison: Comparison, emotion: str | None) -> str:
    """Return one card per set: its result, and each picture with its prediction; None is all emotions."""
    cards = []
    for name, result in comparison.results(emotion).items():
        shown = result.pictures[:MAX_SHOWN] if emotion else _spread(result.pictures)
        uris = data_uris([Path(each.picture) for each in shown], side=SIDE)
        pictures = [judged(each, uri, name=name, can_tick=True) for each, uri in zip(shown, uris, strict=True)]
        hidden = len(result.pictures) - len(shown)
        more = [Text(f"{count(hidden, 'more picture')} in the CSV.", "note")] if hidden else []
        blocks: list[Block] = [Text(_facts(result, emotion)), Gallery("", pictures), *more]
        cards.append(card(name, comparison.colour(name), rendered(blocks, name="pictures")))
    return beside(cards)


def sample_html(material: Material) -> str:
    """Return a folded section: how class names were read, and which pictures were left out of the sample."""
    comparison = material.comparison
    results = [comparison.pooled(name) for name in comparison.sets]
    twins = [twin for result in results for twin in result.near_duplicates.items()][:MAX_TWINS]
    notes = [Text(f"{name}: {note}", "note") for name, each in comparison.notes.items() for note in each]
    uris = iter(data_uris([Path(path) for pair in twins for path in pair], side=SIDE))
    pictures = [
        Shown(next(uris), title, Path(path).name, title)
        for pair in twins
        for path, title in zip(pair, ("in the sample", "trained on"), strict=True)
    ]
    galleries = [Gallery("Near-duplicates", pictures)] if pictures else []
    opened = " open" if notes or any(each.near_duplicates or each.unreadable for each in results) else ""
    blocks = [sets_table(comparison), *notes, *left_out(material).blocks, *galleries]
    return (
        f'<div class="blocks"><details{opened}><summary>The sample: classes and near-duplicates</summary>'
        f"{rendered(blocks, name='sample')}</details></div>"
    )


def title_of(comparison: Comparison) -> str:
    """Return a short title of a saved comparison: time, emotion, sets, sample size and seed."""
    when = time.strftime("%d.%m. %H:%M:%S", time.localtime(comparison.created))
    emotions = comparison.emotions()
    shown = emotions[0] if len(emotions) == 1 else "all emotions" if emotions else "nothing"
    size = "all pictures" if comparison.size is None else f"{comparison.size} each"
    return f"{when} · {shown} · {', '.join(comparison.sets)} · {size} · seed {comparison.seed}"


def table_of(comparison: Comparison) -> pd.DataFrame:
    """Return one row per picture: its label, the prediction, and the probability of every class.

    Pictures are named relative to their set's folder, whose location stays private.
    """
    rows = [
        {
            "set": harmless(name),
            "picture": harmless(within(picture.picture, comparison.folders[name])),
            "sha256": picture.sha256,
            "label": harmless(picture.label),
            "predicted": harmless(picture.predicted),
            "correct": picture.predicted == picture.label,
            "runner_up": picture.is_runner_up,
            "correct_confidence": picture.correct_confidence,
            "unknown": picture.is_unknown,
            **{f"p_{label}": picture.scores[label] for label in comparison.classes},
            "seed": comparison.seed,
            "run": Path(comparison.run).name,
            "note": DRAWN_NOTE if is_drawn(comparison.folders[name]) else "",
        }
        for name in comparison.sets
        for picture in comparison.pooled(name).pictures
    ]
    return pd.DataFrame(rows)


def _facts(result: SampleResult, emotion: str | None) -> str:
    facts = f"{result.correct} of {result.n} correct."
    if emotion:
        facts += f" “{emotion}” came second in {result.runner_up} of {result.n}."
    if result.unknown is not None:
        share = percent(result.unknown / result.n)
        facts += f" Unfamiliar kind of picture: {result.unknown} of {result.n} ({share})."
    return facts


def _spread(pictures: Sequence[ScoredPicture]) -> Sequence[ScoredPicture]:
    """Return evenly spaced pictures, so that every emotion is included: they are sorted by emotion."""
    return pictures[:: max(1, -(-len(pictures) // MAX_POOLED))]
