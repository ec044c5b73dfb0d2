"""The Luck section without a browser: what it streams, keeps, says and draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from scripted import ScriptedServices, script, write_checkpoint

from emotion.comparison import Request, load_comparison
from emotion.config import TrainConfig
from emotion.errors import ConfigError, RunError
from emotion.labels import SPECIES_COLOURS
from emotion.run import Run
from emotion.runs import create_run
from emotion.studies.keeping import keep
from emotion.studies.luck import KEPT_AS, Luck, kept_luck
from emotion.studies.luck_result import LuckResult
from emotion.ui.charts.luck import MOST_DOTS, luck_chart
from emotion.ui.compare.luck_panel import LuckPanel
from emotion.ui.compare.luck_report import cost_html, finding_html, table_html
from emotion.ui.run_board import RunBoard

NAMES = ("seeds", "go", "cost", "status", "finding", "results", "chart", "table")


@pytest.fixture
def panel(services: ScriptedServices) -> LuckPanel:
    with gr.Blocks():
        return LuckPanel(services, RunBoard(services.runs_folder), gr.Dropdown(), gr.Dropdown())


def compared(services: ScriptedServices, run: Run, faces: Path, **asked: Any) -> Path:
    """Compare pictures of humans and dogs, of which there are six a class, and return the comparison's file."""
    sets = {name: faces / f"{name}_eval" for name in ("human", "dog")}
    return services.compare(run, Request(sets, **{"emotion": "happy", "size": 3, **asked}))[1]


def shown_by(panel: LuckPanel, run: Run, file: Path) -> dict[str, Any]:
    return dict(zip(NAMES, panel.reopen(run.name, file.name), strict=True))


def result_of(services: ScriptedServices, run: Run, file: Path, **more: Any) -> LuckResult:
    steps = services.study(Luck(run, str(file), **more))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def with_depth(services: ScriptedServices, faces: Path, depth: Any) -> Run:
    run = create_run(TrainConfig(pictures=str(faces / "human_train"), depth=depth), root=services.runs_folder)
    for event in script(run.config()):
        run.append(event)
    write_checkpoint(run)
    return run


def test_a_repeat_says_how_far_it_is_and_is_kept_beside_its_comparison(panel, services, trained: Run, faces: Path):
    file = compared(services, trained, faces)
    steps = list(panel.repeat(trained.name, file.name, 3))
    assert all(len(step) == len(panel.view) + 1 for step in steps)
    assert "Getting ready" in steps[0][4]
    assert any("Training" in step[4] for step in steps)
    kept = kept_luck(file)
    assert kept.seeds == [42, 43, 44]
    stop, *values = panel.finish(trained.name, file.name)
    shown = dict(zip(NAMES, values, strict=True))
    assert not stop.interactive
    assert (shown["status"], shown["seeds"].value, shown["results"].visible) == (gr.skip(), 3, True)
    assert "Over 3 trainings and 200 draws of 3 out of 6" in shown["finding"]
    assert "say nothing of real dogs" in shown["finding"]
    assert shown["table"].count("<tr>") == 3


def test_a_result_that_belongs_to_another_comparison_is_kept_and_not_shown_in_its_place(
    panel, services, trained: Run, faces: Path
):
    first, second = compared(services, trained, faces), compared(services, trained, faces, emotion="sad")
    list(panel.repeat(trained.name, first.name, 2))
    assert panel.finish(trained.name, second.name)[5] == ""
    assert "luck" in panel.finish(trained.name, first.name)[5]


def test_before_a_repeat_its_cost_is_announced(panel, services, trained: Run, faces: Path):
    file = compared(services, trained, faces)
    shown = shown_by(panel, trained, file)
    # The scripted run looked at 600 pictures in 15.7 seconds.
    assert "Up to 12 pictures still to be looked at, once, about 1 s at the pace of the last run." in shown["cost"]
    assert "Then 5 trainings of about" in shown["cost"]
    assert (shown["finding"], shown["results"].visible) == ("", False)
    label, cost = panel.announce(trained.name, file.name, 8)
    assert label.value == "Repeat with 8 seeds"
    assert "Then 8 trainings" in cost
    list(panel.repeat(trained.name, file.name, 2))
    assert "Every picture is known: 2 trainings" in shown_by(panel, trained, file)["cost"]


