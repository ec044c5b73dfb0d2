"""Faults for real: a full disk, a read-only one, too little memory. One sentence each, and no other run is touched."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from helpers.command import Emotion, Said
from helpers.run_folder import events_of, runs_in, status_of

Train = Callable[..., Said]


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, which lives in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("A small file system can only be mounted by root, on Linux.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave no room, whatever was freed since the last time."""
    with (disk / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(512))


@pytest.fixture
def train(emotion: Emotion, tiny_pictures: Path, tiny_vit: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Train with runs and cache on a disk."""

    def start(disk: Path, *more: object) -> Said:
        monkeypatch.setenv("EMOTION_CACHE", str(disk / "cache"))
        words = ["--pictures", tiny_pictures / "human_train", "--backbone", tiny_vit, "--runs", disk / "runs"]
        return emotion("train", *words, "--epochs", 3, "--batch-size", 8, "--image-size", 32, *more)

    return start


def one_sentence(said: Said) -> str:
    assert (said.code, said.out) == (1, "")
    return said.err.splitlines()[-1]


# Enough for the run's own files; for the look at the pictures too; for the state of an epoch too, not for a checkpoint.
@pytest.mark.parametrize(("depth", "kibibytes"), [("head", 40), ("head", 150), (1, 150), ("all", 400)])
def test_a_full_disk_is_one_sentence_and_with_room_the_run_goes_on(
    disk: Path, train: Train, emotion: Emotion, tiny_pictures: Path, depth: str | int, kibibytes: int
) -> None:
    mount("-o", f"remount,size={kibibytes}k", str(disk))
    said = one_sentence(train(disk, "--depth", depth))
    assert said.startswith(f"The disk is full: make room in {disk / 'runs'}")
    [run] = runs_in(disk / "runs")
    assert events_of(run)[-1]["message"] == said
    assert status_of(run) == "failed"
    assert not (run / "checkpoint").exists()
    mount("-o", "remount,size=20m", str(disk))
    assert emotion("resume", "--run", run).code == 0
    assert status_of(run) == "finished"
    picture = next((tiny_pictures / "dog_eval" / "sad").iterdir())
    assert emotion("predict", "--run", run, picture).code == 0


@pytest.mark.parametrize("why", ["No space left", "Read-only"])
def test_a_full_or_read_only_disk_still_predicts_and_refuses_a_new_run_and_a_comparison_in_a_sentence_each(
    disk: Path, train: Train, emotion: Emotion, tiny_pictures: Path, why: str
) -> None:
    assert train(disk).code == 0
    [run] = runs_in(disk / "runs")
    kept = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    if why == "Read-only":
        mount("-o", "remount,ro", str(disk))
    else:
        fill(disk)
    assert why in one_sentence(train(disk))
    compare = ("compare", "--run", run, "--set", f"dog={tiny_pictures / 'dog_eval'}", "--size", 3)
    assert why in one_sentence(emotion(*compare))
    assert [each["status"] for each in emotion("runs", "--runs", disk / "runs", "--json").json["runs"]] == ["finished"]
    assert {path: path.read_bytes() for path in kept} == kept
    picture = next((tiny_pictures / "dog_eval" / "sad").iterdir())
    assert emotion("predict", "--run", run, picture).code == 0


MEMORY = "The memory did not suffice: lower the batch size or the number of trained blocks."


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("could not create a primitive"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=str,
)
def test_each_way_to_say_that_memory_is_short_is_one_sentence_that_says_what_to_lower(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("torch.nn.functional.cross_entropy", Mock(side_effect=error))
    assert one_sentence(train(tmp_path)) == MEMORY
