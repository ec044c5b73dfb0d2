"""Checks that were done beside a comparison stand in its report, with their own sentences and numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emotion.comparison import load_comparison
from emotion.labels import DRAWN_NOTE
from emotion.report import build_report, to_html, to_markdown
from emotion.report.content import Figure, Section, Table, Text
from emotion.run import Run
from emotion.statistics.calibration import calibrate
from emotion.statistics.paired import change
from emotion.studies import feature_map, luck
from emotion.studies.controls import ControlResult, Measured, SetControl, keep_control
from emotion.studies.cue_probe import RULE, CueCurves, SpeciesCurves, keep_probe, sentence_of
from emotion.studies.keeping import keep
from emotion.studies.luck_result import LuckResult, SetLuck, Training
from emotion.validation import load_validation

MakeComparison = Callable[..., Path]
CLASSES = ["happy", "sad", "angry", "tired"]


def checks(file: Path) -> Section:
    """Return the checks of a report that is rendered in both ways."""
    report = build_report(file)
    assert to_html(report)
    return next(each for each in report.sections if each.title == "Checks")


def tables(part: Section) -> dict[str, Table]:
    return {block.caption: block for block in part.blocks if isinstance(block, Table)}


def words(part: Section) -> str:
    return " ".join(block.text for block in part.blocks if isinstance(block, Text))


def test_what_was_not_checked_is_said(make_comparison: MakeComparison) -> None:
    said = words(checks(make_comparison()))
    for name in ("luck", "controls", "cues", "features"):
        assert name in said.partition("Not checked:")[2]
    assert "calibration" not in said.partition("Not checked:")[2]


def test_calibration_has_the_numbers_of_the_statistics(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison(emotion=None)
    part = checks(file)
    found = calibrate(load_validation(trained), load_comparison(file), seed=0)
    assert f"Temperature T = {found.temperature:.2f}: " in words(part)
    assert f"95 % interval of T {found.interval[0]:.2f} to {found.interval[1]:.2f}" in words(part)
    table = tables(part)["Confidence and what is right"]
    assert [row.name for row in table.rows[::2]] == [f"{name}, as said" for name in ("validation", *found.sets)]
    for row, each in zip(table.rows[::2], (found.validation, *found.sets.values()), strict=True):
        assert row.cells[0].text == f"{each.correct} of {each.n}"
        assert row.cells[3].text == f"{each.raw.log_loss:.2f}"
        assert each.raw.error is not None
        assert row.cells[4].text == f"{100 * each.raw.error.value:.0f} %"


def test_one_emotion_has_no_calibration_error_and_the_report_says_why(make_comparison: MakeComparison) -> None:
    part = checks(make_comparison())
    rows = {row.name: row for row in tables(part)["Confidence and what is right"].rows}
    assert rows["dog, as said"].cells[4].text == "–"
    assert "ECE is not given for human and dog: of happy alone" in words(part)


def test_luck_stands_in_its_own_words(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    sets = {
        name: SetLuck(
            n=12, size=10, unreadable=0, trained_on=0, trainings=[Training(1, at, 0.5), Training(2, at, 0.75)],
            means=[[at - 0.02, at], [at, at + 0.02]], quantiles=[at - 0.02, at, at, at, at + 0.02],
            training_deviation=0.011, draw_deviation=0.023, observed=at, reference_ahead=ahead,
        )
        for name, at, ahead in (("human", 0.62, None), ("dog", 0.31, 1.0))
    }  # fmt: skip
    result = LuckResult("happy", "human", [1, 2], 2, 0.25, is_retrained=True, sets=sets)
    keep(file, luck.KEPT_AS, result.to_json())
    part = checks(file)
    assert result.sentence() in words(part)
    assert result.own_sentence() in words(part)
    dog = tables(part)["The comparison repeated"].rows[1]
    assert [cell.text for cell in dog.cells] == ["10 of 12", "31.0 %", "31.0 %", "2.3", "1.1", "50 % to 75 %", "100 %"]
    assert dog.cells[2].detail == "29 to 33"
    assert "One run says nothing" not in to_markdown(build_report(file))


def test_controls_stand_with_their_changes_and_how_many_looks_they_are(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    before, after = [0.5, 0.6, 0.7, 0.8], [0.2, 0.3, 0.5, 0.4]
    measured = [
        Measured(4, right, sum(each) / 4, (0.1, 0.9)) for right, each in ((3, before), (1, after))
    ]  # fmt: skip
    for name in ("grey", "shuffled"):
        sets = {each: SetControl(*measured, change(before, after), left_out=1) for each in ("human", "dog")}
        keep_control(file, ControlResult(name, sets))
    part = checks(file)
    table = tables(part)["Mean correct-class confidence before and under each control"]
    assert [row.name for row in table.rows] == [
        "Grey, human", "Grey, dog", "Shuffled labels, human", "Shuffled labels, dog",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[0].cells] == ["65.0 %", "35.0 %", "−30.0"]
    assert table.rows[0].cells[1].detail == "1 of 4, 1 picture gone by now"
    assert "That is 2 looks" in words(part)
    assert "every set’s interval must hold the 25 % of chance; all do" in words(part)


def test_cues_stand_in_their_own_words_beside_the_line_on_drawn_pictures(
    make_comparison: MakeComparison, trained: Run
) -> None:
    def curves(first: list[float], last: list[float]) -> SpeciesCurves:
        means = {label: [0.25, 0.25] for label in CLASSES}
        means["happy"] = [sum(first) / len(first), sum(last) / len(last)]
        swings = {label: change([0.25, 0.25], [0.25, 0.25]) for label in CLASSES}
        intervals = {label: [(0.0, 1.0), (0.0, 1.0)] for label in CLASSES}
        return SpeciesCurves(len(first), means, intervals, {**swings, "happy": change(first, last)})

    probe = CueCurves(
        "mouth_curve", "neutral", [-1.0, 1.0], CLASSES, "float32",
        {"human": curves([0.2, 0.22, 0.21], [0.6, 0.64, 0.62]), "dog": curves([0.2, 0.3, 0.1], [0.3, 0.2, 0.15])},
    )  # fmt: skip
    keep_probe(trained, probe)
    file = make_comparison()
    part = checks(file)
    assert sentence_of(probe) in to_markdown(build_report(file)).replace("\\", "")
    assert RULE in words(part)
    assert DRAWN_NOTE in words(part)
    people, dogs = tables(part)["What each cue moves"].rows
    assert [cell.text for cell in people.cells] == ["happy", "21 %", "62 %", "+41.0", "moves", "3"]
    assert dogs.cells[4].text == "not told"


def test_distances_of_features_stand_in_their_own_words(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    distances = {"dog": feature_map.Distances(n=10, nearer=7, across=1.2, within=0.5, within_reference=0.6)}
    result = feature_map.MapResult("human", 48, [0.3, 0.2], [], {}, distances)
    keep(file, feature_map.KEPT_AS, result.to_json())
    assert result.sentences()[0] in to_markdown(build_report(file)).replace("\\", "")


def test_a_result_that_cannot_be_read_counts_as_not_checked(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    for name in (luck.KEPT_AS, feature_map.KEPT_AS, "controls"):
        keep(file, name, {"what": "another version"})
    said = words(checks(file)).partition("Not checked:")[2]
    assert all(name in said for name in ("luck", "controls", "features"))


def test_charts_of_checks_are_figures(make_comparison: MakeComparison) -> None:
    part = checks(make_comparison(emotion=None))
    [reliability] = [block for block in part.blocks if isinstance(block, Figure)]
    assert len(reliability.charts) == 3
    assert reliability.table is not None
    assert sum(len(line.points) for chart in reliability.charts for line in chart.lines) == len(reliability.table.rows)
