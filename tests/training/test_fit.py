"""fit(): what it yields, what it keeps, and that the same seed gives the same numbers."""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from safetensors.torch import load_file

from emotion.backbones.registry import locate
from emotion.cache.store import open_cache
from emotion.config import TrainConfig
from emotion.errors import ConfigError, PictureError
from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFinished,
    RunStarted,
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
)
from emotion.pictures.folders import find_pictures
from emotion.pictures.splitting import split
from emotion.training.epochs import Epochs
from emotion.training.fit import fit, never

DEPTHS = ["head", 1, "all"]


def drain(config: TrainConfig, folder: Path, *, should_stop: Callable[[], bool] = never) -> list[Event]:
    """Train with ``config`` and return every event."""
    parts = split(find_pictures(Path(config.pictures)), fraction=config.validation_share, seed=config.seed)
    source = locate(config.backbone)
    return list(fit(config, parts, backbone=source, folder=folder, cache=open_cache(), should_stop=should_stop))


def numbers(events: list[Event]) -> list[float]:
    """Return every loss of a training, in order."""
    return [
        event.loss if isinstance(event, StepDone) else event.validation.loss
        for event in events
        if isinstance(event, StepDone | EpochDone)
    ]


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_training_tells_what_happens_in_order(tiny_config: TrainConfig, tmp_path: Path, depth: str | int) -> None:
    events = drain(replace(tiny_config, depth=depth), tmp_path)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [0, 1, 2, 3]
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [step.step for step in steps] == list(range(1, 3 * events[0].steps_per_epoch + 1))
    times = [event.elapsed_seconds for event in events]
    assert times == sorted(times)
    looks = [event for event in events if isinstance(event, TrunkProgress)]
    assert (looks[-1].done == looks[-1].total == 48) if depth != "all" else not looks


@pytest.mark.parametrize("depth", DEPTHS)
def test_training_learns(tiny_config: TrainConfig, tmp_path: Path, depth: str | int) -> None:
    config = replace(tiny_config, depth=depth, epochs=15, block_learning_rate=2e-3, head_learning_rate=1e-2)
    epochs = [event for event in drain(config, tmp_path) if isinstance(event, EpochDone)]
    assert epochs[-1].validation.accuracy >= 0.75
    assert min(epoch.validation.loss for epoch in epochs) < epochs[0].validation.loss * 0.7


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    tiny_config: TrainConfig, tmp_path: Path, depth: str | int
) -> None:
    config = replace(tiny_config, depth=depth, augmentation="light")
    first, again = drain(config, tmp_path / "a"), drain(config, tmp_path / "b")
    assert numbers(first) == numbers(again)
    other = drain(replace(config, seed=7), tmp_path / "c")
    assert numbers(first) != numbers(other)
    weights, same = (load_file(tmp_path / name / "checkpoint/model.safetensors") for name in "ab")
    assert all((weights[name] == same[name]).all() for name in weights)


def test_the_best_epoch_is_the_one_with_the_lowest_validation_loss(tiny_config: TrainConfig, tmp_path: Path) -> None:
    # So high a rate that the loss goes up and down.
    events = drain(replace(tiny_config, epochs=6, head_learning_rate=0.5, schedule="constant"), tmp_path)
    epochs = [event for event in events if isinstance(event, EpochDone) and event.epoch > 0]
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    best = min(epochs, key=lambda event: event.validation.loss)
    assert finished.best_epoch == best.epoch
    assert finished.validation == best.validation
    assert [event.epoch for event in epochs if event.is_best][-1] == best.epoch


def test_early_stopping_ends_after_epochs_without_improvement(tiny_config: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny_config, epochs=40, head_learning_rate=1.0, schedule="constant", early_stopping=2)
    events = drain(config, tmp_path)
    finished, last = events[-1], events[-2]
    assert isinstance(finished, RunFinished)
    assert isinstance(last, EpochDone)
    assert finished.stopped_early
    assert last.epoch == finished.best_epoch + 2 < 40


def test_stopping_in_the_look_at_the_pictures_keeps_nothing(tiny_config: TrainConfig, tmp_path: Path) -> None:
    events = drain(tiny_config, tmp_path, should_stop=lambda: True)
    assert events[-1] == RunStopped(elapsed_seconds=events[-1].elapsed_seconds, best_epoch=None, validation=None)
    assert list(tmp_path.glob("checkpoint")) == []
    assert not (tmp_path / "activations.bin").exists()


def test_stopping_mid_epoch_keeps_the_best_finished_epoch(tiny_config: TrainConfig, tmp_path: Path) -> None:
    asked = 0

    def after_a_while() -> bool:
        nonlocal asked
        asked += 1
        return asked > 11  # three looks, six steps of the first epoch, two of the second

    events = drain(replace(tiny_config, epochs=50), tmp_path, should_stop=after_a_while)
    stopped = events[-1]
    assert isinstance(stopped, RunStopped)
    assert stopped.best_epoch == 1
    assert (tmp_path / "checkpoint" / "model.safetensors").is_file()
    assert len([event for event in events if isinstance(event, StepDone)]) == 8


