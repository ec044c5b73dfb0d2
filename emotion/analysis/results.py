"""What came out of a comparison, as blocks: for each set, what was said, and how far the sets lie apart."""

from __future__ import annotations

from emotion.analysis.blocks import (
    Beside,
    Block,
    Cell,
    Dot,
    DotChart,
    Figure,
    Folded,
    Guide,
    Heading,
    Points,
    Row,
    Source,
    Table,
    Text,
)
from emotion.analysis.comparison import Comparison, Gap
from emotion.analysis.findings import confusion, details_sentence, gap_sentence, plural, reference_of
from emotion.core.format import exact_percent, p_value, percent, points, span
from emotion.core.labels import colour_of, colour_of_set
from emotion.core.scored import SampleResult, chance_brier, chance_log_loss

WILSON = Source("Wilson 1927", "https://doi.org/10.1080/01621459.1927.10502953")
WELCH = Source("Welch 1947", "https://doi.org/10.1093/biomet/34.1-2.28")
ERNST = Source("Ernst 2004", "https://doi.org/10.1214/088342304000000396")
VARGHA = Source("Vargha and Delaney 2000", "https://doi.org/10.3102/10769986025002101")
YEKUTIELI = Source("Benjamini and Yekutieli 2001", "https://doi.org/10.1214/aos/1013699998")
BRIER = Source("Brier 1950", "https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2")
MEASURES = ("Pictures", "Mean correct-class confidence", "Right", "Second", "Log loss", "Brier score")
NARROW = "†"