@pytest.mark.parametrize("seeds", [None, 1, 11])
def test_a_number_of_seeds_out_of_range_is_one_sentence(panel, services, trained: Run, faces: Path, seeds):
    file = compared(services, trained, faces)
    with pytest.raises(ConfigError, match="choose 2 to 10"):
        list(panel.repeat(trained.name, file.name, seeds))
    assert "choose 2 to 10" in panel.announce(trained.name, file.name, seeds)[1]
    assert kept_luck(file) is None


def test_without_a_comparison_there_is_nothing_to_repeat(panel, trained: Run):
    with pytest.raises(RunError, match="Nothing is compared yet"):
        list(panel.repeat(trained.name, None, 5))
    assert panel.finish(trained.name, None)[1:] == [gr.skip()] * len(panel.view)
    assert panel.announce(None, None, 5) == [gr.skip()] * 2


def test_a_run_with_trained_blocks_offers_the_draw_alone(panel, services, faces: Path):
    run = with_depth(services, faces, 2)
    file = compared(services, run, faces)
    shown = shown_by(panel, run, file)
    assert not shown["seeds"].visible
    assert shown["go"].value == "Draw anew 200 times"
    assert "sweep over seeds in Train" in shown["cost"]
    assert "trainings of about" not in shown["cost"]
    list(panel.repeat(run.name, file.name, 5))
    shown = shown_by(panel, run, file)
    assert "Over 200 draws of 3 out of 6, by one training" in shown["finding"]
    assert "<td>–</td>" in shown["table"]


def test_what_is_kept_by_another_version_is_taken_for_nothing(panel, services, trained: Run, faces: Path):
    file = compared(services, trained, faces)
    keep(file, KEPT_AS, {"sets": {"dog": {"n": 3}}})
    assert kept_luck(file) is None
    assert shown_by(panel, trained, file)["finding"] == ""


def test_a_set_that_is_gone_does_not_keep_a_comparison_from_being_shown(panel, services, trained: Run, faces: Path):
    file = compared(services, trained, faces)
    comparison = replace(load_comparison(file), folders={"human": "/gone", "dog": "/gone"})
    assert "There is no folder" in cost_html(trained, comparison, seeds=5, is_known=False, runs=[])


def test_the_table_counts_what_is_left_out_and_the_words_name_what_they_rest_on(services, trained: Run, faces: Path):
    file = compared(services, trained, faces)
    result = result_of(services, trained, file)
    dog = replace(result.sets["dog"], unreadable=1, trained_on=2)
    result = replace(result, sets={**result.sets, "dog": dog})
    table = table_html(result)
    assert "1 picture of dogs cannot be read and left out." in table
    assert "2 pictures of dogs left out, since the run was trained on them." in table
    assert "Humans ahead" in table
    words = finding_html(result, load_comparison(file))
    assert "training seeds 42, 43, 44, 45, 46, draws by seed 42; chance 25 %" in words


def test_the_chart_has_a_column_a_training_in_the_colour_of_its_species_and_the_comparisons_own_result(
    services, trained: Run, faces: Path
):
    result = result_of(services, trained, compared(services, trained, faces))
    figure = luck_chart(result)
    discs = [trace for trace in figure.data if trace.error_y.array is not None]
    assert [trace.marker.color for trace in discs] == [SPECIES_COLOURS["human"], SPECIES_COLOURS["dog"]]
    for trace, each in zip(discs, result.sets.values(), strict=True):
        assert list(trace.y) == [training.correct_confidence for training in each.trainings]
        lows, highs = np.quantile(each.means, [0.025, 0.975], axis=1)
        assert np.array(trace.y) + trace.error_y.array == pytest.approx(np.maximum(highs, trace.y))
        assert np.array(trace.y) - trace.error_y.arrayminus == pytest.approx(np.minimum(lows, trace.y))
    own = [trace for trace in figure.data if trace.mode == "lines" and trace.x[0] is not None]
    assert [trace.y[0] for trace in own] == [each.observed for each in result.sets.values()]
    assert "chance 25" in figure.layout.annotations[0].text.replace("<br>", " ")
    strewn = [trace for trace in figure.data if trace.marker.size == 4]
    assert sum(len(trace.x) for trace in strewn) <= MOST_DOTS


def test_where_every_picture_is_used_there_is_a_disc_a_training_and_no_dot(services, trained: Run, faces: Path):
    result = result_of(services, trained, compared(services, trained, faces, size=None))
    figure = luck_chart(result)
    assert not [trace for trace in figure.data if trace.marker.size == 4]
    assert "all 6" in table_html(result)
