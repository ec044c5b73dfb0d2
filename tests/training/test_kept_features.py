"""No picture's view is computed twice, and nothing that is kept is trusted unless it is sound."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion, Said
from helpers.pictures import write_pictures
from helpers.training import Told, Trainer, go_on
from helpers.waiting import until
from PIL import Image


def files(place: Path) -> list[Path]:
    """What is kept in a test's cache, locks aside."""
    return [path for path in (place / "cache").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("settings", [{}, {"depth": 1, "precision": "bfloat16"}], ids=str)
def test_a_second_training_computes_nothing_and_has_the_losses_of_one_without_a_cache(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    settings = {"augmentation": "light", "epochs": 1, **settings}
    first, second = (trainer(**settings) for _ in range(2))
    monkeypatch.setenv("EMOTION_CACHE_GB", "0")
    without = trainer(**settings)
    assert [told.computed for told in (first, second, without)] == [48 + 41, 0, 48 + 41]
    assert [told.of("TrunkProgress")[0]["kept"] for told in (first, without)] == [True, False]
    assert second.losses == first.losses
    assert second.losses == pytest.approx(without.losses, abs=1e-3)


def test_only_new_contents_and_new_views_are_computed_whatever_the_files_are_called(trainer: Trainer) -> None:
    def computed(**settings: Any) -> int:
        return trainer(augmentation="light", epochs=1, **settings).computed

    happy, sad = trainer.pictures / "happy", trainer.pictures / "sad"
    assert computed() == 48 + 41
    assert computed(batch_size=4, head_learning_rate=1e-2) == 0
    # The seven that were held back are trained on now, in a view of their own.
    assert 0 < computed(seed=7) <= 7
    for number in range(10):
        Image.new("RGB", (40, 40), (number * 20, 50, 90)).save(happy / f"new_{number}.png")
        shutil.copy(happy / f"new_{number}.png", sad / f"the same {number}.png")
    (sad / "sad_003.png").rename(sad / "moved.png")
    assert 10 <= computed(validation_share=0.05) <= 2 * 10 + 2 * 7
    for path in [*sorted(happy.iterdir())[4:], *sorted(sad.iterdir())[4:]]:  # A small set out of a large one.
        path.unlink()
    assert trainer().computed == 0


def test_whatever_decides_a_feature_makes_it_another_one(trainer: Trainer, tiny_dinov2: Path) -> None:
    trainer(depth=1, epochs=1)
    others: list[dict[str, Any]] = [{"image_size": 48}, {"precision": "bfloat16"}, {"depth": "head"}]
    for other in [*others, {"backbone": str(tiny_dinov2), "image_size": 28}]:
        assert trainer(**{"depth": 1, "epochs": 1, **other}).computed == 48, other


def test_what_is_torn_or_foreign_is_found_out_and_computed_anew(trainer: Trainer, isolated: Path) -> None:
    first = trainer()
    whole = {path: path.read_bytes() for path in files(isolated)}
    torn, flipped, foreign = whole
    torn.write_bytes(whole[torn][: len(whole[torn]) // 3])
    flipped.write_bytes(whole[flipped][:-9] + bytes([whole[flipped][-9] ^ 1]) + whole[flipped][-8:])
    assert 0 < (again := trainer()).computed < 48
    assert again.losses == first.losses
    foreign.write_bytes(b"[1, 2]")
    assert 0 < (again := trainer()).computed < 48
    assert again.losses == first.losses
    assert trainer().computed == 0


def test_the_limit_holds_and_what_was_used_least_lately_makes_room(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, emotion: Emotion
) -> None:
    def computed(size: int) -> int:
        return trainer(image_size=size, epochs=1).computed

    assert [computed(size) for size in (32, 40, 32)] == [48, 48, 0]
    limit = emotion("cache", "--json").json["size"] + 100  # Room for two, not for three.
    monkeypatch.setenv("EMOTION_CACHE_GB", str(limit / 1e9))
    assert computed(48) == 48
    assert emotion("cache", "--json").json["size"] <= limit
    assert [computed(size) for size in (48, 32, 40)] == [0, 0, 48]


def test_the_command_shows_what_is_kept_and_clears_it(trainer: Trainer, isolated: Path, emotion: Emotion) -> None:
    trainer()
    shown = emotion("cache", "--json").json
    [entry] = shown["entries"]
    assert (entry["rows"], entry["recipe"]["image_size"], shown["limit"]) == (48, 32, 2 * 10**9)
    assert shown["folder"] == str(isolated / "cache")
    assert shown["size"] == sum(path.stat().st_size for path in files(isolated))
    assert "48 features, 32 px, float32" in emotion("cache").out
    assert " KB deleted from " in emotion("cache", "clear").out
    assert (files(isolated), emotion("cache", "--json").json["entries"]) == ([], [])
    assert trainer().computed == 48


def test_fault_what_else_lies_in_the_folder_of_the_cache_is_never_deleted(
    trainer: Trainer, isolated: Path, emotion: Emotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = [isolated / "cache" / "huggingface" / name for name in ("hub/of_others", "model.safetensors")]
    theirs[0].parent.mkdir(parents=True)
    for path in theirs:
        path.write_bytes(b"theirs" * 1000)
    monkeypatch.setenv("EMOTION_CACHE_GB", "1e-5")
    trainer()
    assert emotion("cache", "clear").code == 0
    assert [path.read_bytes() for path in theirs] == [b"theirs" * 1000] * 2


def test_a_limit_that_is_none_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, emotion: Emotion, trainer: Trainer
) -> None:
    for limit in ("1,5", "inf", "nan", "-1"):
        monkeypatch.setenv("EMOTION_CACHE_GB", limit)
        sentence = f"EMOTION_CACHE_GB is {limit!r}: set it to a number of gigabytes, 0 for none."
        assert emotion("cache") == Said(1, "", f"{sentence}\n")
    assert go_on(trainer.start()).last["message"] == sentence


def test_a_look_that_was_stopped_keeps_what_it_saw(trainer: Trainer) -> None:
    assert go_on(trainer.start(), stop=lambda event: event.get("done", 0) >= 32).last["event"] == "RunStopped"
    assert trainer().computed <= 48 - 32


@pytest.mark.slow
def test_trainings_at_once_and_one_that_is_killed_leave_a_sound_cache(trainer: Trainer) -> None:
    write_pictures(trainer.pictures, count=60)
    words = [*trainer.words, "--depth", 1, "--augmentation", "frame"]

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "emotion", "train", *map(str, words)]
        return subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)

    killed = begin()
    [events] = until(lambda: list(trainer.runs.glob("*/events.jsonl")))
    until(lambda: re.search(r'"done": ([6-9]\d\d|1\d{3})\b', events.read_text()))
    killed.kill()
    killed.wait()
    both = [begin(), begin()]
    assert [process.wait(240) for process in both] == [0, 0]
    told = [Told(path) for path in trainer.runs.iterdir() if path != events.parent]
    assert told[0].losses == pytest.approx(told[1].losses, abs=1e-6)
    assert sum(each.computed for each in told) <= 2 * (240 + 5 * 204) - 512
    assert trainer(depth=1, augmentation="frame").computed == 0
