"""The Sweep section without a browser: what its handlers start and stop, and what its words and table say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from conftest import BACKBONES, Gate
from scripted import ScriptedServices, script

from emotion.config import TrainConfig
from emotion.errors import ConfigError, PictureError, RunError
from emotion.events import EpochDone, RunFailed
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.sweep import SWEPT_SETTINGS, SweepMember, plan_sweep
from emotion.ui.guard import guarded
from emotion.ui.run_board import RunBoard
from emotion.ui.sweep_panel import SweepPanel, SweepWatch
from emotion.ui.sweep_report import reading, sweep_legend, sweep_status, sweep_table
from emotion.ui.sweeps import Sweep, find_sweep, newest_sweep
from emotion.ui.train_tab import TrainTab

PICTURES = "drawn/human_train"


@pytest.fixture
def panel(services: ScriptedServices) -> SweepPanel:
    with gr.Blocks():
        return TrainTab(services, RunBoard(services.runs_folder), BACKBONES).sweep


def press(panel: SweepPanel, values: str, *, setting: str = "batch_size", pictures: str | None = PICTURES) -> Any:
    return panel.start_sweep(SweepWatch(), setting, values, pictures, *panel.settings.of_preset("Quick"))


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen in ten seconds.")


def statuses(services: ScriptedServices) -> list[str]:
    """Return the runs' states in the order they were started."""
    return [run.status() for run in reversed(list_runs(services.runs_folder))]


def write_sweep(root: Path, values: str = "4, 8", *, setting: str = "batch_size", finished: int = 99) -> Sweep:
    """Write a sweep whose first runs are finished and whose others wait."""
    for number, planned in enumerate(plan_sweep(TrainConfig(pictures="faces"), setting=setting, values=values)):
        run = create_run(planned.config, root=root, sweep=planned.member)
        for event in script(run.config()) if number < finished else ():
            run.append(event)
    found = newest_sweep(RunBoard(root).summaries())
    assert found is not None
    return found


def test_a_training_is_queued_for_each_value_with_the_settings_on_the_screen(panel, services):
    shown = press(panel, "4, 8, 16")
    runs = list(reversed(list_runs(services.runs_folder)))
    assert [run.config().batch_size for run in runs] == [4, 8, 16]
    assert {(run.config().epochs, Path(run.config().pictures).name) for run in runs} == {(8, "human_train")}
    assert {run.sweep().id for run in runs} == {shown[0].id}
    assert shown[0].is_going
    wait_for(lambda: statuses(services) == ["finished"] * 3)


@pytest.mark.parametrize(
    ("values", "setting", "error"),
    [("4, 8, x", "batch_size", ConfigError), ("4, 500", "batch_size", ConfigError), ("", "seed", ConfigError)],
)
def test_a_wrong_value_starts_nothing(panel, services, values: str, setting: str, error: type[Exception]):
    with pytest.raises(error):
        press(panel, values, setting=setting)
    with pytest.raises(PictureError):
        press(panel, "4, 8", pictures="drawn/gone")
    assert list_runs(services.runs_folder) == []


def test_a_sweep_that_cannot_be_queued_whole_is_withdrawn(
    panel, services, gate: Gate, monkeypatch: pytest.MonkeyPatch, warned
):
    gate.holds = lambda event: isinstance(event, EpochDone)
    start = services.start_training

    def full_disk(config: TrainConfig, *, sweep: SweepMember | None = None) -> Run:
        if config.batch_size == 16:
            raise RunError("The disk is full: make room.")
        return start(config, sweep=sweep)

    monkeypatch.setattr(services, "start_training", full_disk)
    assert guarded(press)(panel, "4, 8, 16, 24") == gr.skip()
    assert warned == ["The disk is full: make room."]
    wait_for(lambda: statuses(services) == ["stopped"] * 2)


def test_stop_sweep_leaves_runs_of_others_alone(panel, services, gate: Gate, faces: Path):
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 1
    shown = press(panel, "4, 8, 16")
    wait_for(lambda: statuses(services)[0] == "running")
    other = services.start_training(TrainConfig(pictures=str(faces / "human_train"), batch_size=77))
    panel.stop_sweep(shown[0])
    wait_for(lambda: statuses(services)[:3] == ["stopped"] * 3)
    gate.opened.set()
    wait_for(lambda: other.status() == "finished")


def test_a_second_press_while_it_is_going_starts_nothing(panel, services, gate: Gate):
    gate.holds = lambda event: isinstance(event, EpochDone)
    shown = press(panel, "4, 8")
    assert panel.start_sweep(shown[0], "seed", "1, 2", PICTURES, *panel.settings.of_preset("Quick")) == gr.skip()
    assert len(list_runs(services.runs_folder)) == 2


