"""What the Calibration section says and draws, without a browser."""

from __future__ import annotations

import json
import re

import gradio as gr
import pytest
from scripted import ScriptedServices

from emotion.comparison import Request, load_comparison
from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.labels import SPECIES_COLOURS
from emotion.pictures import drawn
from emotion.run import Run
from emotion.statistics.calibration import (
    Bin,
    Calibration,
    CalibrationError,
    Confidence,
    RunCalibration,
    calibrate,
)
from emotion.statistics.calibration_words import temperature_sentence
from emotion.ui.charts.calibration import reliability_chart
from emotion.ui.charts.look import VALIDATION_COLOUR
from emotion.ui.compare.calibration_panel import NOTHING_YET, CalibrationPanel
from emotion.ui.compare.calibration_report import reading_html, table_html
from emotion.ui.run_board import RunBoard
from emotion.validation import load_validation

CONFIG = TrainConfig(pictures="-", label_smoothing=0.05)


def panel(services: ScriptedServices) -> CalibrationPanel:
    with gr.Blocks():
        return CalibrationPanel(services, RunBoard(services.runs_folder), gr.Dropdown(), gr.Dropdown())


def compared(services: ScriptedServices, run: Run, emotion: str | None = None) -> str:
    """Compare drawn humans with drawn dogs and return the name of the comparison's file."""
    sets = {name: drawn.DRAWN_FOLDER / f"{name}_eval" for name in ("human", "dog")}
    return services.compare(run, Request(sets, emotion=emotion, size=6))[1].name


def side(*, top: float, error: float, at_most: float) -> Confidence:
    bins = [Bin(15, top, 9, (0.36, 0.8))]
    return Confidence(top, 0.6, (0.5, 0.7), 0.9, CalibrationError(error, (0.0, 0.3), 0.08, at_most, bins))


def run_of(temperature: float, interval: tuple[float, float], **sides: Confidence) -> RunCalibration:
    usual = Calibration(
        100, 60, (0.5, 0.69), side(top=0.6, error=0.05, at_most=0.1), side(top=0.6, error=0.05, at_most=0.1)
    )
    sets = {name: Calibration(100, 60, (0.5, 0.69), usual.raw, each) for name, each in sides.items()}
    return RunCalibration(["happy", "sad", "angry", "tired"], temperature, interval, usual, sets)


@pytest.mark.parametrize(
    ("temperature", "interval", "words"),
    [
        (
            0.86,
            (0.75, 0.97),
            "Temperature T = 0.86: the raw probabilities are too timid. Label smoothing of 0.05 trains that.",
        ),
        (1.4, (1.1, 1.8), "Temperature T = 1.40: the raw probabilities are too sure."),
        (
            1.1,
            (0.9, 1.4),
            "Temperature T = 1.10: the raw probabilities are about as sure as they should be; T cannot be told from 1.",
        ),
        (0.05, (0.05, 0.4), "Temperature T = 0.05, the end of the range: .* since it is right of nearly all of them."),
        (19.99, (4.0, 20.0), "Temperature T = 19.99, the end of the range: .* since it is no better than a guess."),
    ],
)
def test_a_temperature_is_said_in_words(temperature: float, interval: tuple[float, float], words: str) -> None:
    assert re.fullmatch(
        words, temperature_sentence(run_of(temperature, interval), label_smoothing=CONFIG.label_smoothing)
    )


def test_timid_probabilities_are_not_laid_to_a_smoothing_that_was_not_there() -> None:
    said = temperature_sentence(run_of(0.8, (0.7, 0.9)), label_smoothing=0)
    assert said == "Temperature T = 0.80: the raw probabilities are too timid."


def test_each_set_is_told_from_luck_or_is_not() -> None:
    found = run_of(
        1.0,
        (0.9, 1.1),
        dog=side(top=0.9, error=0.3, at_most=0.1),
        cat=side(top=0.3, error=0.3, at_most=0.1),
        fox=side(top=0.62, error=0.3, at_most=0.1),
    )
    said = reading_html(found, None)
    assert "<b>validation</b>: at T 60 % sure on average, 60 % right, no further off than a calibrated" in said
    assert "<b>dog</b>: at T 90 % sure on average, 60 % right, too sure." in said
    assert "<b>cat</b>: at T 30 % sure on average, 60 % right, too timid." in said
    assert "<b>fox</b>: at T 62 % sure on average, 60 % right, too sure on one part of the scale" in said
    assert table_html(found).count("<b>30 % (0–30)</b>") == 3


