"""The checks of a report: luck, controls and cues where they were done, and which were not."""

from __future__ import annotations

from collections.abc import Mapping

from emotion.analysis import Comparison
from emotion.analysis.controls import CONTROLS, SHUFFLED, ControlResult, kept_controls, looks_sentence
from emotion.analysis.cue_probe import ON, RULE, kept_probes, sentence_of
from emotion.analysis.feature_map import KEPT_AS as MAP
from emotion.analysis.feature_map import MapResult
from emotion.analysis.findings import plural
from emotion.analysis.keeping import kept
from emotion.analysis.luck import kept_luck
from emotion.analysis.paired import Change
from emotion.core.format import capital, count, exact_percent, listed, percent, points, span
from emotion.core.labels import DRAWN_NOTE, colour_of, colour_of_set
from emotion.faces.cues import NEUTRAL_BASE, find_cue
from emotion.report.calibrating import calibration
from emotion.report.content import Block, Cell, Dot, DotChart, Figure, Guide, Heading, Points, Row, Section, Table, Text
from emotion.report.material import Material


def checks(material: Material) -> Section:
    """Return what is known of how far the numbers can be trusted: each check that was done, and which were not."""
    done: dict[str, list[Block]] = {
        "calibration": calibration(material),
        "luck (other trainings and other draws)": luck(material),
        "controls (the pictures with something taken away)": controls(material),
        "cues (one part of drawn faces moved at a time)": cues(material),
        "features (where the pictures lie to one another)": features(material),
    }
    blocks = [block for each in done.values() for block in each]
    lacking = [name for name, each in done.items() if not each]
    if lacking:
        blocks.append(Text(f"Not checked: {listed(lacking)}.", "note"))
    return Section("Checks", tuple(blocks))


def luck(material: Material) -> list[Block]:
    """Return how far the comparison moves with other trainings and other draws; nothing where that was not asked."""
    result = kept_luck(material.file)
    if result is None:
        return []
    rows, dots = [], []
    for name, each in result.sets.items():
        right = sorted(training.accuracy for training in each.trainings)
        cells = (
            Cell(f"all {each.n:,}" if each.is_whole else f"{each.size:,} of {each.n:,}"),
            Cell(exact_percent(each.observed)),
            Cell(exact_percent(each.quantiles[2]), span(each.span)),
            Cell("–" if each.is_whole else f"{100 * each.draw_deviation:.1f}"),
            Cell("–" if each.training_deviation is None else f"{100 * each.training_deviation:.1f}"),
            Cell(percent(right[0]) if right[0] == right[-1] else f"{percent(right[0])} to {percent(right[-1])}"),
            Cell("–" if each.reference_ahead is None else percent(each.reference_ahead)),
        )
        rows.append(Row(name, cells, colour=colour_of_set(name)))
        dots.append(Dot(name, each.observed, each.span, colour_of_set(name), is_leading=True))
    head = (
        "Pictures", "This comparison", "Middle of all", "Another draw", "Another training", "Right of all",
        f"{capital(plural(result.reference))} ahead",
    )  # fmt: skip
    table = Table(
        "The comparison repeated", "Set", head, tuple(rows),
        note="Middle of all: the median, and where 95 % of the repeats lie, or all of them where every picture is "
        "used. Another draw, another training: standard deviations in percentage points. Right of all: the share right "
        "over all pictures, from the least to the best training.",
    )  # fmt: skip
    seeds = f" Training seeds {listed([str(seed) for seed in result.seeds])}." if result.is_retrained else ""
    chart = DotChart(
        alt="What this comparison found for each set, within where its repeats lie. " + result.own_sentence(),
        axis="Mean correct-class confidence",
        dots=tuple(dots),
        guide=Guide(result.chance, "chance"),
    )
    return [
        Heading("Luck"),
        Text(f"{result.sentence()} {result.own_sentence()}{seeds}"),
        table,
        Figure("What this comparison found (dot), and where its repeats lie (line).", (chart,)),
    ]


