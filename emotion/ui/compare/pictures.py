"""The pictures of a comparison, one card per set, and its table for download."""

import html
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emotion.analysis import Comparison, SampleResult, ScoredPicture
from emotion.analysis.blocks import Text
from emotion.core.format import count, harmless, percent
from emotion.core.labels import DRAWN_NOTE, colour_of, colour_of_set
from emotion.data.drawn import is_drawn
from emotion.data.folders import within
from emotion.report.building import sets_table
from emotion.ui.html import data_uris
from emotion.ui.rendering import rendered

SIDE = 132
MAX_TWINS, TWIN_SIDE = 12, 96
# Pictures shown per set: the first ones of one emotion, or a selection from all emotions. The CSV has all of them.
MAX_SHOWN, MAX_POOLED = 60, 24
TICK = "Put this picture into the report"


def pictures_html(comparison: Comparison, emotion: str | None) -> str:
    """Return one card per set: its results, and each picture with its prediction; None is all emotions."""
    results = comparison.results(emotion)
    colours = {name: colour_of_set(name, comparison.sets) for name in comparison.sets}
    cards = "".join(_card(name, result, emotion, colours[name]) for name, result in results.items())
    return f'<div class="species">{cards}</div>'


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
        for name, results in comparison.sets.items()
        for result in results.values()
        for picture in result.pictures
    ]
    return pd.DataFrame(rows)


def unreadable(result: SampleResult) -> str:
    """Return how many unreadable pictures of the sample were replaced, with the first reason; or an empty string."""
    if not result.unreadable:
        return ""
    reason = next(iter(result.unreadable.values()))
    number = count(len(result.unreadable), "picture")
    return f'<p class="note">{number} left out, others drawn instead. {html.escape(reason)}</p>'


def _card(name: str, result: SampleResult, emotion: str | None, colour: str) -> str:
    facts = f"<li><b>{result.correct} of {result.n} correct</b></li><li>{html.escape(_instead(result, emotion))}</li>"
    if emotion:
        facts += f"<li>“{html.escape(emotion)}” came second in <b>{result.runner_up} of {result.n}</b></li>"
    if result.unknown is not None:
        share = percent(result.unknown / result.n)
        facts += f"<li>Unfamiliar kind of picture: <b>{result.unknown} of {result.n}</b> ({share})</li>"
    left_out = unreadable(result)
    shown = result.pictures[:MAX_SHOWN] if emotion else _spread(result.pictures)
    uris = data_uris([Path(each.picture) for each in shown], side=SIDE)
    pictures = "".join(_figure(each, uri, name) for each, uri in zip(shown, uris, strict=True))
    hidden = len(result.pictures) - len(shown)
    more = f'<p class="note">{count(hidden, "more picture")} in the CSV.</p>' if hidden > 0 else ""
    return (
        f'<section class="species-card" style="--accent:{colour}" aria-label="{html.escape(name)}">'
        f'<h2>{html.escape(name)}</h2><ul class="facts">{facts}</ul>{left_out}'
        f'<div class="gallery">{pictures}</div>{more}</section>'
    )


def _spread(pictures: Sequence[ScoredPicture]) -> list[ScoredPicture]:
    """Return evenly spaced pictures, so that every emotion is included: they are sorted by emotion."""
    stride = max(1, -(-len(pictures) // MAX_POOLED))
    return list(pictures[::stride])


def _figure(picture: ScoredPicture, uri: str, name: str) -> str:
    is_right = picture.predicted == picture.label
    mark, kind = ("✓", "right") if is_right else ("✗", "wrong")
    said = html.escape(picture.predicted)
    return (
        f'<figure class="{kind}" style="--said:{colour_of(picture.predicted)}">'
        f'<label title="{TICK}"><input type="checkbox" data-tick="{picture.sha256}" aria-label="{TICK}"></label>'
        f'<img src="{uri}" alt="{html.escape(name)}, said {said}">'
        f"<figcaption><b>{percent(picture.correct_confidence)}</b>"
        f'<span><i aria-hidden="true">{mark}</i> said {said}</span></figcaption></figure>'
    )


def _instead(result: SampleResult, emotion: str | None) -> str:
    said = {label: number for label, number in result.predicted.items() if number and label != emotion}
    if not said:
        return "Nothing else was said."
    parts = [f"{label} {number}" for label, number in sorted(said.items(), key=lambda item: -item[1])]
    return f"{'Said instead' if emotion else 'Said'}: {', '.join(parts)}"


def sample_html(comparison: Comparison) -> str:
    """Return a folded section: how class names were read, and which near-duplicates were left out of the sample."""
    twins = {path: twin for name in comparison.sets for path, twin in comparison.pooled(name).near_duplicates.items()}
    checked = (
        f"Held against {count(comparison.checked, 'picture')} that the run was trained or validated on: "
        if comparison.checked
        else "The training pictures are not where they were, so that only equal files are found: "
    )
    number = f"{count(len(twins), 'near-duplicate')} found and left out, others drawn instead."
    found = number if twins else "no near-duplicate found."
    notes = [f"{name}: {note}" for name, each in comparison.notes.items() for note in each]
    told = [Text(note, "note") for note in (*notes, checked + found)]
    opened = " open" if twins or notes else ""
    return (
        f'<details class="sample"{opened}><summary>The sample: classes and near-duplicates</summary>'
        f"{rendered([sets_table(comparison), *told], name='sample')}{_twins_html(twins)}</details>"
    )


def _twins_html(twins: dict[str, str]) -> str:
    if not twins:
        return ""
    shown = list(twins.items())[:MAX_TWINS]
    uris = iter(data_uris([Path(path) for pair in shown for path in pair], side=TWIN_SIDE))
    pairs = "".join(
        f'<figure><img src="{next(uris)}" alt="In the sample"><img src="{next(uris)}" alt="Trained on">'
        f"<figcaption>{html.escape(Path(ours).name)} = {html.escape(Path(theirs).name)}</figcaption></figure>"
        for ours, theirs in shown
    )
    more = f'<p class="note">and {len(twins) - MAX_TWINS} more.</p>' if len(twins) > MAX_TWINS else ""
    return f'<div class="twins">{pairs}</div>{more}'
