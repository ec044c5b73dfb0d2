"""A comparison's results as blocks: measures of each set, predictions, and gaps between the sets."""

from __future__ import annotations

import math
from collections.abc import Iterator

from emotion.analysis.blocks import (
    Beside,
    Block,
    Cell,
    Dot,
    DotChart,
    Figure,
    Points,
    Source,
    Table,
    Text,
    right_of,
    row,
    shaded,
)
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import gap_sentence, plural
from emotion.core.format import exact_percent, p_value, percent, points, span
from emotion.core.labels import colour_of
from emotion.core.scored import SampleResult

WILSON: Source = ("Wilson 1927", "https://doi.org/10.1080/01621459.1927.10502953")
BRIER: Source = ("Brier 1950", "https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2")
TESTED_BY: tuple[Source, ...] = (
    ("Welch 1947", "https://doi.org/10.1093/biomet/34.1-2.28"),
    ("Ernst 2004", "https://doi.org/10.1214/088342304000000396"),
    ("Benjamini and Yekutieli 2001", "https://doi.org/10.1214/aos/1013699998"),
    ("Vargha and Delaney 2000", "https://doi.org/10.3102/10769986025002101"),
)
MEASURES = ("Pictures", "Mean correct-class confidence", "Right", "Second", "Log loss", "Brier score")
MEASURED = (
    "Beside each value its 95 % interval: Student-t for a mean, Wilson for a share. Second counts the pictures whose "
    "correct class is the second most likely. Log loss, in nats, and the Brier score, 0 to 2, are better the smaller "
    "they are."
)
TESTS = (
    "Gap: the difference of the means, with Welch’s 95 % interval. p: a two-sided permutation test of equal "
    "distributions, 9,999 resamples; corrected for all tests of its kind in this table. Superiority: the share of all "
    "pairs of pictures in which the reference’s one gets the higher probability; 50 % is no difference. Pictures "
    "needed: in each set, to tell a gap of this size in four of five repetitions."
)
GRID = (
    "Below each mean its 95 % interval, the pictures that are right, and the AUC with its bootstrap interval: how "
    "often a picture of the emotion gets a higher probability of it than another one of the set, 0.50 by luck. Neither "
    "calling all the same nor a temperature moves it. The darker a cell, the further above chance"
)