def controls(material: Material) -> list[Block]:
    """Return what each control that was done takes away, and how far that moves each set."""
    results = kept_controls(material.file)
    if not results:
        return []
    rows, dots = [], []
    for result in results.values():
        title = CONTROLS[result.name].title
        for name, each in result.sets.items():
            gone = f", {count(each.left_out, 'picture')} gone by now" if each.left_out else ""
            rows.append(
                Row(
                    f"{title}, {name}",
                    (
                        Cell(exact_percent(each.before.correct_confidence), _right(each.before.correct, each.before.n)),
                        Cell(
                            exact_percent(each.after.correct_confidence),
                            _right(each.after.correct, each.after.n) + gone,
                        ),
                        _change(each.change),
                    ),
                    colour=colour_of_set(name),
                )
            )
            if result.name != SHUFFLED.name:
                change = each.change
                dots.append(Dot(f"{title}, {name}", change.mean, change.interval, colour_of_set(name)))
    asks = tuple((f"{CONTROLS[name].title}. {CONTROLS[name].asks}", "") for name in results)
    blocks: list[Block] = [
        Heading("Controls"),
        Text(_MISSED),
        Points(asks),
        Table("Mean correct-class confidence before and under each control", "Control", ("Before", "Under it",
              "Change in points"), tuple(rows)),
    ]  # fmt: skip
    if dots:
        alt = (
            "Change of the mean correct-class confidence under each control, with 95 % intervals; numbers in the table."
        )
        chart = DotChart(
            alt=alt, axis="Change in percentage points", dots=tuple(dots), guide=Guide(0.0, "no change"), is_change=True
        )
        blocks.append(Figure("What each control changes, with paired 95 % intervals.", (chart,)))
    if said := looks_sentence(results):
        blocks.append(Text(said, "note"))
    return blocks + _shuffled(results, material.comparison)


_MISSED = "The same pictures, judged once more with something taken away. What a model does not need, it does not miss."


def _shuffled(results: Mapping[str, ControlResult], comparison: Comparison) -> list[Block]:
    result = results.get(SHUFFLED.name)
    if result is None:
        return []
    kept_out = [
        name
        for name, each in result.sets.items()
        if not each.after.correct_confidence_interval[0]
        <= comparison.chance
        <= each.after.correct_confidence_interval[1]
    ]
    held = f"With labels by lot every set’s interval must hold the {percent(comparison.chance)} of chance"
    return [Text(f"{held}; {'those of ' + listed(kept_out) + ' do not' if kept_out else 'all do'}.", "note")]


def cues(material: Material) -> list[Block]:
    """Return what each cue that was probed with the run moves, and whether that carries over."""
    probes = kept_probes(material.run)
    if not probes:
        return []
    rows = []
    for curves in probes:
        label = curves.leading
        base = "" if curves.base == NEUTRAL_BASE else f", otherwise {curves.base}"
        for species, each in curves.species.items():
            moved = _change(each.swings[label])
            rows.append(
                Row(
                    f"{find_cue(curves.cue).title}{base}, {ON[species]}",
                    (
                        Cell(label),
                        Cell(percent(each.means[label][0])),
                        Cell(percent(each.means[label][-1])),
                        moved,
                        Cell(curves.verdict(species)),
                        Cell(str(each.individuals)),
                    ),
                    colour=colour_of(species),
                )
            )
    head = ("Class that moves most", "At one end", "At the other", "Change in points", "Verdict", "Individuals")
    return [
        Heading("Cues"),
        Text(f"One part of drawn faces is moved from end to end while all else stands still. {DRAWN_NOTE}"),
        Points(tuple((sentence_of(curves), "") for curves in probes)),
        Table("What each cue moves", "Cue", head, tuple(rows)),
        Text(
            f"{RULE} Each line is a look of its own, at a class that was chosen after looking; the intervals are not "
            "corrected.",
            "note",
        ),
    ]


def features(material: Material) -> list[Block]:
    """Return whether the pictures lie by species or by emotion, where a map of them was made."""
    values = kept(material.file, MAP)
    try:
        result = MapResult.from_json(values) if values else None
    except (KeyError, TypeError, AttributeError):
        result = None  # Written by another version.
    if result is None:
        return []
    return [Heading("Features"), Points(tuple((sentence, "") for sentence in result.sentences()))]


def _right(correct: int, n: int) -> str:
    return f"{correct} of {n}"


def _change(moved: Change) -> Cell:
    return Cell(points(moved.mean), f"{points(moved.interval[0])} to {points(moved.interval[1])}")