@pytest.mark.parametrize("depth", ["head", "all"])
def test_unreadable_pictures_are_left_out_counted_and_named(
    tiny_config: TrainConfig, tmp_path: Path, depth: str
) -> None:
    bad = Path(tiny_config.pictures) / "happy" / "bad.jpg"
    bad.write_text("not a picture")
    [skipped] = [
        event for event in drain(replace(tiny_config, depth=depth), tmp_path) if isinstance(event, PicturesSkipped)
    ]
    assert list(skipped.reasons) == [str(bad)]
    assert skipped.train_pictures + skipped.validation_pictures == 48
    assert "is not a picture" in skipped.reasons[str(bad)]


def test_a_class_of_unreadable_pictures_is_one_sentence(tiny_config: TrainConfig, tmp_path: Path) -> None:
    for file in (Path(tiny_config.pictures) / "sad").iterdir():
        file.write_text("not a picture")
    with pytest.raises(PictureError, match="12 of 48 pictures cannot be read"):
        drain(tiny_config, tmp_path)


def test_no_readable_picture_at_all_is_one_sentence(tiny_config: TrainConfig, tmp_path: Path) -> None:
    for file in Path(tiny_config.pictures).rglob("*.png"):
        file.write_text("not a picture")
    with pytest.raises(PictureError, match="None of the 48 pictures can be read"):
        drain(tiny_config, tmp_path)


def test_a_batch_larger_than_the_set_is_one_step_an_epoch(tiny_config: TrainConfig, tmp_path: Path) -> None:
    events = drain(replace(tiny_config, batch_size=128), tmp_path)
    assert len([event for event in events if isinstance(event, StepDone)]) == tiny_config.epochs


def test_augmentation_looks_at_further_views_of_the_training_pictures_only(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    events = drain(replace(tiny_config, augmentation="strong"), tmp_path)
    started = events[0]
    assert isinstance(started, RunStarted)
    looks = [event for event in events if isinstance(event, TrunkProgress)]
    assert looks[-1].total == started.validation_pictures + 4 * started.train_pictures


def test_the_smallest_possible_set_trains(tiny_config: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    for label in ("happy", "sad"):
        (folder / label).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (1, 1), (100 * number, 0, 0)).save(folder / label / f"{number}.png")
    events = drain(replace(tiny_config, pictures=str(folder)), tmp_path)
    assert isinstance(events[-1], RunFinished)
    assert all(math.isfinite(loss) for loss in numbers(events))


def test_a_loss_that_is_no_number_ends_the_training_with_advice(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Scores(loss=math.nan, accuracy=0.0, correct_confidence=math.nan)
    monkeypatch.setattr(Epochs, "_take_step", lambda *_: nothing)
    with pytest.raises(ConfigError, match="not a number any more in epoch 1: lower the learning rate"):
        drain(tiny_config, tmp_path)


def test_pictures_per_second_counts_pictures_not_batches(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """41 pictures in one batch of up to 128 are 41; a second passes between two looks at this clock."""
    seconds = itertools.count()
    monkeypatch.setattr("emotion.training.epochs.time", SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    events = drain(replace(tiny_config, batch_size=128, epochs=1), tmp_path)
    assert [event.pictures_per_second for event in events if isinstance(event, StepDone)] == [41.0]


def test_a_stop_during_the_look_ends_it_after_the_batch_in_hand(tiny_config: TrainConfig, tmp_path: Path) -> None:
    looks: list[Event] = []
    parts = split(find_pictures(Path(tiny_config.pictures)), fraction=0.15, seed=1)
    source = locate(tiny_config.backbone)
    events = fit(
        tiny_config, parts, backbone=source, folder=tmp_path, cache=open_cache(), should_stop=lambda: bool(looks)
    )
    after: list[Event] = []
    for event in events:
        if looks:
            after.append(event)
        if isinstance(event, TrunkProgress):
            looks.append(event)
    assert [type(event) for event in after] == [RunStopped]


@pytest.mark.parametrize("depth", DEPTHS)
def test_class_weights_change_nothing_in_a_balanced_set_and_something_in_another(
    tiny_config: TrainConfig, tmp_path: Path, depth: str | int
) -> None:
    shutil.copytree(tiny_config.pictures, tmp_path / "even")
    shutil.copytree(tiny_config.pictures, tmp_path / "uneven")
    for path in sorted((tmp_path / "uneven" / "sad").iterdir())[4:]:
        path.unlink()
    losses = {
        (name, on): numbers(
            drain(
                replace(
                    tiny_config, depth=depth, pictures=str(tmp_path / name), class_weights=on, validation_share=0.25
                ),
                tmp_path / f"{name}-{on}",
            )
        )
        for name in ("even", "uneven")
        for on in (True, False)
    }
    assert losses["even", True] == pytest.approx(losses["even", False], abs=1e-4)
    # The first validation comes before the first weighted step.
    assert losses["uneven", True][2:] != pytest.approx(losses["uneven", False][2:], abs=1e-4)
