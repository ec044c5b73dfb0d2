"""A comparison's results as blocks: measures of each set, predictions, and gaps between the sets."""

from __future__ import annotations

import math

from emotion.analysis.blocks import (
    Beside,
    Block,
    Cell,
    Dot,
    DotChart,
    Figure,
    Heading,
    Points,
    Row,
    Source,
    Table,
    Text,
    right_of,
    row,
    shaded,
)
from emotion.analysis.comparison import Comparison, Gap
from emotion.analysis.findings import gap_sentence, plural
from emotion.core.format import exact_percent, p_value, percent, points, span
from emotion.core.labels import colour_of
from emotion.core.scored import SampleResult

WILSON = Source("Wilson 1927", "https://doi.org/10.1080/01621459.1927.10502953")
WELCH = Source("Welch 1947", "https://doi.org/10.1093/biomet/34.1-2.28")
ERNST = Source("Ernst 2004", "https://doi.org/10.1214/088342304000000396")
VARGHA = Source("Vargha and Delaney 2000", "https://doi.org/10.3102/10769986025002101")
YEKUTIELI = Source("Benjamini and Yekutieli 2001", "https://doi.org/10.1214/aos/1013699998")
BRIER = Source("Brier 1950", "https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2")
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
        blocks += [Heading("Every emotion of every set"), grid(comparison)]
    return [*blocks, Heading("What it said"), said(comparison, emotion)]


def differences(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return the gaps between the reference and the other sets, with their tests and the sample sizes needed."""
    if not comparison.gaps:
        why = "There is one set only" if len(comparison.sets) == 1 else "A set has a single picture"
        return [Text(f"{why}, so that nothing can be held against it.")]
    shown = [gap for gap in comparison.gaps if gap.emotion == emotion]
    head = ("Gap in points", "p", "p corrected", "Superiority", "Pictures needed")
    rows = [_gap_row(gap, comparison.colour(gap.other)) for gap in comparison.gaps]
    return [
        Points([gap_sentence(gap) for gap in shown]),
        Table("Gaps in mean correct-class confidence", "Gap", head, rows),
        Text(TESTS, "note", (WELCH, ERNST, YEKUTIELI, VARGHA)),
    ]


def measures(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return all measures of all sets, for None also by emotion, with a row for guessing and an explanation."""
    rows = []
    for name, each in comparison.results(emotion).items():
        colour, parts = comparison.colour(name), comparison.sets[name] if emotion is None else {}
        rows.append(_row(name, each, colour))
        rows += [_row(f"{name}, {label}", part, colour) for label, part in parts.items()]
    classes, chance = len(comparison.classes), percent(comparison.chance)
    losses = f"{math.log(classes):.2f}", f"{1 - 1 / classes:.2f}"
    rows.append(row("Chance", "–", chance, chance, chance, *losses, is_reference=True))
    what = f"shown “{emotion}”" if emotion else "all emotions taken together"
    return [Table(f"What came out, {what}", "Set", MEASURES, rows), Text(MEASURED, "note", (WILSON, BRIER))]


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
        if area is not None:
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
    if emotion is None:
        return Beside([_confusion(comparison, name) for name in comparison.sets])
    rows = [
        row(name, *shaded(result.predicted, right=emotion), colour=comparison.colour(name))
        for name, result in comparison.results(emotion).items()
    ]
    return Table(f"How many pictures of “{emotion}” were called what", "Set", comparison.classes, rows)


def _confusion(comparison: Comparison, name: str) -> Table:
    rows = [
        row(label, *shaded(result.predicted, right=label), colour=colour_of(label))
        for label, result in comparison.sets[name].items()
    ]
    return Table(f"What was said of {plural(name)}", "shows ↓ said →", comparison.classes, rows)


def _row(title: str, result: SampleResult, colour: str) -> Row:
    return row(
        title,
        f"{result.n:,}",
        (exact_percent(result.correct_confidence), span(result.correct_confidence_interval)),
        right_of(result.correct, result.n),
        str(result.runner_up),
        f"{result.log_loss:.2f}",
        f"{result.brier:.2f}",
        colour=colour,
    )


def _gap_row(gap: Gap, colour: str) -> Row:
    found, (low, high) = gap.difference, gap.difference.interval
    return row(
        f"{gap.reference} over {gap.other}, {gap.emotion or 'all'}",
        (points(found.gap), f"{points(low)} to {points(high)}"),
        p_value(found.p_value),
        p_value(gap.adjusted_p_value),
        percent(found.superiority),
        "–" if found.needed is None else f"{found.needed:,}",
        colour=colour,
    )


def means(comparison: Comparison, emotion: str | None) -> Figure:
    """Return the mean correct-class confidence of every set as a chart, for None with that of each emotion."""
    dots = []
    for name, result in comparison.results(emotion).items():
        dots.append(_dot(name, result, comparison.colour(name), is_leading=True))
        if emotion is None:
            dots += [_dot(label, each, colour_of(label)) for label, each in comparison.sets[name].items()]
    alt = "Mean correct-class confidence with 95 % intervals beside chance; the numbers stand in the table."
    chart = DotChart(alt, "Mean correct-class confidence", dots, comparison.chance)
    below = " Below each set, its emotions." if emotion is None else ""
    return Figure(f"Mean correct-class confidence with 95 % intervals; the dotted line is chance.{below}", [chart])


def _dot(name: str, result: SampleResult, colour: str, *, is_leading: bool = False) -> Dot:
    return Dot(name, result.correct_confidence, result.correct_confidence_interval, colour, is_leading)
