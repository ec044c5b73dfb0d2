"""A run that is thrown away can be taken back, and no other is touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.events import RunFailed
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.trash import empty_trash, take_back, throw_away


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    made = [create_run(TrainConfig(pictures="faces"), root=tmp_path) for _ in range(2)]
    for run in made:
        run.append(RunFailed(elapsed_seconds=1.0, message="No."))
    return made


def test_a_thrown_run_is_gone_from_the_list_and_comes_back_whole(runs: list[Run], tmp_path: Path) -> None:
    first, second = runs
    events = first.events()
    throw_away(first)
    assert list_runs(tmp_path) == [second]
    assert take_back(first.name, root=tmp_path) == first
    assert first.events() == events
    assert set(list_runs(tmp_path)) == {first, second}


def test_a_run_is_thrown_away_twice(runs: list[Run], tmp_path: Path) -> None:
    throw_away(runs[0])
    take_back(runs[0].name, root=tmp_path)
    throw_away(runs[0])
    assert list_runs(tmp_path) == [runs[1]]


def test_a_run_that_goes_on_is_not_thrown_away(tmp_path: Path) -> None:
    run = create_run(TrainConfig(pictures="faces"), root=tmp_path)
    with pytest.raises(RunError, match="is queued: stop it first"):
        throw_away(run)
    with run.lock(), pytest.raises(RunError, match="is running: stop it first"):
        throw_away(run)


@pytest.mark.parametrize("name", ["20200101-000000-gone", "", "..", "../x"])
def test_what_is_not_in_the_trash_is_not_taken_back(runs: list[Run], tmp_path: Path, name: str) -> None:
    throw_away(runs[0])
    with pytest.raises(RunError, match="not in the trash any more"):
        take_back(name, root=tmp_path)


def test_the_trash_is_emptied_of_what_is_old(runs: list[Run], tmp_path: Path) -> None:
    for run in runs:
        throw_away(run)
    old = time.time() - 8 * 86400
    os.utime(tmp_path / ".trash" / runs[0].name, (old, old))
    empty_trash(tmp_path)
    with pytest.raises(RunError):
        take_back(runs[0].name, root=tmp_path)
    assert take_back(runs[1].name, root=tmp_path) == runs[1]
