"""What goes by its age on a public server, and what stays whatever its age is."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from emotion.cleaning import Cleaned, clean, keep_clean
from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFinished, RunStarted, Scores
from emotion.owners import give, share
from emotion.public import Public
from emotion.room import Room, size_of
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.sets.saved import list_sets
from emotion.trash import throw_away

LIMITS = Public(kept_hours=48)
DAY = 86400.0
SCORES = Scores(loss=1.0, accuracy=0.5, correct_confidence=0.4)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    (tmp_path / "sets").mkdir()
    return tmp_path / "sets"


def made(runs: Path, *, owner: str | None, pictures: str = "x") -> Run:
    run = create_run(TrainConfig(pictures=pictures), root=runs, owner=owner)
    run.append(RunFinished(elapsed_seconds=1.0, best_epoch=1, validation=SCORES, peak_memory_megabytes=1.0))
    return run


def a_set(sets: Path, name: str, *, owner: str | None) -> Path:
    (sets / name).mkdir()
    (sets / name / "manifest.json").write_text("{}")
    give(sets / name, owner)
    return sets / name


def test_a_visitors_run_goes_by_its_age_shared_or_not_and_the_servers_own_stays(runs: Path, sets: Path):
    old, shared, own = made(runs, owner="anna"), made(runs, owner="anna"), made(runs, owner=None)
    share(shared.path, "anna", shared=True)
    assert clean(runs, sets, limits=LIMITS, now=time.time() + DAY) == Cleaned()
    assert clean(runs, sets, limits=LIMITS, now=time.time() + 3 * DAY) == Cleaned(runs=2)
    assert list_runs(runs) == [own]
    assert not old.path.exists()
    assert [path.name for path in runs.iterdir()] == [own.name]


def test_what_waits_or_is_trained_stays_whatever_its_age(runs: Path, sets: Path):
    waiting = create_run(TrainConfig(pictures="x"), root=runs, owner="anna")
    training = create_run(TrainConfig(pictures="x"), root=runs, owner="anna")
    training.append(
        RunStarted(
            elapsed_seconds=0.1, classes=["a", "b"], train_pictures=1, validation_pictures=1, epochs=1,
            steps_per_epoch=1, device="cpu", precision="float32", processes=1,
        )
    )  # fmt: skip
    with training.lock():
        assert clean(runs, sets, limits=LIMITS, now=time.time() + 99 * DAY) == Cleaned()
    assert {waiting, training} == set(list_runs(runs))
    assert clean(runs, sets, limits=LIMITS, now=time.time() + 99 * DAY) == Cleaned(runs=1)
    assert list_runs(runs) == [waiting]


def test_a_training_that_takes_too_long_is_asked_to_stop_and_the_servers_own_is_not(runs: Path, sets: Path):
    long, own = (create_run(TrainConfig(pictures="x"), root=runs, owner=owner) for owner in ("anna", None))
    for run in (long, own):
        run.append(
            EpochDone(
                elapsed_seconds=3601.0, epoch=1, train_loss=1.0, train_accuracy=0.5, validation=SCORES, is_best=True,
                remaining_seconds=9.0,
            )
        )  # fmt: skip
    with long.lock(), own.lock():
        assert clean(runs, sets, limits=LIMITS, now=time.time()) == Cleaned(stopped=1)
    assert (long.stop_requested(), own.stop_requested()) == (True, False)


def test_sets_go_unless_they_are_the_servers_or_trained_on(runs: Path, sets: Path):
    a_set(sets, "old", owner="anna")
    used = a_set(sets, "used", owner="anna")
    a_set(sets, "brought", owner=None)
    create_run(TrainConfig(pictures=str(used)), root=runs, owner="bert")
    assert clean(runs, sets, limits=LIMITS, now=time.time() + 3 * DAY) == Cleaned(sets=1)
    assert [found.key for found in list_sets(sets)] == ["brought", "used"]


def test_trash_guests_comparisons_and_leftovers_go_too(runs: Path, sets: Path):
    thrown, own, shown = made(runs, owner="anna"), made(runs, owner=None), made(runs, owner=None)
    throw_away(thrown)
    throw_away(own)
    for folder in (Run(shown.path, guest="bert").comparisons, shown.comparisons):
        folder.mkdir(parents=True, exist_ok=True)
    for left in (runs / ".new-1-2", sets / ".begun-set"):
        left.mkdir()
        os.utime(left, (1, 1))
    done = clean(runs, sets, limits=LIMITS, now=time.time() + 3 * DAY)
    assert done == Cleaned(thrown=1, comparisons=1, leftovers=2)
    assert (runs / ".trash" / own.name).is_dir()
    assert [path.name for path in shown.path.iterdir() if path.is_dir()] == ["comparisons"]
    assert shown.comparisons.is_dir()


def test_the_thread_cleans_by_its_clock_until_it_is_told_to_end(runs: Path, sets: Path):
    made(runs, owner="anna")
    ended, asked = threading.Event(), threading.Event()

    def clock() -> float:
        asked.set()
        return time.time() + 3 * DAY

    thread = keep_clean(runs, sets, limits=LIMITS, ended=ended, clock=clock, every_seconds=0.01)
    assert asked.wait(10)
    ended.set()
    thread.join(10)
    assert not thread.is_alive()
    assert list_runs(runs) == []


def test_room_is_counted_over_all_folders_and_said_when_there_is_none(tmp_path: Path):
    from emotion.errors import RefusedError

    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(600))
    (tmp_path / "a" / "link").symlink_to("/etc")
    assert 600 <= size_of(tmp_path / "a") < 700
    now = [0.0]
    room = Room([tmp_path / "a", tmp_path / "nothing"], limit=1000, clock=lambda: now[0])
    room.require()
    with pytest.raises(RefusedError, match="together may take"):
        room.require(500)
    (tmp_path / "a" / "more").write_bytes(bytes(600))
    now[0] = 60.0
    with pytest.raises(RefusedError):
        room.require()