def results(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return all measures of all sets, with intervals, the predictions, and the grid if there is one."""
    blocks = [*measures(comparison, emotion), means(comparison, emotion)]
    if emotion is None:
        blocks += [Text("Every emotion of every set", "heading"), grid(comparison)]
    return [*blocks, Text("What it said", "heading"), said(comparison, emotion)]


def _samples(comparison: Comparison, emotion: str | None) -> Iterator[tuple[str, str | None, SampleResult]]:
    """Return each set's result by set and emotion, for None the pooled one (None) before that of each emotion."""
    for name, result in comparison.results(emotion).items():
        yield name, None, result
        if emotion is None:
            yield from ((name, label, part) for label, part in comparison.sets[name].items())


def measures(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return all measures of all sets, for None also by emotion, with a row for guessing and an explanation."""
    rows = [
        row(
            f"{name}, {label}" if label else name,
            f"{each.n:,}",
            (exact_percent(each.correct_confidence), span(each.correct_confidence_interval)),
            right_of(each.correct, each.n),
            str(each.runner_up),
            f"{each.log_loss:.2f}",
            f"{each.brier:.2f}",
            colour=comparison.colour(name),
        )
        for name, label, each in _samples(comparison, emotion)
    ]
    classes, chance = len(comparison.classes), percent(comparison.chance)
    losses = f"{math.log(classes):.2f}", f"{1 - 1 / classes:.2f}"
    rows.append(row("Chance", "–", chance, chance, chance, *losses, is_reference=True))
    what = f"shown “{emotion}”" if emotion else "all emotions taken together"
    return [Table(f"What came out, {what}", "Set", MEASURES, rows), Text(MEASURED, "note", (WILSON, BRIER))]


def means(comparison: Comparison, emotion: str | None) -> Figure:
    """Return the mean correct-class confidence of every set as a chart, for None with that of each emotion."""
    dots = [
        Dot(
            label or name,
            each.correct_confidence,
            each.correct_confidence_interval,
            colour_of(label) if label else comparison.colour(name),
            is_leading=label is None,
        )
        for name, label, each in _samples(comparison, emotion)
    ]
    alt = "Mean correct-class confidence with 95 % intervals beside chance; the numbers stand in the table."
    chart = DotChart(alt, "Mean correct-class confidence", dots, comparison.chance)
    below = " Below each set, its emotions." if emotion is None else ""
    return Figure(f"Mean correct-class confidence with 95 % intervals; the dotted line is chance.{below}", [chart])


def grid(comparison: Comparison) -> Table:
    """Return the mean correct-class confidence of every emotion of every set."""
    told = {(gap.other, gap.emotion) for gap in comparison.gaps if gap.adjusted_p_value < 0.05}

    def cell(name: str, emotion: str | None) -> Cell:
        result = comparison.results(emotion).get(name)
        if result is None:
            return Cell("–")
        above = max(0.0, result.correct_confidence - comparison.chance) / (1 - comparison.chance)
        mark = "*" if (name, emotion) in told else ""
        detail = f"{span(result.correct_confidence_interval)}, {result.correct} of {result.n}"
        area = comparison.ranking.get((name, emotion)) if emotion else None
        if area:
            detail += f", AUC {area.value:.2f} ({area.low:.2f} to {area.high:.2f})"
        return Cell(f"{exact_percent(result.correct_confidence)}{mark}", detail, share=above)

    emotions = comparison.emotions()
    rows = [
        row(name, *(cell(name, emotion) for emotion in [*emotions, None]), colour=comparison.colour(name))
        for name in comparison.sets
    ]
    marks = f" * differs from {comparison.reference} at 5 %, corrected." if len(rows) > 1 else ""
    note = f"{GRID} ({percent(comparison.chance)}).{marks}"
    return Table("Mean correct-class confidence by emotion", "Set", (*emotions, "all"), rows, note=note)


def said(comparison: Comparison, emotion: str | None) -> Block:
    """Return the predictions for each set: the counts for one emotion, or one confusion matrix per set."""
    if emotion:
        rows = [
            row(name, *shaded(result.predicted, right=emotion), colour=comparison.colour(name))
            for name, result in comparison.results(emotion).items()
        ]
        return Table(f"How many pictures of “{emotion}” were called what", "Set", comparison.classes, rows)
    matrices = []
    for name, samples in comparison.sets.items():
        rows = [
            row(label, *shaded(result.predicted, right=label), colour=colour_of(label))
            for label, result in samples.items()
        ]
        matrices.append(Table(f"What was said of {plural(name)}", "shows ↓ said →", comparison.classes, rows))
    return Beside(matrices)


def differences(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return the gaps between the reference and the other sets, with their tests and the sample sizes needed."""
    if not comparison.gaps:
        why = "There is one set only" if len(comparison.sets) == 1 else "A set has a single picture"
        return [Text(f"{why}, so that nothing can be held against it.")]
    rows = []
    for gap in comparison.gaps:
        found, (low, high) = gap.difference, gap.difference.interval
        cells = (
            (points(found.gap), f"{points(low)} to {points(high)}"),
            p_value(found.p_value),
            p_value(gap.adjusted_p_value),
            percent(found.superiority),
            f"{found.needed:,}" if found.needed else "–",
        )
        title = f"{gap.reference} over {gap.other}, {gap.emotion or 'all'}"
        rows.append(row(title, *cells, colour=comparison.colour(gap.other)))
    head = ("Gap in points", "p", "p corrected", "Superiority", "Pictures needed")
    return [
        Points([gap_sentence(gap) for gap in comparison.gaps if gap.emotion == emotion]),
        Table("Gaps in mean correct-class confidence", "Gap", head, rows),
        Text(TESTS, "note", TESTED_BY),
    ]
