"""A run folder tells the truth, also when it is torn, locked, thrown away or written by something else."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.scripted_training import SCORES
from helpers.training import Told, go_on

from emotion.core.config import TrainConfig
from emotion.core.errors import ConfigError, RunError
from emotion.runs.folder import create_run, empty_trash, find_run, list_runs, take_back, throw_away
from emotion.runs.run import About, Run

CONFIG = TrainConfig(pictures="faces")
STARTED: dict[str, Any] = {
    "event": "RunStarted", "elapsed_seconds": 0.1, "classes": ["happy", "sad"], "train_pictures": 10,
    "validation_pictures": 2, "epochs": 1, "steps_per_epoch": 1, "device": "cpu", "precision": "float32",
    "processes": 1,
}  # fmt: skip
FINISHED: dict[str, Any] = {
    "event": "RunFinished", "elapsed_seconds": 2, "best_epoch": 1, "validation": SCORES, "peak_memory_megabytes": 9.0,
}  # fmt: skip
STOPPED: dict[str, Any] = {"event": "RunStopped", "elapsed_seconds": 2, "best_epoch": None, "validation": None}
FAILED: dict[str, Any] = {"event": "RunFailed", "elapsed_seconds": 2, "message": "No."}
LONG = {"event": "PicturesSkipped", "elapsed_seconds": 1, "reasons": {f"{at}.jpg": "ä" * 80 for at in range(100)}}


def write(run: Path, *events: dict[str, Any] | str) -> None:
    """Write lines to the end of the run's events; text as it is."""
    with (run / "events.jsonl").open("a", encoding="utf-8") as file:
        for event in events:
            file.write(event if isinstance(event, str) else json.dumps(event) + "\n")


@pytest.fixture
def new(isolated: Path) -> Path:
    """The folder of a run that waits to be trained."""
    return create_run(CONFIG, root=isolated / "runs").path


