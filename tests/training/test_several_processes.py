"""torchrun trains data-parallel: the same losses as one process, and one run folder."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.config import TrainConfig
from emotion.events import EpochDone, Event, RunStarted
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.training.session import train_run

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def by_torchrun(config: TrainConfig, root: Path) -> Run:
    """Train in two CPU processes and return the run."""
    options = [
        part
        for name, value in config.to_json().items()
        if not isinstance(value, bool)  # A switch is off without a word.
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]
    done = subprocess.run(
        [sys.executable, *TORCHRUN, "-m", "emotion", "train", *options, "--runs", str(root), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Run(Path(json.loads(done.stdout.splitlines()[-1])["run"]))


def epoch_losses(events: list[Event]) -> list[float]:
    return [
        loss
        for event in events
        if isinstance(event, EpochDone)
        for loss in (event.train_loss or 0.0, event.validation.loss)
    ]


@pytest.mark.parametrize("depth", ["head", pytest.param("all", marks=pytest.mark.slow)])
def test_two_processes_give_the_losses_of_one_and_only_the_first_writes(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    # 41 training pictures in batches of 7: the last batch is odd, and so is each process's share of it.
    config = replace(tiny_config, depth=depth, batch_size=7, augmentation="light")
    alone = create_run(config, root=tmp_path / "one")
    expected = list(train_run(alone))
    # With a cache of their own, so that both look.
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "cache"))
    run = by_torchrun(config, tmp_path / "two")
    events = run.events()
    started = [event for event in events if isinstance(event, RunStarted)]
    assert [event.processes for event in started] == [2]
    assert epoch_losses(events) == pytest.approx(epoch_losses(expected), abs=1e-3)
    assert [found.name for found in list_runs(tmp_path / "two")] == [run.name]
    assert run.status() == "finished"
    assert (run.path / "split.json").read_text() == (alone.path / "split.json").read_text()
