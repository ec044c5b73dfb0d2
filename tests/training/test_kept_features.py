"""No picture's view is computed twice, and nothing that is kept is trusted unless it is sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.pictures import write_pictures
from helpers.training import Told, go_on, start, train
from helpers.waiting import until
from PIL import Image

from emotion.config import TrainConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(isolated: Path) -> Path:
    """Where this test's features are kept."""
    return isolated / "cache"


def files(cache: Path) -> list[Path]:
    """What is kept, locks aside."""
    return [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("settings", [{}, {"depth": 1}, {"precision": "bfloat16"}], ids=str)
def test_a_second_training_computes_nothing_and_has_the_losses_of_one_without_a_cache(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    settings = {"augmentation": "light", **settings}
    first, second = (train(tiny_config, tmp_path, **settings) for _ in range(2))
    monkeypatch.setenv("EMOTION_CACHE_GB", "0")
    without = train(tiny_config, tmp_path, **settings)
    assert [told.computed for told in (first, second, without)] == [48 + 41, 0, 48 + 41]
    assert [told.of("TrunkProgress")[0]["kept"] for told in (first, without)] == [True, False]
    assert second.losses == first.losses
    assert second.losses == pytest.approx(without.losses, abs=1e-3)


def test_only_new_pictures_and_new_views_are_computed(tiny_config: TrainConfig, tmp_path: Path) -> None:
    folder = Path(tiny_config.pictures)

    def computed(**settings: Any) -> int:
        return train(tiny_config, tmp_path, augmentation="light", **settings).computed

    assert computed() == 48 + 41
    assert computed(batch_size=4, epochs=1, head_learning_rate=1e-2) == 0
    # The seven that were held back are trained on now, in a view of their own.
    assert 0 < computed(seed=7) <= 7
    for number in range(10):
        Image.new("RGB", (40, 40), (number * 20, 50, 90)).save(folder / "happy" / f"new_{number}.png")
    (folder / "sad" / "sad_003.png").rename(folder / "sad" / "moved.png")
    assert 10 <= computed(validation_share=0.05) <= 2 * 10 + 2 * 7
    assert train(tiny_config, tmp_path).computed == 0
    # A small set out of a large one.
    for label in ("happy", "sad"):
        (tmp_path / "few" / label).mkdir(parents=True)
        for picture in sorted((folder / label).iterdir())[:4]:
            (tmp_path / "few" / label / picture.name).write_bytes(picture.read_bytes())
    assert train(tiny_config, tmp_path, pictures=str(tmp_path / "few")).computed == 0


def test_pictures_of_one_content_are_computed_once_and_unreadable_ones_are_all_named(
    tiny_config: TrainConfig, tmp_path: Path, emotion: Emotion
) -> None:
    folder = Path(tiny_config.pictures)
    for name in ("one", "two"):
        (folder / "happy" / f"{name}.png").write_bytes((folder / "happy" / "happy_000.png").read_bytes())
        (folder / "angry" / f"bad_{name}.png").write_bytes(b"nothing")
    told = train(tiny_config, tmp_path)
    [skipped] = told.of("PicturesSkipped")
    assert sorted(Path(path).name for path in skipped["reasons"]) == ["bad_one.png", "bad_two.png"]
    assert all(Path(path).name in reason for path, reason in skipped["reasons"].items())
    assert sum(entry["rows"] for entry in emotion("cache", "--json").json["entries"]) == 48


@pytest.mark.parametrize(
    "other", [{"backbone": "dinov2"}, {"image_size": 48}, {"precision": "bfloat16"}, {"depth": "head"}], ids=str
)
def test_whatever_decides_a_feature_makes_it_another_one(
    tiny_config: TrainConfig, tiny_dinov2: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    train(tiny_config, tmp_path, depth=1)
    if "backbone" in other:
        other = {"backbone": str(tiny_dinov2), "image_size": 28}
    assert train(tiny_config, tmp_path, **{"depth": 1, **other}).computed == 48


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, path.stat().st_size // 3), flip_a_bit, lambda path: path.write_text("[1, 2]"),
        lambda path: path.write_bytes(b""), Path.unlink,
    ],
    ids=["cut short", "a bit flipped", "of another program", "emptied", "gone"],
)  # fmt: skip
def test_what_is_torn_or_foreign_is_found_out_and_computed_anew(
    tiny_config: TrainConfig, tmp_path: Path, cache: Path, damage: Callable[[Path], object]
) -> None:
    first = train(tiny_config, tmp_path)
    kept = files(cache)
    assert kept
    for path in kept:
        content = path.read_bytes()
        damage(path)
        again = train(tiny_config, tmp_path)
        assert again.losses == first.losses
        assert 0 < again.computed <= 48
        if not path.exists():
            break  # It was thrown away whole.
        path.write_bytes(content)
    assert train(tiny_config, tmp_path).computed == 0


def test_the_limit_holds_and_what_was_used_least_lately_makes_room(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emotion: Emotion
) -> None:
    def computed(size: int) -> int:
        return train(tiny_config, tmp_path, image_size=size, epochs=1).computed

    assert [computed(size) for size in (32, 40, 32)] == [48, 48, 0]
    limit = emotion("cache", "--json").json["size"] + 100  # Room for two, not for three.
    monkeypatch.setenv("EMOTION_CACHE_GB", str(limit / 1e9))
    assert computed(48) == 48
    assert emotion("cache", "--json").json["size"] <= limit
    assert [computed(size) for size in (48, 32, 40)] == [0, 0, 48]


def test_what_a_training_uses_is_neither_evicted_nor_cleared(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emotion: Emotion
) -> None:
    size = [0]

    def use_meanwhile(event: dict[str, Any]) -> bool:
        if event["event"] == "StepDone" and event["step"] == 1:
            size[0] = emotion("cache", "--json").json["size"]
            cleared = emotion("cache", "clear", "--json").json
            assert (cleared["freed"], cleared["size"]) == (0, size[0])
            assert "are in use" in emotion("cache", "clear").out
            monkeypatch.setenv("EMOTION_CACHE_GB", str((size[0] + 100) / 1e9))
            other = emotion(
                "train", "--pictures", tiny_config.pictures, "--backbone", tiny_config.backbone, "--image-size", 40,
                "--epochs", 1, "--runs", tmp_path / "other",
            )  # fmt: skip
            assert (other.code, "the cache has no room" in other.err) == (0, True)
        return False

    assert go_on(start(tiny_config, tmp_path / "runs"), stop=use_meanwhile).last["event"] == "RunFinished"
    assert size[0] == emotion("cache", "--json").json["size"] > 0
    assert train(tiny_config, tmp_path / "runs", image_size=40).computed == 48
    assert train(tiny_config, tmp_path / "runs").computed == 48


def test_the_command_shows_what_is_kept_and_clears_it(
    tiny_config: TrainConfig, tmp_path: Path, cache: Path, emotion: Emotion
) -> None:
    train(tiny_config, tmp_path)
    shown = emotion("cache", "--json").json
    [entry] = shown["entries"]
    assert (entry["rows"], entry["recipe"]["image_size"], shown["limit"]) == (48, 32, 2 * 10**9)
    assert shown["folder"] == str(cache)
    assert shown["size"] == sum(path.stat().st_size for path in files(cache))
    assert "48 features, 32 px, float32" in emotion("cache").out
    assert emotion("cache", "clear").out.startswith("0.0 MB deleted from")  # 11 KB
    assert (files(cache), emotion("cache", "--json").json["entries"]) == ([], [])
    assert train(tiny_config, tmp_path).computed == 48


@pytest.mark.parametrize("limit", ["1,5", "inf", "nan", "-1", "two"])
def test_a_limit_that_is_none_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, emotion: Emotion, tiny_config: TrainConfig, tmp_path: Path, limit: str
) -> None:
    monkeypatch.setenv("EMOTION_CACHE_GB", limit)
    said = emotion("cache")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"EMOTION_CACHE_GB is {limit!r}: set it to a number of gigabytes, 0 for none.\n"
    assert go_on(start(tiny_config, tmp_path)).last["message"] + "\n" == said.err


