"""Figures are pure functions of events and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from plotly.basedatatypes import BaseFigure
from scripted import STEPS_PER_EPOCH, script

from emotion.comparison import ScoredPicture, summarise
from emotion.config import TrainConfig
from emotion.events import EpochDone, StepDone
from emotion.labels import EMOTION_COLOURS, EMOTIONS, SPECIES_COLOURS
from emotion.ui.app import build_app
from emotion.ui.charts.look import figure, say, waiting
from emotion.ui.charts.results import PROBABILITY_HEIGHT, WAITING, confidence_chart, probability_chart, said_chart
from emotion.ui.charts.training import MAX_STEPS, overlay_chart, thin, training_chart
from emotion.ui.charts.view import shown
from emotion.worker import Workers

EVENTS = script(TrainConfig(pictures="-", epochs=4))


def traces(figure):
    """Return a figure's traces by name."""
    return {trace.name: trace for trace in figure.data}


def results():
    """Return a comparison's samples: humans mostly right, dogs never."""
    rows = {"human": [0.7] * 9 + [0.1], "dog": [0.2] * 9 + [0.15]}
    return {
        name: summarise(
            [
                ScoredPicture(
                    f"{name}{number}", "0", "happy", {"happy": p, "sad": 0.05, "angry": 0.0, "tired": 0.95 - p}
                )
                for number, p in enumerate(values)
            ],
            classes=EMOTIONS,
        )
        for name, values in rows.items()
    }


def test_the_curve_begins_with_the_validation_before_training():
    lines = traces(training_chart(EVENTS, "loss"))
    assert lines["Validation"].x[0] == 0
    assert lines["Training"].x[0] == 1
    assert list(lines["Validation"].x) == [0, 1, 2, 3, 4]


def test_steps_are_faint_and_lie_between_the_epochs():
    lines = traces(training_chart(EVENTS, "loss"))
    assert lines["Steps"].opacity < 1
    assert lines["Steps"].line.width < lines["Training"].line.width < lines["Validation"].line.width
    assert lines["Steps"].x[-1] == 4
    assert lines["Steps"].x[0] == 1 / STEPS_PER_EPOCH


def test_accuracy_carries_the_chance_line_and_loss_does_not():
    assert [shape.y0 for shape in training_chart(EVENTS, "accuracy").layout.shapes] == [0.25]
    assert not training_chart(EVENTS, "loss").layout.shapes


def test_the_best_epoch_is_ringed():
    best = [event for event in EVENTS if isinstance(event, EpochDone) and event.is_best][-1]
    assert list(traces(training_chart(EVENTS, "loss"))["Best"].x) == [best.epoch]


def test_the_horizontal_axis_is_the_same_from_the_first_step_to_the_last():
    some = [event for event in EVENTS if event.elapsed_seconds <= EVENTS[12].elapsed_seconds]
    assert training_chart(some, "loss").layout.xaxis.range == training_chart(EVENTS, "loss").layout.xaxis.range


def test_a_chart_without_events_says_what_will_be_there():
    assert "drawn here" in training_chart((), "loss").layout.annotations[0].text


def test_a_chart_that_waits_looks_like_the_figure_that_says_the_same():
    drawn = json.loads(shown(say(figure(height=PROBABILITY_HEIGHT), WAITING)))
    plain = json.loads(waiting(WAITING, height=PROBABILITY_HEIGHT))
    assert plain["data"] == drawn["data"] == []
    for name in ("template", "height", "annotations", "xaxis", "yaxis"):
        assert plain["layout"][name] == drawn["layout"][name]


def test_the_page_is_built_without_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("A figure costs the start of the page 15 ms, the first one 130.")

    monkeypatch.setattr(BaseFigure, "__init__", refuse)
    with Workers(runs_folder=tmp_path) as workers:
        build_app(workers, backbones=list)


def test_a_long_run_is_thinned_and_keeps_its_last_step():
    points = [(float(x), 1.0) for x in range(25_001)]
    kept = thin(points)
    assert len(kept) <= MAX_STEPS + 1
    assert kept[-1] == points[-1]
    assert thin([]) == []


def test_several_runs_lie_over_each_other_in_colours_of_their_own():
    figure = overlay_chart({"batch 4": EVENTS, "batch 24": script(TrainConfig(pictures="-", epochs=8))}, "loss")
    lines = traces(figure)
    assert lines["batch 4"].line.color != lines["batch 24"].line.color
    assert lines["batch 4, training"].line.color == lines["batch 4"].line.color
    assert figure.layout.xaxis.range[1] > 8


def test_bars_keep_the_fixed_order_and_colours_of_the_emotions():
    figure = probability_chart({"tired": 0.6, "sad": 0.1, "angry": 0.1, "happy": 0.2})
    assert list(figure.data[0].y) == list(EMOTIONS)
    assert list(figure.data[0].marker.color) == [EMOTION_COLOURS[name] for name in EMOTIONS]
    # The first is on top: the axis runs downwards.
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert {"60.0 %", "20.0 %"} <= {note.text for note in figure.layout.annotations}


def test_means_stand_beside_chance_with_their_intervals():
    figure = confidence_chart(results(), chance=0.25)
    bars = figure.data[0]
    assert list(bars.marker.color) == [SPECIES_COLOURS["human"], SPECIES_COLOURS["dog"]]
    low, high = results()["human"].correct_confidence_interval
    assert bars.y[0] + bars.error_y.array[0] == high
    assert abs(bars.y[0] - bars.error_y.arrayminus[0] - low) < 1e-12
    assert [shape.y0 for shape in figure.layout.shapes] == [0.25]


def test_what_was_said_is_counted_by_set_and_class():
    lines = traces(said_chart(results(), emotion="happy"))
    assert list(lines["dog"].y) == [0, 0, 0, 10]
    assert list(lines["human"].y) == [9, 0, 0, 1]


def test_charts_have_no_background_and_a_fixed_height():
    for drawn in (
        training_chart(EVENTS, "loss"),
        probability_chart({"happy": 1.0}),
        confidence_chart(results(), chance=0.25),
    ):
        layout = json.loads(shown(drawn))["layout"]
        assert layout["template"]["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
        assert layout["height"]
        assert layout["uirevision"]


def test_the_same_events_give_the_same_figure():
    assert shown(training_chart(EVENTS, "loss")) == shown(training_chart(tuple(EVENTS), "loss"))
    assert any(isinstance(event, StepDone) for event in EVENTS)
