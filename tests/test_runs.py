"""A run folder tells the truth, also when it is torn, locked, full or not writable."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotion.config import TrainConfig
from emotion.errors import ConfigError, RunError
from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
    from_line,
    to_line,
)
from emotion.locks import try_lock
from emotion.run import RESERVE, Run
from emotion.runs import create_run, find_run, list_runs

CONFIG = TrainConfig(pictures="faces")
SCORES = Scores(loss=0.5, accuracy=0.8, correct_confidence=0.7)
EVENTS: list[Event] = [
    RunStarted(
        elapsed_seconds=0.1,
        classes=["happy", "sad"],
        train_pictures=10,
        validation_pictures=2,
        epochs=1,
        steps_per_epoch=1,
        device="cpu",
        precision="float32",
        processes=1,
    ),
    PicturesSkipped(elapsed_seconds=0.2, reasons={"ä.jpg": "ä.jpg is not a picture."}),
    TrunkProgress(elapsed_seconds=0.3, done=1, total=2, remaining_seconds=0.1),
    StepDone(
        elapsed_seconds=0.4,
        epoch=1,
        step=1,
        loss=1.0,
        accuracy=0.5,
        learning_rate=0.1,
        pictures_per_second=9.0,
        remaining_seconds=0.0,
    ),
    EpochDone(
        elapsed_seconds=0.5,
        epoch=0,
        train_loss=None,
        train_accuracy=None,
        validation=SCORES,
        is_best=False,
        remaining_seconds=0.0,
    ),
    RunFinished(elapsed_seconds=0.6, best_epoch=1, validation=SCORES, peak_memory_megabytes=500.0),
    RunStopped(elapsed_seconds=0.7, best_epoch=None, validation=None),
    RunFailed(elapsed_seconds=0.8, message="No."),
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(CONFIG, root=tmp_path / "runs")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_round_trips_through_its_line(event: Event) -> None:
    assert from_line(to_line(event)) == event


STRANGE_SCORES = '{"event": "RunStopped", "elapsed_seconds": 1, "best_epoch": 1, "validation": {"loss": 1, "f1": 1}}'


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"event": "Nothing"}', '{"event": []}', '{"event": "StepDone"}', '"text"', STRANGE_SCORES]
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_line(line)


def test_a_half_written_line_waits_and_a_foreign_one_is_passed_over(run: Run) -> None:
    run.append(EVENTS[0])
    with (run.path / "events.jsonl").open("a") as file:
        file.write("rubbish\n" + to_line(EVENTS[3])[:20])
    events, offset = run.tail(0)
    assert events == [EVENTS[0]]
    with (run.path / "events.jsonl").open("a") as file:
        file.write(to_line(EVENTS[3])[20:] + "\n")
    assert run.tail(offset)[0] == [EVENTS[3]]
    assert run.events() == [EVENTS[0], EVENTS[3]]


def test_the_status_follows_from_the_last_event_and_the_lock(run: Run) -> None:
    assert run.status() == "queued"
    with run.lock():
        assert run.status() == "running"
        run.request_stop()
        assert run.status() == "stopping"
    run.append(EVENTS[0])
    assert run.status() == "interrupted"
    for event, status in ((EVENTS[5], "finished"), (EVENTS[6], "stopped"), (EVENTS[7], "failed")):
        run.append(event)
        assert run.status() == status


def test_a_run_that_ends_while_it_is_looked_at_is_never_called_interrupted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer writes its last event and lets go of the lock between two reads of the onlooker."""
    run.append(EVENTS[0])
    look = Run.is_locked

    def looked_at_just_before_the_end(self: Run) -> bool:
        was_locked = look(self)
        self.append(EVENTS[5])
        held.close()
        return was_locked

    held = contextlib.ExitStack()
    held.enter_context(run.lock())
    monkeypatch.setattr(Run, "is_locked", looked_at_just_before_the_end)
    assert run.status() == "finished"


def test_two_onlookers_do_not_take_each_other_for_a_training(run: Run) -> None:
    with (run.path / "lock").open("a") as file:
        assert try_lock(file.fileno(), is_onlooker=True)
        assert not run.is_locked()
        assert run.status() == "queued"


def test_the_last_event_is_found_whatever_its_length_and_after_a_torn_line(run: Run) -> None:
    assert run.last_event() is None
    for number in range(100):
        run.append(dataclasses.replace(EVENTS[3], step=number))
    assert run.last_event() == dataclasses.replace(EVENTS[3], step=99)
    long = PicturesSkipped(elapsed_seconds=0.2, reasons={f"{number}.jpg": "ä" * 80 for number in range(100)})
    run.append(long)
    assert run.last_event() == long
    with (run.path / "events.jsonl").open("a") as file:
        file.write(to_line(EVENTS[3])[:20])
    assert run.last_event() == long
    run.append(EVENTS[5])
    assert run.events()[-2:] == [long, EVENTS[5]]
    assert run.status() == "finished"


def test_a_second_trainer_is_refused_with_one_sentence(run: Run) -> None:
    with run.lock(), pytest.raises(RunError, match="Another process is training"), run.lock():
        pass


def test_the_lock_falls_with_its_process(run: Run) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom emotion.run import Run\n"
        f"with Run(Path({str(run.path)!r})).lock():\n    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == -9
    assert not run.is_locked()


def test_runs_of_one_second_get_names_of_their_own_and_are_listed_newest_first(tmp_path: Path) -> None:
    runs = [create_run(CONFIG, root=tmp_path) for _ in range(5)]
    assert len({run.name for run in runs}) == 5
    assert {run.name for run in list_runs(tmp_path)} == {run.name for run in runs}
    assert list_runs(tmp_path / "nowhere") == []


def test_a_run_is_found_by_path_and_by_name(run: Run) -> None:
    assert find_run(str(run.path)).path == run.path
    assert find_run(run.name, root=run.path.parent).path == run.path
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        find_run("nothing", root=run.path.parent)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_torn_configuration_is_one_sentence(run: Run, text: str) -> None:
    (run.path / "config.json").write_text(text)
    with pytest.raises(RunError, match="is not a run that can be read"):
        run.config()


def test_settings_of_another_version_are_one_sentence(run: Run) -> None:
    run.note(config={"pictures": "faces", "optimiser": "sgd"})
    with pytest.raises(ConfigError, match="Unknown setting 'optimiser'"):
        run.config()


def test_notes_are_kept_beside_the_settings(run: Run) -> None:
    run.note(classes=["happy"])
    assert run.record()["classes"] == ["happy"]
    assert run.config() == CONFIG
    assert sorted(path.name for path in run.path.iterdir()) == [RESERVE, "config.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="A run cannot be written"):
        create_run(CONFIG, root=tmp_path / "runs")


def test_a_file_in_place_of_the_runs_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match="A run cannot be written"):
        create_run(CONFIG, root=tmp_path / "runs")