def test_a_cache_that_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tiny_config: TrainConfig, tmp_path: Path
) -> None:
    (tmp_path / "in the way").write_text("")
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "in the way"))
    told = go_on(start(tiny_config, tmp_path / "runs"))
    assert told.last["event"] == "RunFailed"
    assert str(tmp_path / "in the way") in told.last["message"]
    assert not (told.path / "error.log").exists()


def test_a_look_that_was_stopped_keeps_what_it_saw(tiny_config: TrainConfig, tmp_path: Path) -> None:
    told = go_on(start(tiny_config, tmp_path), stop=lambda event: event.get("done", 0) >= 32)
    assert told.last["event"] == "RunStopped"
    assert train(tiny_config, tmp_path).computed <= 48 - 32


def begin(runs: Path, pictures: Path, config: TrainConfig) -> subprocess.Popen[bytes]:
    words = ["--pictures", pictures, "--backbone", config.backbone, "--image-size", 32, "--epochs", 3, "--depth", 1]
    words += ["--augmentation", "frame", "--precision", "float32", "--batch-size", 8, "--runs", runs]
    return subprocess.Popen(
        [sys.executable, "-m", "emotion", "train", *map(str, words)], cwd=ROOT, stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_trainings_at_once_and_one_that_is_killed_leave_a_sound_cache(
    tiny_config: TrainConfig, tmp_path: Path, cache: Path
) -> None:
    pictures = write_pictures(tmp_path / "many", count=60)
    killed = begin(tmp_path / "killed", pictures, tiny_config)
    [events] = until(lambda: list((tmp_path / "killed").glob("*/events.jsonl")))
    until(lambda: '"done": 6' in events.read_text())
    killed.kill()
    killed.wait()
    both = [begin(tmp_path / name, pictures, tiny_config) for name in ("one", "two")]
    assert [process.wait(240) for process in both] == [0, 0]
    told = [Told(next((tmp_path / name).iterdir())) for name in ("one", "two")]
    assert told[0].losses == pytest.approx(told[1].losses, abs=1e-6)
    assert sum(told.computed for told in told) <= 2 * (240 + 5 * 204) - 512
    settings = {"pictures": str(pictures), "depth": 1, "augmentation": "frame"}
    assert train(tiny_config, tmp_path / "three", **settings).computed == 0
    assert not list(cache.rglob(".private-*"))
    assert json.loads((told[0].path / "config.json").read_text())["config"]["augmentation"] == "frame"
