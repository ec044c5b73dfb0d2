"""The command that the page offers asks for the very same training."""

from __future__ import annotations

import shlex
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from emotion.cli import training
from emotion.command import command_line
from emotion.config import PRESETS, TrainConfig, preset

ROOT = Path(__file__).parents[1]
CONFIGS = [
    TrainConfig(pictures="/photos/my faces"),
    TrainConfig(
        pictures="/x", depth=2, epochs=3, batch_size=4, augmentation="strong", seed=7, block_learning_rate=1e-5,
        schedule="linear", precision="float32", early_stopping=2, validation_share=0.2, weight_decay=0.0,
    ),
    *(preset(name, pictures="/x") for name in PRESETS),
    *(preset(name, pictures="/x", backbone="facebook/deit-small-patch16-224") for name in PRESETS),
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS)
def test_the_command_is_read_back_to_the_same_configuration(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[TrainConfig] = []
    monkeypatch.setattr(training, "list_pictures", lambda *_, **__: {})
    monkeypatch.setattr(training, "locate", lambda _: None)
    monkeypatch.setattr(training, "_shared_run", lambda config, _: asked.append(config))
    monkeypatch.setattr(training, "_finish", lambda *_, **__: 0)
    from emotion.cli import main

    assert main(shlex.split(command_line(config))[3:]) == 0
    [read] = asked
    assert asdict(read) == asdict(config)


def test_a_folder_below_the_working_directory_is_named_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    config = replace(preset("Quick", pictures=str(ROOT / "assets" / "faces")), epochs=2)
    assert command_line(config) == "python -m emotion train --pictures assets/faces --epochs 2"
