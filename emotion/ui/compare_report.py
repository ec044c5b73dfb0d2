"""A comparison as the page shows it: sentences, galleries, and the table that is downloaded."""

from __future__ import annotations

import html
import time
from pathlib import Path

import pandas as pd

from emotion.comparison import Comparison, SampleResult, ScoredPicture
from emotion.labels import DRAWN_NOTE, SPECIES_COLOURS, colour_of
from emotion.pictures.drawn import is_drawn
from emotion.ui.picture_sets import species_of
from emotion.ui.status import drawn_note
from emotion.ui.thumbnails import data_uris
from emotion.ui.words import count, percent

SIDE = 132
# A page of pictures; a comparison over whole sets shows its first ones and keeps all in the CSV.
MAX_SHOWN = 60


def report_html(comparison: Comparison, emotion: str) -> str:
    """Return the sets side by side: what came out, and every picture with what was said of it."""
    results = results_of(comparison, emotion)
    cards = "".join(_card(name, result, emotion) for name, result in results.items())
    return f'<div class="species">{cards}</div>'


def headline_html(comparison: Comparison, emotion: str) -> str:
    """Return the finding in one sentence, what it rests on, and the line that drawn pictures need."""
    results = results_of(comparison, emotion)
    parts = [
        f'<b style="--accent:{_colour(name)}">{html.escape(name)} {percent(result.correct_confidence)}</b>'
        for name, result in results.items()
    ]
    note = drawn_note(shown=any(is_drawn(folder) for folder in comparison.folders.values()))
    return (
        f'<div class="headline"><p class="finding">Mean probability of “{html.escape(emotion)}”: '
        f'{", ".join(parts)}.</p><p class="basis">{html.escape(basis(comparison, emotion))}</p></div>{note}'
    )


def basis(comparison: Comparison, emotion: str) -> str:
    """Return what the numbers rest on: sample, seed, chance, interval, precision, run."""
    sizes = {result.n for result in results_of(comparison, emotion).values()}
    pictures = count(sizes.pop(), "picture") + " a set" if len(sizes) == 1 else "whole sets"
    return (
        f"{pictures}, seed {comparison.seed}, chance {percent(comparison.chance)}, 95 % intervals, "
        f"{comparison.precision}, run {Path(comparison.run).name}."
    )


def results_of(comparison: Comparison, emotion: str) -> dict[str, SampleResult]:
    """Return the results of one emotion, by set."""
    return {name: results[emotion] for name, results in comparison.sets.items() if emotion in results}


def emotions_of(comparison: Comparison) -> list[str]:
    """Return the emotions that were compared, in the classes' order."""
    return [label for label in comparison.classes if any(label in results for results in comparison.sets.values())]


def title_of(comparison: Comparison) -> str:
    """Return a short name of a saved comparison: when, what, on what."""
    when = time.strftime("%d.%m. %H:%M:%S", time.localtime(comparison.created))
    emotions = emotions_of(comparison)
    shown = emotions[0] if len(emotions) == 1 else "all emotions" if emotions else "nothing"
    size = "all pictures" if comparison.size is None else f"{comparison.size} each"
    return f"{when} · {shown} · {', '.join(comparison.sets)} · {size} · seed {comparison.seed}"


def table_of(comparison: Comparison) -> pd.DataFrame:
    """Return one row per picture: what it shows, what was said, and every class's probability.

    Pictures are named within their set's folder: where that lies is nobody else's business.
    """
    rows = [
        {
            "set": name,
            "picture": _within(picture.picture, comparison.folders[name]),
            "sha256": picture.sha256,
            "label": picture.label,
            "predicted": picture.predicted,
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


def _within(picture: str, folder: str) -> str:
    path = Path(picture)
    return (path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)).as_posix()


def _card(name: str, result: SampleResult, emotion: str) -> str:
    low, high = result.correct_confidence_interval
    worst, best = result.accuracy_interval
    facts = (
        f"<li><b>{result.correct} of {result.n} correct</b> "
        f"<span>95 % interval {percent(worst)} to {percent(best)}</span></li>"
        f"<li><b>{percent(result.correct_confidence)}</b> on “{html.escape(emotion)}” on average "
        f"<span>95 % interval {percent(low)} to {percent(high)}</span></li>"
        f"<li>“{html.escape(emotion)}” came second in <b>{result.runner_up} of {result.n}</b></li>"
        f"<li>{html.escape(_instead(result, emotion))}</li>"
    )
    left_out = unreadable(result)
    uris = data_uris([Path(each.picture) for each in result.pictures[:MAX_SHOWN]], side=SIDE)
    pictures = "".join(_figure(each, uri, name) for each, uri in zip(result.pictures[:MAX_SHOWN], uris, strict=True))
    hidden = len(result.pictures) - MAX_SHOWN
    more = f'<p class="note">{count(hidden, "more picture")} in the CSV.</p>' if hidden > 0 else ""
    return (
        f'<section class="species-card" style="--accent:{_colour(name)}" aria-label="{html.escape(name)}">'
        f'<h2>{html.escape(name)}</h2><ul class="facts">{facts}</ul>{left_out}'
        f'<div class="gallery">{pictures}</div>{more}</section>'
    )


def _figure(picture: ScoredPicture, uri: str, name: str) -> str:
    is_right = picture.predicted == picture.label
    mark, kind = ("✓", "right") if is_right else ("✗", "wrong")
    said = html.escape(picture.predicted)
    return (
        f'<figure class="{kind}" style="--said:{colour_of(picture.predicted)}">'
        f'<img src="{uri}" alt="{html.escape(name)}, said {said}">'
        f"<figcaption><b>{percent(picture.correct_confidence)}</b>"
        f'<span><i aria-hidden="true">{mark}</i> said {said}</span></figcaption></figure>'
    )


def _instead(result: SampleResult, emotion: str) -> str:
    wrong = {label: number for label, number in result.predicted.items() if number and label != emotion}
    if not wrong:
        return "It said nothing else."
    parts = [f"{label} {number}" for label, number in sorted(wrong.items(), key=lambda item: -item[1])]
    return f"Said instead: {', '.join(parts)}"


def _colour(name: str) -> str:
    return SPECIES_COLOURS.get(species_of(name), colour_of(name))