def test_a_poll_without_news_leaves_the_screen_alone_and_one_without_a_new_epoch_the_charts(panel, services):
    sweep = write_sweep(services.runs_folder, finished=0)
    first = panel.show(sweep.id)
    assert panel.poll(first[0]) == gr.skip()
    sweep.summaries[0].run.request_stop()
    news = panel.poll(first[0])
    assert "stopping" in news[panel.view.index(panel.table)]
    assert news[panel.view.index(panel.loss)] == gr.skip()
    sweep.summaries[0].run.append(script(sweep.summaries[0].config)[0])
    assert panel.poll(news[0])[panel.view.index(panel.loss)] != gr.skip()


def test_a_new_page_shows_the_sweep_that_is_going_else_the_newest(panel, services):
    assert panel.attach()[1] == SweepWatch()
    old = write_sweep(services.runs_folder, finished=0)
    new = write_sweep(services.runs_folder, "1, 2", setting="seed")
    assert new.id == old.id, "the one that is going comes first"
    accordion, watch, *_ = panel.attach()
    assert accordion.open
    assert watch.id == old.id
    for each in old.summaries:
        for event in script(each.config):
            each.run.append(event)
    ended = panel.attach()
    assert ended[0] == gr.skip()
    assert ended[1].id != old.id


def test_a_sweep_that_is_over_follows_its_runs_through_the_news(panel, services):
    sweep = write_sweep(services.runs_folder)
    watch = panel.show(sweep.id)[0]
    assert panel.refresh(watch) == [gr.skip()] * len(panel.view)
    for each in sweep.summaries:
        (each.run.path / "config.json").unlink()
    assert panel.refresh(watch)[0] == SweepWatch()


def test_the_table_has_a_row_a_value_and_marks_the_lowest_loss(tmp_path: Path):
    sweep = write_sweep(tmp_path, "4, 8, 16", finished=2)
    table = sweep_table(sweep)
    assert [table.count(f">{value}</button>") for value in ("4", "8", "16")] == [1, 1, 1]
    assert table.count("best-mark") == 1
    assert sweep.best is min(sweep.summaries[:2], key=lambda each: each.best.loss)
    assert "of 90 pictures held back; chance is 25 %" in table
    assert table.count("state finished") == 2
    assert table.count("state queued") == 1


def test_differences_are_called_what_they_are(tmp_path: Path):
    said = reading(write_sweep(tmp_path / "sizes", "4, 8, 16, 24"))
    assert "With 90 validation pictures, accuracies less than about 12 points apart cannot be told from luck" in said
    assert "no value is shown to be better" in said
    assert "Every run used seed 42, and with it the same split." in said
    seeds = reading(write_sweep(tmp_path / "seeds", "1, 2", setting="seed"))
    assert "Each seed draws a split of its own" in seeds
    assert "the same split" not in seeds
    assert reading(write_sweep(tmp_path / "waiting", finished=0)) == ""


def test_a_sweep_is_told_in_words_from_the_queue_to_its_end(tmp_path: Path):
    assert "Press Sweep" in sweep_status(None)
    waiting = write_sweep(tmp_path / "waiting", finished=1)
    assert "Sweep of batch size: 1 of 2 runs finished. Batch size 8 waits for its turn." in sweep_status(waiting)
    waiting.summaries[1].run.append(RunFailed(elapsed_seconds=1.0, message="The disk is full: make room."))
    failed = find_sweep(RunBoard(tmp_path / "waiting").summaries(), waiting.id)
    assert failed is not None
    assert "Batch size 8: It could not go on. The disk is full: make room." in sweep_status(failed)
    assert "The trainings took" in sweep_status(write_sweep(tmp_path / "over"))


def test_each_of_a_dozen_values_has_a_look_of_its_own(tmp_path: Path):
    legend = sweep_legend(write_sweep(tmp_path, ", ".join(map(str, range(1, 13))), setting="epochs", finished=0))
    entries = [entry.split("epochs")[0] for entry in legend.split("<li>")[1:]]
    assert len(set(entries)) == 12


def test_runs_of_a_sweep_are_told_apart_by_what_differs(tmp_path: Path):
    sweep = write_sweep(tmp_path, "0, 0.1", setting="weight_decay")
    assert [each.title.split(" · ")[-1].split(", ")[0] for each in sweep.summaries] == [
        "weight decay 0", "weight decay 0.1",
    ]  # fmt: skip
    assert "sweep weight decay 0.1" in sweep.summaries[1].searched


def test_the_proposed_values_are_those_of_the_setting(panel):
    assert panel.values.value == SWEPT_SETTINGS["batch_size"].values
    assert [key for _, key in panel.setting.choices] == list(SWEPT_SETTINGS)
