"""What a comparison found, as the page shows it: sentences, warnings, and the table of every measure."""

from __future__ import annotations

import html
from pathlib import Path

from emotion.comparison import Comparison, SampleResult
from emotion.comparison.findings import caveats, details_sentence, gap_sentence, gaps_of
from emotion.comparison.gaps import Gap
from emotion.core.format import count, percent
from emotion.core.labels import colour_of_set
from emotion.core.scored import chance_brier, chance_log_loss
from emotion.data.drawn import is_drawn
from emotion.ui.status import drawn_note
from emotion.ui.tables import column_head, row_head, scrolled
from emotion.ui.thumbnails import data_uris

TWIN_SIDE = 72
MAX_TWINS = 12


def findings_html(comparison: Comparison, emotion: str | None) -> str:
    """Return the finding in sentences, what it rests on, and the warnings it needs; None is all emotions together."""
    results = comparison.results(emotion)
    parts = ", ".join(
        f'<b style="--accent:{colour_of_set(name)}">{html.escape(name)} {percent(result.correct_confidence)}</b>'
        for name, result in results.items()
    )
    shown = f"“{html.escape(emotion)}”" if emotion else "all emotions"
    note = drawn_note(shown=any(is_drawn(folder) for folder in comparison.folders.values()))
    warnings = warnings_html(caveats(comparison, emotion))
    return (
        f'<div class="headline"><p class="finding">Mean correct-class confidence, {shown}: {parts}.</p>'
        f"{gaps_html(gaps_of(comparison, emotion))}"
        f'<p class="basis">{html.escape(basis(comparison, emotion))}</p></div>{warnings}{note}'
    )


def gaps_html(found: list[Gap]) -> str:
    """Return a sentence for each gap, with its test folded away."""
    items = "".join(
        f"<li><details><summary>{html.escape(gap_sentence(gap))}</summary>{html.escape(details_sentence(gap))}</details></li>"
        for gap in found
    )
    return f'<ul class="gaps">{items}</ul>' if items else ""


def warnings_html(sentences: list[str]) -> str:
    """Return sentences that nobody should pass over."""
    return "".join(f'<p class="caution" role="status">{html.escape(sentence)}</p>' for sentence in sentences)


def basis(comparison: Comparison, emotion: str | None) -> str:
    """Return what the numbers rest on: sample, seed, chance, interval, precision, run."""
    sizes = {result.n for result in comparison.results(emotion).values()}
    pictures = count(sizes.pop(), "picture") + " a set" if len(sizes) == 1 else "whole sets"
    return (
        f"{pictures}, seed {comparison.seed}, chance {percent(comparison.chance)}, 95 % intervals, "
        f"{comparison.precision}, run {Path(comparison.run).name}."
    )


def measures_html(comparison: Comparison, emotion: str | None) -> str:
    """Return every measure of every set as a table, with the line of an even guess."""
    columns = ("Pictures", "Mean correct-class confidence", "Right", "Second", "Log loss", "Brier score")
    head = "".join(column_head(name) for name in columns)
    rows = "".join(_measures_row(name, result) for name, result in comparison.results(emotion).items())
    classes = len(comparison.classes)
    even = percent(comparison.chance)
    chance = (
        f'<tr class="chance">{row_head("an even guess")}<td>–</td><td>{even}</td><td>{even}</td><td>{even}</td>'
        f"<td>{chance_log_loss(classes):.2f}</td><td>{chance_brier(classes):.2f}</td></tr>"
    )
    table = f'<table class="measures"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}{chance}</tbody></table>'
    note = (
        "In brackets 95 % intervals: Student-t for a mean, Wilson for a share. Log loss (nats) and Brier score are "
        "better the smaller they are."
    )
    return f'{scrolled(table, label="Measures of every set")}<p class="note">{note}</p>'


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


def _measures_row(name: str, result: SampleResult) -> str:
    low, high = result.correct_confidence_interval
    worst, best = result.accuracy_interval
    narrow = ' <abbr title="The interval is too narrow: the probabilities lie against 0 or 1">!</abbr>'
    share = f"{percent(result.accuracy)} <span>({percent(worst)} to {percent(best)})</span>"
    return (
        f"<tr>{row_head(name, colour_of_set(name))}<td>{result.n:,}</td>"
        f"<td><b>{percent(result.correct_confidence)}</b> <span>({percent(low)} to {percent(high)})</span>"
        f"{narrow if result.is_piled_up else ''}</td>"
        f"<td><b>{result.correct}</b> = {share}</td>"
        f"<td>{result.runner_up}</td><td>{result.log_loss:.2f}</td><td>{result.brier:.2f}</td></tr>"
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