def status(emotion: Emotion) -> str:
    [row] = emotion("runs", "--json").json["runs"]
    return str(row["status"])


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "queued"),
        ([STARTED], "interrupted"),
        ([STARTED, STOPPED], "stopped"),
        # As a newer version may write.
        ([STARTED, {**FINISHED, "energy": 3}], "finished"),
        ([STARTED, FINISHED, '{"event": "RunArchived", "elapsed_seconds": 3}\n'], "finished"),
        ([STARTED, FAILED], "failed"),
        ([STARTED, STOPPED, {"event": "RunQueued", "elapsed_seconds": 2}], "queued"),
        ([STARTED, LONG], "interrupted"),
        ([STARTED, LONG, FINISHED], "finished"),
        ([STARTED, {**FAILED, "message": "No. " * 5000}], "failed"),
        ([STARTED, json.dumps(FINISHED)[:40]], "interrupted"),  # It counts once it is whole.
        ([STARTED, "rubbish\n[]\n", '{"event": "StepDone"}\n', FINISHED, "half a li"], "finished"),
    ],
)
def test_the_status_is_that_of_the_last_event(
    new: Path, emotion: Emotion, events: list[dict[str, Any] | str], expected: str
):
    if events:
        write(new, *events)
    assert status(emotion) == expected
    with (new / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert status(emotion) == expected, "an onlooker was taken for a training"
        if expected in ("queued", "interrupted"):
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert status(emotion) == "running"
            (new / "stop").touch()
            assert status(emotion) == "stopping"


def test_fault_odd_folders_keep_no_run_from_being_listed(run: Path, emotion: Emotion, isolated: Path):
    deep = "[" * 100_000
    for name, files in {
        "events": {"config.json": (run / "config.json").read_text()}, "deep": {"config.json": deep},
        "lines": {"config.json": (run / "config.json").read_text(), "events.jsonl": deep + "\n", "about.json": deep},
    }.items():  # fmt: skip
        (isolated / "runs" / name).mkdir()
        for file, text in files.items():
            (isolated / "runs" / name / file).write_text(text)
    (isolated / "runs" / "events" / "events.jsonl").mkdir()
    listed = {Path(row["run"]).name: row["status"] for row in emotion("runs", "--json").json["runs"]}
    assert listed[run.name] == "finished"
    assert listed.keys() >= {"events", "lines"}


def test_the_runs_are_listed_newest_first_with_their_accuracy(run: Path, emotion: Emotion, isolated: Path):
    names = [create_run(CONFIG, root=isolated / "runs").name for _ in range(3)]
    rows = emotion("runs", "--json").json["runs"]
    listed = [Path(row["run"]).name for row in rows]
    assert listed == sorted({run.name, *names}, reverse=True)
    assert len(listed) == 4, "runs of one second have names of their own"
    assert rows[listed.index(run.name)]["accuracy"] == Told(run).last["validation"]["accuracy"]
    assert f"{run.name}  finished     batch 8, 3 epochs  validation accuracy" in emotion("runs").out
    assert emotion("runs", "--runs", isolated / "none").out.startswith("No runs in")


def test_a_run_is_found_by_path_and_name_and_settings_that_cannot_be_read_are_one_sentence(new: Path):
    assert find_run(str(new)).path == find_run(new.name, root=new.parent).path == new
    record = json.loads((new / "config.json").read_text())
    for text in ("", "{", "[]", "{}"):
        (new / "config.json").write_text(text)
        with pytest.raises(RunError, match="is not a run that can be read"):
            Run(new).config()
    (new / "config.json").write_text(json.dumps({**record, "config": {"pictures": "faces", "optimiser": "sgd"}}))
    with pytest.raises(ConfigError, match="Unknown setting 'optimiser'"):
        Run(new).config()


def test_a_run_without_a_place_and_a_second_training_of_one_are_refused(new: Path, emotion: Emotion, tmp_path: Path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match="A run cannot be written"):
        create_run(CONFIG, root=tmp_path / "runs")
    with (new / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="Another process is training"):
            go_on(new)
        with pytest.raises(RunError, match="is running: stop it first"):
            throw_away(Run(new))
        said = emotion("resume", "--run", new)
        assert (said.code, said.err) == (1, f"{new.name} is running: only a run that was cut off can go on.\n")
    assert not (new / "events.jsonl").exists()


def test_a_name_and_a_note_are_kept_beside_the_run(new: Path):
    run = Run(new)
    assert run.about() == About()
    run.describe(About("Rosa's run", "with\nlines"))
    assert run.about() == About("Rosa's run", "with\nlines")
    assert json.loads((new / "about.json").read_text()) == {"title": "Rosa's run", "note": "with\nlines"}
    for long in (About("x" * 81), About("", "x" * 2001)):
        with pytest.raises(RunError, match="at most 80 characters for a name, 2000 for a note"):
            run.describe(long)
    (new / "about.json").write_text('{"title": ')
    assert run.about() == About()


def test_a_thrown_run_is_gone_from_the_list_and_comes_back_whole(run: Path, new: Path, isolated: Path):
    root = isolated / "runs"
    files = {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for _ in range(2):  # What was taken back can be thrown away again.
        throw_away(Run(run))
        assert [each.path for each in list_runs(root)] == [new]
        assert take_back(run.name, root=root).path == run
        assert {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()} == files
    with pytest.raises(RunError, match="is queued: stop it first"):
        throw_away(Run(new))
    throw_away(Run(run))
    for name in ("20200101-000000-gone", "", "..", "../x", f"../.trash/{run.name}"):
        with pytest.raises(RunError, match="not in the trash any more"):
            take_back(name, root=root)


def test_fault_the_trash_is_emptied_of_what_was_thrown_away_long_ago(run: Path, isolated: Path):
    root, old = isolated / "runs", time.time() - 8 * 86400
    os.utime(run, (old, old))
    throw_away(Run(run))
    empty_trash(root)
    take_back(run.name, root=root)  # The run is old, its going is not.
    throw_away(Run(run))
    os.utime(root / ".trash" / run.name, (old, old))
    empty_trash(root)
    with pytest.raises(RunError, match="not in the trash any more"):
        take_back(run.name, root=root)
