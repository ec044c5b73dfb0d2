"""A training that was cut off goes on to the numbers it would have had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFinished, RunStarted, RunStopped, StepDone, without_void
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run


def after(count: int) -> Callable[[], bool]:
    """Return a question that is answered with yes from its ``count``-th time on."""
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return asked > count

    return ask


def after_steps(run: Run, count: int) -> Callable[[], bool]:
    """Return what asks to stop once a run has taken so many steps."""
    return lambda: sum(isinstance(event, StepDone) for event in run.events()) >= count


def losses(run: Run) -> list[tuple[int, float]]:
    events = without_void(run.events())
    return [(event.step, event.loss) for event in events if isinstance(event, StepDone)] + [
        (event.epoch, event.validation.loss) for event in events if isinstance(event, EpochDone)
    ]


@pytest.mark.parametrize("depth", ["head", 1, "all"])
def test_a_resumed_training_ends_like_an_uninterrupted_one(
    tiny_config: TrainConfig, tmp_path: Path, depth: str | int
) -> None:
    config = replace(tiny_config, depth=depth, augmentation="light", epochs=5)
    whole = create_run(config, root=tmp_path / "whole")
    assert isinstance(list(train_run(whole))[-1], RunFinished)

    cut = create_run(config, root=tmp_path / "cut")
    stopped = list(train_run(cut, asked_to_stop=after_steps(cut, 2 * 6 + 3)))[-1]
    assert isinstance(stopped, RunStopped)
    resumed = list(train_run(cut))
    assert isinstance(resumed[0], RunStarted)
    assert resumed[0].resumed_epochs == 2
    assert isinstance(resumed[-1], RunFinished)
    assert losses(cut) == losses(whole)
    expected, found = (load_file(run.checkpoint / "model.safetensors") for run in (whole, cut))
    assert all((expected[name] == found[name]).all() for name in expected)
    times = [event.elapsed_seconds for event in cut.events()]
    assert times == sorted(times)
    assert not (cut.path / "resume").exists()


def test_a_training_cut_off_before_its_first_epoch_begins_anew(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(tiny_config, root=tmp_path)
    list(train_run(run, asked_to_stop=after(2)))
    resumed = list(train_run(run))
    assert isinstance(resumed[0], RunStarted)
    assert resumed[0].resumed_epochs == 0
    assert isinstance(resumed[-1], RunFinished)
    assert len([event for event in without_void(run.events()) if isinstance(event, RunStarted)]) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04."])
def test_a_torn_state_begins_anew(tiny_config: TrainConfig, tmp_path: Path, content: bytes) -> None:
    run = create_run(tiny_config, root=tmp_path)
    (run.path / "resume").mkdir()
    (run.path / "resume" / "state.pt").write_bytes(content)
    assert isinstance(list(train_run(run))[-1], RunFinished)
