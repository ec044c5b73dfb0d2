"""What the page says a look will cost: from earlier runs, and never more than it knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emotion.cache.store import open_cache
from emotion.config import TrainConfig
from emotion.events import TrunkProgress
from emotion.runs import create_run
from emotion.ui.look_cost import KNOWN, look_cost
from emotion.ui.run_board import RunBoard

CONFIG = TrainConfig(pictures="/sets/human_train")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache that holds as much as 600 looks leave: 3 KB each."""
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "cache"))
    shard = tmp_path / "cache" / "recipe" / "shard"
    shard.mkdir(parents=True)
    (shard / "rows").write_bytes(bytes(600 * 3072))
    return shard


def after(tmp_path: Path, config: TrainConfig, **look: Any) -> RunBoard:
    run = create_run(config, root=tmp_path)
    for done, elapsed in ((0, 1.0), (600, 13.0)):
        values: dict[str, Any] = {"done": done, "total": 600, **look}
        run.append(TrunkProgress(elapsed_seconds=elapsed, remaining_seconds=0.0, **values))
    return RunBoard(tmp_path)


def test_before_any_run_nothing_is_promised(tmp_path: Path):
    said = look_cost(CONFIG, pictures=600, runs=RunBoard(tmp_path).summaries())
    assert said == "The backbone looks once at 600 pictures: the first run shows how long that takes here. " + (
        "Later runs skip this."
    )


def test_other_pictures_are_reckoned_at_the_pace_of_the_last_look(tmp_path: Path):
    runs = after(tmp_path, CONFIG).summaries()
    said = look_cost(replace(CONFIG, pictures="/sets/other"), pictures=300, runs=runs)
    assert "300 pictures: about 6 s" in said


@pytest.mark.parametrize("change", [{"batch_size": 4}, {"epochs": 20}, {"head_learning_rate": 0.1}, {"seed": 1}])
def test_other_settings_of_the_top_look_at_nothing_new(kept: Path, tmp_path: Path, change: dict[str, Any]):
    runs = after(tmp_path, CONFIG).summaries()
    assert look_cost(replace(CONFIG, **change), pictures=600, runs=runs) == KNOWN


def test_what_was_cleared_meanwhile_is_not_called_known(kept: Path, tmp_path: Path):
    runs = after(tmp_path, CONFIG).summaries()
    assert open_cache().clear() > 0
    assert "The backbone looks once at 600 pictures: about 12 s" in look_cost(CONFIG, pictures=600, runs=runs)


@pytest.mark.parametrize(
    "change", [{"depth": 2}, {"augmentation": "light"}, {"image_size": 112}, {"backbone": "/another"}]
)
def test_what_changes_an_activation_looks_again(kept: Path, tmp_path: Path, change: dict[str, Any]):
    runs = after(tmp_path, CONFIG).summaries()
    assert look_cost(replace(CONFIG, **change), pictures=600, runs=runs) != KNOWN


def test_a_look_that_was_not_kept_does_not_count_as_known(kept: Path, tmp_path: Path):
    runs = after(tmp_path, CONFIG, kept=False).summaries()
    assert look_cost(CONFIG, pictures=600, runs=runs) != KNOWN


def test_a_set_that_finds_no_room_is_announced(tmp_path: Path, tiny_vit: Path, monkeypatch: pytest.MonkeyPatch):
    config = replace(CONFIG, backbone=str(tiny_vit), depth=1, image_size=32, precision="float32")
    monkeypatch.setenv("EMOTION_CACHE_GB", "0.001")
    said = look_cost(config, pictures=1000, runs=RunBoard(tmp_path).summaries())
    # 17 tokens of 32 values of four bytes: 2,176 bytes a picture.
    assert said.endswith("That is about 0.0 GB, more than the 0.001 GB that are kept: later runs look again.")
