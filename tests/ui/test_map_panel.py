"""The Feature map section without a browser: what it keeps, says and draws, and that pictures stay on the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices

from emotion.comparison import Request, load_comparison
from emotion.errors import RunError
from emotion.labels import EMOTION_COLOURS
from emotion.run import Run
from emotion.studies.feature_map import kept_map
from emotion.ui.charts.feature_map import SYMBOLS, feature_map_chart
from emotion.ui.compare.map_panel import MapPanel
from emotion.ui.compare.map_report import cost_html, finding_html, small_copies
from emotion.ui.run_board import RunBoard

NAMES = ("cost", "status", "finding", "results", "chart")


@pytest.fixture
def panel(services: ScriptedServices) -> MapPanel:
    with gr.Blocks():
        return MapPanel(services, RunBoard(services.runs_folder), gr.Dropdown(), gr.Dropdown())


@pytest.fixture
def file(services: ScriptedServices, trained: Run, faces: Path) -> Path:
    """A comparison of three happy pictures of humans and dogs each; its sets have six a class."""
    sets = {name: faces / f"{name}_eval" for name in ("human", "dog")}
    return services.compare(trained, Request(sets, emotion="happy", size=3))[1]


def shown_by(panel: MapPanel, run: Run, file: Path) -> dict[str, Any]:
    return dict(zip(NAMES, panel.reopen(run.name, file.name), strict=True))


def test_a_map_is_kept_beside_its_comparison_and_shown_again(panel, trained: Run, file: Path):
    shown = shown_by(panel, trained, file)
    assert "Up to 48 pictures still to be looked at, once, about" in shown["cost"]
    assert not shown["results"].visible
    steps = list(panel.draw(trained.name, file.name))
    assert all(len(step) == len(panel.view) + 1 for step in steps)
    assert "Getting ready" in steps[0][2]
    assert len(kept_map(file).points) == 48
    stop, *values = panel.finish(trained.name, file.name)
    shown = dict(zip(NAMES, values, strict=True))
    assert not stop.interactive
    assert (shown["cost"], shown["status"], shown["results"].visible) == ("", gr.skip(), True)
    assert "of 24 dogs lie nearer to the centres of dogs of other emotions" in shown["finding"]
    assert "24 training pictures" in shown["finding"]
    assert "say nothing of real dogs" in shown["finding"]


def test_every_point_carries_its_picture_and_no_path_outside_its_set(panel, trained: Run, file: Path, faces: Path):
    list(panel.draw(trained.name, file.name))
    sent = shown_by(panel, trained, file)["chart"]
    assert str(faces) not in sent
    traces = [trace for trace in json.loads(sent)["data"] if trace.get("customdata")]
    carried = [about for trace in traces for about in trace["customdata"]]
    assert len(carried) == 48
    assert all(uri.startswith("data:image/webp;base64,") for uri, _, _ in carried)
    assert all(" called " in said and "/" in details for _, said, details in carried)


def test_colour_is_emotion_symbol_is_set_and_both_have_a_legend(panel, trained: Run, file: Path):
    list(panel.draw(trained.name, file.name))
    figure = feature_map_chart(kept_map(file))
    assert figure.layout.yaxis.scaleanchor == "x"
    named = {trace.name: trace.marker for trace in figure.data if trace.name}
    assert {name: named[name].color for name in EMOTION_COLOURS} == EMOTION_COLOURS
    assert [named[name].symbol for name in ("human", "dog")] == list(SYMBOLS[:2])
    points = [trace for trace in figure.data if trace.customdata is not None]
    assert {(trace.marker.color, trace.marker.symbol) for trace in points} == {
        (colour, symbol) for colour in EMOTION_COLOURS.values() for symbol in SYMBOLS[:2]
    }
    assert sum(len(trace.x) for trace in points) == 48
    # The last one is the ring around what is chosen.
    assert figure.data[-1].customdata is None


def test_what_cannot_be_read_is_counted_and_a_picture_that_is_gone_leaves_its_point(
    panel, trained: Run, file: Path, tmp_path: Path
):
    list(panel.draw(trained.name, file.name))
    comparison, result = load_comparison(file), kept_map(file)
    assert "3 pictures cannot be read and left out." in finding_html(
        comparison, replace(result, unreadable={"human": 1, "dog": 2})
    )
    moved = replace(comparison, folders=dict.fromkeys(comparison.folders, str(tmp_path / "gone")))
    assert {uri[:14] for uri in small_copies(moved, result).values()} == {"data:image/gif"}
    assert "There is no folder" in cost_html(trained, moved, runs=[])


def test_a_run_with_trained_blocks_looks_at_its_training_pictures_too(services, file: Path, trained: Run):
    config = replace(trained.config(), depth=2)
    trained.note(config=config.to_json())
    assert "Up to 72 pictures still to be looked at" in cost_html(trained, load_comparison(file), runs=[])


def test_without_a_comparison_there_is_nothing_to_lay_out(panel, trained: Run):
    with pytest.raises(RunError, match="Nothing is compared yet"):
        list(panel.draw(trained.name, None))
    assert panel.finish(None, None)[1:] == [gr.skip()] * len(panel.view)