def results(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return every measure of every set with its interval, what was said, and the grid where there is one."""
    blocks: list[Block] = [
        measures(comparison, emotion),
        note_of_measures(),
        _means(comparison, emotion),
    ]
    if emotion is None:
        blocks += [Heading("Every emotion of every set"), *grid(comparison), _every_measure(comparison)]
    return [*blocks, Heading("What it said"), said(comparison, emotion)]


def note_of_measures() -> Text:
    """Say what stands in the table of measures."""
    return Text(MEASURED, "note", (WILSON, BRIER))


def said(comparison: Comparison, emotion: str | None) -> Block:
    """Return what was said of each set: counts of one emotion, or a confusion matrix a set."""
    if emotion is None:
        return Beside(tuple(_confusion(comparison, name) for name in comparison.sets))
    return _said(comparison, emotion)


def differences(comparison: Comparison, emotion: str | None) -> list[Block]:
    """Return how far the other sets lie from the reference, with the tests, and what it would take to tell."""
    if not comparison.gaps:
        why = "There is one set only" if len(comparison.sets) == 1 else "A set has a single picture"
        return [Text(f"{why}, so that nothing can be held against it.")]
    shown = [gap for gap in comparison.gaps if gap.emotion == emotion]
    return [
        Points(tuple((gap_sentence(gap), details_sentence(gap)) for gap in shown)),
        _gaps_table(comparison.gaps),
        Text(_TESTS, "note", (WELCH, ERNST, YEKUTIELI, VARGHA)),
    ]


_TESTS = (
    "Gap: the difference of the means, with Welch’s 95 % interval. p: a two-sided permutation test of equal "
    "distributions, 9,999 resamples; corrected for all tests of its kind in this table. Superiority: the share of all "
    "pairs of pictures in which the reference’s one gets the higher probability; 50 % is no difference. Pictures "
    "needed: in each set, to tell a gap of this size in four of five repetitions."
)


MEASURED = (
    "Beside each value its 95 % interval: Student-t for a mean, Wilson for a share. Second counts the pictures whose "
    "correct class is the second most likely. Log loss, in nats, and the Brier score, 0 to 2, are better the smaller "
    "they are."
)
_NARROW = (
    f"{NARROW} Half or more of these probabilities lie against 0 or 1: the interval of their mean is too narrow; trust "
    "the hits."
)


def row_of(name: str, result: SampleResult, *, colour: str) -> Row:
    """Return the measures of a sample as a row."""
    mean = exact_percent(result.correct_confidence) + (NARROW if result.is_piled_up else "")
    return Row(
        name,
        (
            Cell(f"{result.n:,}"),
            Cell(mean, span(result.correct_confidence_interval)),
            Cell(f"{result.correct} of {result.n}", f"{percent(result.accuracy)}: {span(result.accuracy_interval)}"),
            Cell(str(result.runner_up)),
            Cell(f"{result.log_loss:.2f}"),
            Cell(f"{result.brier:.2f}"),
        ),
        colour=colour,
    )


def measures(comparison: Comparison, emotion: str | None) -> Table:
    """Return every measure of every set, with the line of an even guess."""
    rows = [row_of(name, each, colour=colour_of_set(name)) for name, each in comparison.results(emotion).items()]
    classes, even = len(comparison.classes), percent(comparison.chance)
    cells = ("–", even, even, even, f"{chance_log_loss(classes):.2f}", f"{chance_brier(classes):.2f}")
    rows.append(Row("An even guess", tuple(map(Cell, cells)), is_reference=True))
    what = f"shown “{emotion}”" if emotion else "all emotions taken together"
    return _measured(f"What came out, {what}", "Set", rows)


def _measured(caption: str, corner: str, rows: list[Row]) -> Table:
    is_narrow = any(NARROW in cell.text for row in rows for cell in row.cells)
    return Table(caption, corner, MEASURES, tuple(rows), note=_NARROW if is_narrow else "")


def _means(comparison: Comparison, emotion: str | None) -> Figure:
    dots = []
    for name, result in comparison.results(emotion).items():
        dots.append(_dot(name, result, colour_of_set(name), is_leading=True))
        if emotion is None:
            dots += [_dot(label, each, colour_of(label)) for label, each in comparison.sets[name].items()]
    said = "; ".join(
        f"{name} {percent(each.correct_confidence)}, {span(each.correct_confidence_interval)}"
        for name, each in comparison.results(emotion).items()
    )
    chart = DotChart(
        alt=f"Mean correct-class confidence with 95 % intervals: {said}. Chance is {percent(comparison.chance)}.",
        axis="Mean correct-class confidence",
        dots=tuple(dots),
        guide=Guide(comparison.chance, "chance"),
    )
    below = " Below each set, its emotions." if emotion is None else ""
    return Figure(f"Mean correct-class confidence with 95 % intervals; the dotted line is chance.{below}", (chart,))


def _dot(name: str, result: SampleResult, colour: str, *, is_leading: bool = False) -> Dot:
    return Dot(name, result.correct_confidence, result.correct_confidence_interval, colour, is_leading)


def grid(comparison: Comparison) -> list[Block]:
    """Return the mean of every emotion of every set at a glance."""
    emotions = comparison.emotions()
    told = {(gap.other, gap.emotion) for gap in comparison.gaps if gap.adjusted_p_value < 0.05}

    def cell(name: str, emotion: str | None) -> Cell:
        result = comparison.pooled(name) if emotion is None else comparison.sets[name].get(emotion)
        if result is None:
            return Cell("–")
        above = max(0.0, result.correct_confidence - comparison.chance) / (1 - comparison.chance)
        mark = "*" if (name, emotion) in told else ""
        mean = exact_percent(result.correct_confidence)
        detail = f"{span(result.correct_confidence_interval)}, {result.correct} of {result.n}"
        area = comparison.ranking.get((name, emotion)) if emotion else None
        if area is not None:
            low, high = area.interval or (0.0, 1.0)
            detail += f", AUC {area.value:.2f} ({low:.2f} to {high:.2f})"
        return Cell(f"{mean}{mark}", detail, share=above)

    rows = [
        Row(name, tuple(cell(name, emotion) for emotion in [*emotions, None]), colour=colour_of_set(name))
        for name in comparison.sets
    ]
    marks = f" * differs from {reference_of(comparison)} at 5 %, corrected." if len(rows) > 1 else ""
    table = Table(
        "Mean correct-class confidence by emotion", "Set", (*emotions, "all"), tuple(rows),
        note="Below each mean its 95 % interval, the pictures that are right, and the AUC with its bootstrap interval: "
        "how often a picture of the emotion gets a higher probability of it than another one of the set, 0.50 by luck. "
        "Neither calling all the same nor a temperature moves it. The darker a cell, the further above "
        f"chance ({percent(comparison.chance)}).{marks}",
    )  # fmt: skip
    return [table]


def _every_measure(comparison: Comparison) -> Folded:
    rows = [
        row_of(f"{name}, {label}", each, colour=colour_of_set(name))
        for name, results in comparison.sets.items()
        for label, each in results.items()
    ]
    title = "Every measure by set and emotion"
    return Folded(title, _measured(title, "Sample", rows))


def _said(comparison: Comparison, emotion: str) -> Table:
    rows = []
    for name, result in comparison.results(emotion).items():
        cells = [
            Cell(str(number), share=number / result.n, tone="right" if label == emotion else "wrong")
            for label, number in result.predicted.items()
        ]
        rows.append(Row(name, tuple(cells), colour=colour_of_set(name)))
    return Table(f"How many pictures of “{emotion}” were called what", "Set", tuple(comparison.classes), tuple(rows))


def _confusion(comparison: Comparison, name: str) -> Table:
    rows = []
    for label, said in confusion(comparison.pooled(name), comparison.classes).items():
        total = sum(said.values())
        cells = [
            Cell(str(number), share=number / total, tone="right" if other == label else "wrong")
            for other, number in said.items()
        ]
        rows.append(Row(label, tuple(cells), colour=colour_of(label)))
    return Table(f"What was said of {plural(name)}", "shows ↓ said →", tuple(comparison.classes), tuple(rows))


def _gaps_table(gaps: list[Gap]) -> Table:
    rows = []
    for gap in gaps:
        found = gap.difference
        emotion = gap.emotion or "all"
        rows.append(
            Row(
                f"{gap.reference} over {gap.other}, {emotion}",
                (
                    Cell(points(found.gap), f"{points(found.interval[0])} to {points(found.interval[1])}"),
                    Cell(p_value(found.p_value)),
                    Cell(p_value(gap.adjusted_p_value)),
                    Cell(percent(found.superiority)),
                    Cell("–" if found.needed is None else f"{found.needed:,}"),
                ),
                colour=colour_of_set(gap.other),
            )
        )
    head = ("Gap in points", "p", "p corrected", "Superiority", "Pictures needed")
    return Table("Gaps in mean correct-class confidence", "Gap", head, tuple(rows))
