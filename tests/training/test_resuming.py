"""A training that was cut off goes on to the numbers it would have had."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFailed, RunFinished, RunStarted, RunStopped, StepDone, without_void
from emotion.run import Run
from emotion.runs import create_run
from emotion.training import fit
from emotion.training.session import rescue_run, train_run


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


def relabel(pictures: Path) -> None:
    (pictures / "happy" / "happy_000.png").rename(pictures / "sad" / "happy_000.png")


def swap(pictures: Path) -> None:
    (pictures / "happy" / "happy_000.png").write_bytes((pictures / "sad" / "sad_000.png").read_bytes())


@pytest.mark.parametrize("change", [relabel, swap, lambda pictures: (pictures / "sad" / "sad_003.png").unlink()])
def test_a_run_whose_pictures_have_changed_does_not_go_on_and_keeps_what_it_has(
    tiny_config: TrainConfig, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run, asked_to_stop=after_steps(run, 2 * 6 + 3)))[-1], RunStopped)
    kept = {name: (run.path / name).read_bytes() for name in ("split.json", "validation.json", "config.json")}
    change(Path(tiny_config.pictures))
    [failed] = list(train_run(run))
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("The pictures have changed since this run began, so it cannot go on")
    assert {name: (run.path / name).read_bytes() for name in kept} == kept
    assert (run.checkpoint / "model.safetensors").is_file()


def test_a_run_whose_backbone_is_another_by_now_does_not_go_on(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    list(train_run(run, asked_to_stop=after_steps(run, 2 * 6 + 3)))
    run.note(backbone={**run.record()["backbone"], "sha256": "0" * 64})
    [failed] = list(train_run(run))
    assert isinstance(failed, RunFailed)
    assert "backbone's weights are others" in failed.message


def test_a_rescue_keeps_the_pictures_that_were_validated_on_whatever_the_set_holds_by_now(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    (Path(tiny_config.pictures) / "happy" / "bad.png").write_bytes(b"nothing")
    run = create_run(tiny_config, root=tmp_path / "runs")
    list(train_run(run, asked_to_stop=after_steps(run, 2 * 6 + 3)))
    expected = (run.path / "validation.json").read_bytes()
    card = (run.checkpoint / "README.md").read_text()
    (run.path / "validation.json").unlink()
    (run.checkpoint / "README.md").unlink()
    relabel(Path(tiny_config.pictures))
    (Path(tiny_config.pictures) / "sad" / "sad_003.png").unlink()
    rescue_run(run)
    assert (run.path / "validation.json").read_bytes() == expected
    assert (run.checkpoint / "README.md").read_text() == card
    assert run.status() == "stopped"


def test_a_rescue_that_fails_still_ends_the_run(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    list(train_run(run, asked_to_stop=after_steps(run, 2 * 6 + 3)))
    state = torch.load(run.path / "resume" / "state.pt", weights_only=True)
    torch.save(
        {**state, "best": {**state["best"], "probabilities": {10_000: [0.5, 0.5]}}}, run.path / "resume" / "state.pt"
    )
    rescue_run(run)
    ended = run.events()[-1]
    assert isinstance(ended, RunStopped)
    assert ended.best_epoch is None


def test_a_run_that_stopped_early_does_not_train_on_when_it_is_resumed(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(tiny_config, epochs=40, head_learning_rate=1.0, schedule="constant", early_stopping=2)
    whole = create_run(config, root=tmp_path / "whole")
    assert isinstance(list(train_run(whole))[-1], RunFinished)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cut = create_run(config, root=tmp_path / "cut")
    with monkeypatch.context() as patch:
        patch.setattr(fit, "keep_best", full)
        assert isinstance(list(train_run(cut))[-1], RunFailed)
    resumed = list(train_run(cut))
    assert isinstance(resumed[-1], RunFinished)
    assert resumed[-1].stopped_early
    assert losses(cut) == losses(whole)
