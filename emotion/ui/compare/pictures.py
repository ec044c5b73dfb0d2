"""The pictures of a comparison as the page shows them, set beside set, and the table that is downloaded."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emotion.analysis import Comparison, SampleResult, ScoredPicture
from emotion.core.format import count, harmless, percent
from emotion.core.labels import DRAWN_NOTE, colour_of, colour_of_set
from emotion.data.drawn import is_drawn
from emotion.data.folders import within
from emotion.ui.tables import column_head, row_head, scrolled
from emotion.ui.thumbnails import data_uris

SIDE = 132
MAX_TWINS, TWIN_SIDE = 12, 96
# A page of pictures; a comparison over whole sets shows its first ones, one of all emotions some of each. All are in
# the CSV.
MAX_SHOWN, MAX_POOLED = 60, 24
TICK = "Put this picture into the report"


def pictures_html(comparison: Comparison, emotion: str | None) -> str:
    """Return the sets side by side: what came out, and every picture with what was said of it; None is all emotions."""
    results = comparison.results(emotion)
    cards = "".join(_card(name, result, emotion) for name, result in results.items())
    return f'<div class="species">{cards}</div>'


def title_of(comparison: Comparison) -> str:
    """Return a short name of a saved comparison: when, what, on what."""
    when = time.strftime("%d.%m. %H:%M:%S", time.localtime(comparison.created))
    emotions = comparison.emotions()
    shown = emotions[0] if len(emotions) == 1 else "all emotions" if emotions else "nothing"
    size = "all pictures" if comparison.size is None else f"{comparison.size} each"
    return f"{when} · {shown} · {', '.join(comparison.sets)} · {size} · seed {comparison.seed}"


def table_of(comparison: Comparison) -> pd.DataFrame:
    """Return one row per picture: what it shows, what was said, and every class's probability.

    Pictures are named within their set's folder: where that lies is nobody else's business.
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
    """Return how many pictures of the sample cannot be read and were replaced, and why the first one; or nothing."""
    if not result.unreadable:
        return ""
    reason = next(iter(result.unreadable.values()))
    number = count(len(result.unreadable), "picture")
    return f'<p class="note">{number} left out, others drawn instead. {html.escape(reason)}</p>'


def _card(name: str, result: SampleResult, emotion: str | None) -> str:
    facts = f"<li><b>{result.correct} of {result.n} correct</b></li><li>{html.escape(_instead(result, emotion))}</li>"
    if emotion:
        facts += f"<li>“{html.escape(emotion)}” came second in <b>{result.runner_up} of {result.n}</b></li>"
    left_out = unreadable(result)
    shown = result.pictures[:MAX_SHOWN] if emotion else _spread(result.pictures)
    uris = data_uris([Path(each.picture) for each in shown], side=SIDE)
    pictures = "".join(_figure(each, uri, name) for each, uri in zip(shown, uris, strict=True))
    hidden = len(result.pictures) - len(shown)
    more = f'<p class="note">{count(hidden, "more picture")} in the CSV.</p>' if hidden > 0 else ""
    return (
        f'<section class="species-card" style="--accent:{colour_of_set(name)}" aria-label="{html.escape(name)}">'
        f'<h2>{html.escape(name)}</h2><ul class="facts">{facts}</ul>{left_out}'
        f'<div class="gallery">{pictures}</div>{more}</section>'
    )


def _spread(pictures: Sequence[ScoredPicture]) -> list[ScoredPicture]:
    """Return some pictures of every emotion: they come emotion by emotion."""
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
        return "It said nothing else."
    parts = [f"{label} {number}" for label, number in sorted(said.items(), key=lambda item: -item[1])]
    return f"Said {'instead' if emotion else 'of all'}: {', '.join(parts)}"


def sample_html(comparison: Comparison) -> str:
    """Return how the sets' classes were read, and which pictures were left out of the sample, folded away."""
    rows = "".join(
        f"<tr>{row_head(name, colour_of_set(name))}<td>{_mapping(comparison.mapping.get(name, {}))}</td></tr>"
        for name in comparison.sets
    )
    twins = {path: twin for name in comparison.sets for path, twin in comparison.pooled(name).near_duplicates.items()}
    checked = (
        f"Held against {count(comparison.checked, 'picture')} that the run was trained or validated on: "
        if comparison.checked
        else "The training pictures are not where they were, so that only equal files are found: "
    )
    number = f"{count(len(twins), 'near-duplicate')} found and left out, others drawn instead."
    found = number if twins else "no near-duplicate found."
    head = column_head("its class folders, and what they were read as")
    table = f'<table class="mapping"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>'
    notes = [f"{name}: {note}" for name, each in comparison.notes.items() for note in each]
    said = "".join(f'<p class="note">{html.escape(note)}</p>' for note in notes)
    opened = " open" if twins or notes else ""
    return (
        f'<details class="sample"{opened}><summary>The sample: classes and near-duplicates</summary>'
        f'{scrolled(table, label="Classes")}{said}<p class="note">{checked}{found}</p>{_twins_html(twins)}</details>'
    )


def _mapping(read: dict[str, str | None]) -> str:
    if not read:
        return "not recorded"
    parts = [
        f"{html.escape(folder)} → <b>{html.escape(label)}</b>" if label else f"<s>{html.escape(folder)}</s> not used"
        for folder, label in read.items()
    ]
    return " · ".join(parts)


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
