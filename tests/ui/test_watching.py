"""Following a run from its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from scripted import script, write_checkpoint
from updates import handled, sent

from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.events import EpochDone, Event, RunFailed, RunFinished, RunStarted, StepDone
from emotion.run import Run
from emotion.runs import create_run
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard, summarise
from emotion.ui.runs_table import RunsTable, table_html
from emotion.ui.status import status_line
from emotion.ui.watching import REPLAY_SECONDS, Watch, look, watch
from emotion.validation import save_validation

QUICK = script(TrainConfig(pictures="-", epochs=2), epoch_seconds=0.02)
SLOW = script(TrainConfig(pictures="-", epochs=2), epoch_seconds=30)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that nobody has begun."""
    return create_run(TrainConfig(pictures="-", epochs=2), root=tmp_path / "runs")


def feed(run: Run, events) -> None:
    for event in events:
        run.append(event)


def test_nothing_new_returns_the_very_same_object(run: Run):
    seen = watch(run, is_live=True)
    assert seen.status == "queued"
    assert look(seen, now=1.0) is seen


def test_only_what_is_new_is_read_and_nothing_twice(run: Run):
    with run.lock():
        feed(run, SLOW[:5])
        seen = watch(run, is_live=True)
        feed(run, SLOW[5:9])
        known = look(seen, now=1.0)
    assert list(known.events) == SLOW[:9]
    assert known.status == "running"


def test_a_summary_of_a_run_that_ends_meanwhile_never_knows_the_end_and_not_the_last_epoch(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    read, rest = Run.events, SLOW[9:]

    def just_before_the_end(self: Run) -> list[Event]:
        events = read(self)
        while rest:
            self.append(rest.pop(0))
        return events

    feed(run, SLOW[:9])
    monkeypatch.setattr(Run, "events", just_before_the_end)
    with run.lock():
        found = summarise(run)
    assert found.status == "running"
    again = summarise(run)
    assert again.status == "finished"
    assert again.curve[-1] == SLOW[-2]


def test_an_interrupted_run_is_summed_up_by_the_checkpoint_that_an_earlier_stop_left(run: Run):
    feed(run, [event for event in SLOW if not isinstance(event, RunFinished) and getattr(event, "epoch", 0) < 2])
    run.checkpoint.mkdir()
    (run.checkpoint / "config.json").write_text("{}", encoding="utf-8")
    rows = [("happy/a.png", "happy", {"happy": 0.6, "sad": 0.4})]
    save_validation(rows, epoch=1, classes=["happy", "sad"], folder=run.path)
    began = next(event for event in SLOW if isinstance(event, RunStarted))
    feed(run, [replace(began, resumed_epochs=1), *[event for event in SLOW if isinstance(event, EpochDone)][2:]])
    found = summarise(run)
    assert (found.status, found.best_epoch) == ("interrupted", 1)
    assert found.best == next(event for event in SLOW if isinstance(event, EpochDone) and event.epoch == 1).validation


def test_a_run_that_is_over_in_a_blink_is_replayed_from_its_recorded_times(run: Run):
    seen = watch(run, is_live=True)
    feed(run, QUICK)
    began = look(seen, now=100.0)
    assert not began.is_over
    assert not any(isinstance(event, StepDone) for event in began.visible_events())
    halfway = look(began, now=100.0 + REPLAY_SECONDS / 2)
    steps = sum(isinstance(event, StepDone) for event in halfway.visible_events())
    assert 0 < steps < sum(isinstance(event, StepDone) for event in QUICK)
    assert "Replay" in status_line(halfway)
    ended = look(halfway, now=100.0 + REPLAY_SECONDS)
    assert ended.is_over
    assert list(ended.visible_events()) == QUICK
    assert "Finished" in status_line(ended)


def test_a_run_that_is_over_before_the_first_look_is_replayed_too(run: Run):
    feed(run, QUICK)
    began = watch(run, is_live=True, now=100.0)
    halfway = look(began, now=100.0 + REPLAY_SECONDS / 2)
    assert "Replay" in status_line(halfway)
    assert look(halfway, now=100.0 + REPLAY_SECONDS).is_over


def test_a_run_that_could_be_seen_is_not_replayed(run: Run):
    seen = watch(run, is_live=True)
    feed(run, SLOW)
    assert look(seen, now=1.0).is_over


def test_a_reload_shows_a_finished_run_at_once(run: Run):
    feed(run, QUICK)
    assert watch(run, is_live=False).is_over


def test_a_run_whose_process_died_is_interrupted_and_over(run: Run):
    feed(run, SLOW[:5])
    seen = watch(run, is_live=False)
    assert seen.status == "interrupted"
    assert seen.is_over


def test_a_page_without_a_run_says_what_to_do():
    assert Watch().is_over
    assert "Press Start" in status_line(Watch())


def test_words_from_a_run_folder_are_escaped(run: Run):
    feed(run, [RunFailed(elapsed_seconds=1.0, message="<script>alert(1)</script>")])
    assert "<script>" not in status_line(watch(run, is_live=False))


def test_the_table_lists_the_newest_run_first_with_its_best_scores(run: Run):
    feed(run, QUICK)
    write_checkpoint(run)
    later = create_run(TrainConfig(pictures="-", batch_size=4), root=run.path.parent)
    board = RunBoard(run.path.parent)
    rows = {summary.run.name: summary.row() for summary in board.summaries()}
    best = next(event for event in QUICK if isinstance(event, RunFinished)).validation
    assert list(rows) == [later.name, run.name]
    assert rows[run.name][1] == "finished"
    assert f"{best.loss:.3f}" in rows[run.name]
    assert rows[later.name][1] == "queued"
    assert [each.run for each in board.usable()] == [run]
    assert "No runs yet" in table_html([])
    assert run.name in table_html(board.summaries())


def test_the_board_notices_what_is_new_and_rests_otherwise(run: Run):
    board = RunBoard(run.path.parent)
    before = board.signature()
    assert board.signature() == before
    feed(run, [event for event in QUICK if isinstance(event, EpochDone)][:2])
    assert board.signature() != before


def test_a_torn_run_folder_hides_no_other(run: Run):
    torn = run.path.parent / "20200101-000000-torn"
    torn.mkdir()
    (torn / "config.json").write_text("{", encoding="utf-8")
    assert [each.run for each in RunBoard(run.path.parent).summaries()] == [run]


def test_a_path_is_no_name_of_a_run(run: Run):
    board = RunBoard(run.path.parent)
    assert board.find(run.name) == run
    for name in (str(run.path), f"../runs/{run.name}", "", None):
        with pytest.raises(RunError):
            board.find(name)


def test_runs_that_come_take_back_no_pick_and_one_that_is_gone_is_no_longer_picked(run: Run):
    board = RunBoard(run.path.parent)
    with gr.Blocks():
        table = RunsTable(board, News(board))
    create_run(run.config(), root=run.path.parent)
    for picked in ([run.name], [], None):
        assert "value" not in sent(handled(table.refresh, picked)[-1])
    assert sent(handled(table.refresh, [run.name, "gone"])[-1])["value"] == [run.name]