def test_all_emotions_give_a_diagram_a_row_and_the_two_sentences_for_each_set(services, validated: Run) -> None:
    shown = panel(services).check(validated.name, compared(services, validated))
    finding, row, figure, reading, table = shown
    assert row.visible
    for words in ("T = ", "95 % interval of T", "24 validation pictures", validated.name, "human, dog, all emotions"):
        assert words in finding
    assert "chance 25 %, log loss of an even guess 1.39" in finding
    assert "say nothing of real dogs" in finding
    titles = [each["text"] for each in json.loads(figure)["layout"]["annotations"]]
    assert titles == ["validation, n = 24", "human, n = 24", "dog, n = 24"]
    assert "A calibration does not carry over a shift" in reading
    assert "Mean confidence moves with the temperature without any change of skill" in reading
    assert "of 24 are right either way" in reading
    assert "Compare all emotions" not in reading
    assert table.count("<tbody>") == 3
    # What no temperature changes stands once a set.
    assert table.count('rowspan="2"') == 9


def test_one_emotion_alone_is_not_judged_and_all_are_recommended(services, validated: Run) -> None:
    _, _, figure, reading, table = panel(services).check(validated.name, compared(services, validated, "happy"))
    assert [each["text"] for each in json.loads(figure)["layout"]["annotations"]] == ["validation, n = 24"]
    assert "This comparison shows happy alone" in reading
    assert "Compare all emotions" in reading
    assert "<b>dog</b>" not in reading
    assert table.count(">–</td>") == 8


def test_without_a_comparison_the_validation_pictures_are_shown_alone(services, validated: Run) -> None:
    finding, row, figure, reading, table = panel(services).check(validated.name, None)
    assert row.visible
    assert "no comparison" in finding
    assert len(json.loads(figure)["layout"]["annotations"]) == 1
    assert "for validation it" in reading
    assert table.count("<tbody>") == 1


def test_a_run_without_validation_scores_is_one_sentence(services, trained: Run) -> None:
    said, row, figure, *rest = panel(services).check(trained.name, compared(services, trained))
    assert "This run kept no scores of its validation pictures: train it again" in said
    assert not row.visible
    assert figure == gr.skip()
    assert rest == ["", ""]


def test_a_comparison_that_is_gone_says_so(services, validated: Run) -> None:
    for bad in ("20200101-000000-000000.json", "../config.json"):
        with pytest.raises(RunError, match="gone"):
            panel(services).check(validated.name, bad)


def test_another_comparison_clears_the_section(services, validated: Run) -> None:
    built = panel(services)
    cleared = built.reopen(validated.name, compared(services, validated))
    assert len(cleared) == len(built.view)
    assert NOTHING_YET in cleared[0]
    assert not cleared[1].visible


def test_the_diagram_holds_what_was_reckoned(services, validated: Run) -> None:
    name = compared(services, validated)
    comparison = load_comparison(validated.comparisons / name)
    found = calibrate(load_validation(validated), comparison, seed=0)
    chart = reliability_chart(found)
    raw, scaled = (trace for trace in chart.data if trace.marker.color == SPECIES_COLOURS["dog"])
    error = found.sets["dog"].scaled.error
    assert error is not None
    assert list(scaled.x) == [each.confidence for each in error.bins]
    assert list(scaled.y) == [each.accuracy for each in error.bins]
    assert [low + high for low, high in zip(scaled.error_y.arrayminus, scaled.error_y.array, strict=True)] == (
        pytest.approx([each.interval[1] - each.interval[0] for each in error.bins])
    )
    assert raw.marker.symbol == "circle-open"
    assert raw.line.dash == "dot"
    assert any(trace.marker.color == VALIDATION_COLOUR for trace in chart.data)
    # Two columns, as many rows as there must be.
    assert chart.layout.height > reliability_chart(calibrate(load_validation(validated), None, seed=0)).layout.height
    assert {trace.x[1] for trace in chart.data if trace.mode == "lines"} == {1}


def test_names_of_sets_are_shown_as_text() -> None:
    found = run_of(1.0, (0.9, 1.1), **{"<i>dog</i>": side(top=0.9, error=0.3, at_most=0.1)})
    for shown in (table_html(found), reading_html(found, None)):
        assert "<i>" not in shown
        assert "&lt;i&gt;dog" in shown
