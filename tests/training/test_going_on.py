"""A training that was cut off goes on to the numbers it would have had, and only with what it began with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.pictures import write_tiny_vit
from helpers.training import Told, Trainer, after_step, go_on
from helpers.waiting import until

ROOT = Path(__file__).parents[2]
BLOCKS: dict[str, Any] = {"depth": 2, "layer_decay": 0.8, "augmentation": "frame", "patch_dropout": 0.5}


def status(emotion: Emotion, run: Path) -> str:
    [row] = [row for row in emotion("runs", "--runs", run.parent, "--json").json["runs"] if row["run"] == str(run)]
    return str(row["status"])


@pytest.mark.parametrize("settings", [{"depth": "head"}, {"depth": "all"}, BLOCKS], ids=str)
def test_a_resumed_training_ends_like_an_uninterrupted_one(
    trainer: Trainer, emotion: Emotion, settings: dict[str, Any]
) -> None:
    config = {"augmentation": "light", "epochs": 5, "validation_share": 0.5, **settings}
    whole = trainer(**config)
    cut = go_on(trainer.start(**config), stop=after_step(2 * 3 + 2))
    assert (cut.last["event"], cut.last["best_epoch"] in (1, 2)) == ("RunStopped", True)
    assert (cut.path / "resume").is_dir()
    # What is only written at the end is made anew.
    (cut.path / "familiarity.safetensors").unlink()
    said = emotion("resume", "--run", cut.path, "--json")
    assert said.code == 0, said.err
    assert said.json["run"] == str(cut.path)
    assert cut.of("RunStarted")[-1]["resumed_epochs"] == 2
    assert cut.losses == whole.losses
    times = [event["elapsed_seconds"] for event in cut.events]
    assert times == sorted(times)
    assert not (cut.path / "resume").exists()
    expected, found = whole.weights(), cut.weights()
    assert all((value == found[name]).all() for name, value in expected.items())
    for name in ("familiarity.safetensors", "validation.json"):
        assert (cut.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_a_run_that_stopped_early_does_not_train_on_when_it_is_resumed(trainer: Trainer) -> None:
    settings = {"epochs": 40, "head_learning_rate": 1.0, "schedule": "constant", "early_stopping": 2}
    whole = trainer(**settings)
    cut = trainer.start(**settings)
    # A folder in the place of a file: the last write of the training fails.
    (cut / "validation.json").mkdir()
    failed = go_on(cut)
    assert failed.last["event"] == "RunFailed"
    (cut / "validation.json").rmdir()
    told = go_on(cut)
    assert (told.last["event"], told.last["stopped_early"]) == ("RunFinished", True)
    assert told.losses == whole.losses


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 torn"])
def test_a_training_without_a_state_that_can_be_read_begins_anew(trainer: Trainer, content: bytes | None) -> None:
    told = go_on(trainer.start(), stop=after_step(8 if content is not None else 1))
    if content is not None:
        [state] = [path for path in (told.path / "resume").iterdir() if path.is_file()]
        state.write_bytes(content)
    told = go_on(told.path)
    assert told.of("RunStarted")[-1]["resumed_epochs"] == 0
    assert told.last["event"] == "RunFinished"


def relabel(pictures: Path, _: Path) -> None:
    (pictures / "happy" / "happy_000.png").rename(pictures / "sad" / "happy_000.png")


def swap(pictures: Path, _: Path) -> None:
    (pictures / "happy" / "happy_000.png").write_bytes((pictures / "sad" / "sad_000.png").read_bytes())


def change_weights(_: Path, backbone: Path) -> None:
    write_tiny_vit(backbone, intermediate_size=48)


PICTURES, WEIGHTS = "The pictures have changed since this run began", "The backbone's weights are others than"


@pytest.mark.parametrize(("change", "sentence"), [(relabel, PICTURES), (swap, PICTURES), (change_weights, WEIGHTS)])
def test_a_run_goes_on_only_with_what_it_began_with_and_else_keeps_what_it_has(
    trainer: Trainer, tiny_vit: Path, tmp_path: Path, emotion: Emotion, change: Any, sentence: str
) -> None:
    backbone = Path(shutil.copytree(tiny_vit, tmp_path / "backbone"))
    run = trainer.start(backbone=str(backbone))
    go_on(run, stop=after_step(2 * 6 + 3))
    kept = {path: path.read_bytes() for path in run.rglob("*") if path.suffix in (".json", ".safetensors")}
    change(trainer.pictures, backbone)
    said = emotion("resume", "--run", run)
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith(sentence)
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.slow
def test_a_killed_training_is_interrupted_and_goes_on_to_the_same_numbers(
    trainer: Trainer, emotion: Emotion, tmp_path: Path
) -> None:
    words = [*trainer.words, "--depth", "all", "--epochs", 8, "--batch-size", 2]
    command = [sys.executable, "-m", "emotion", "train", *map(str, words)]
    killed = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        found = until(
            lambda: [each for each in trainer.runs.glob("*/events.jsonl") if '"epoch": 2' in each.read_text()]
        )
    finally:
        killed.kill()
        killed.wait()
    [events], run = found, found[0].parent
    assert status(emotion, run) == "interrupted"
    with events.open("a") as file:  # A line that was being written.
        file.write('{"event": "StepDone", "ela')
    assert emotion("resume", "--run", run).code == 0
    assert status(emotion, run) == "finished"
    whole = emotion("train", *words, "--runs", tmp_path, "--json").json
    assert (run / "validation.json").read_bytes() == (Path(whole["run"]) / "validation.json").read_bytes()


def killed_after(told: Told) -> Told:
    """Leave what a process that was killed then leaves: a state, and nothing that is only written at the end."""
    shutil.rmtree(told.path / "checkpoint")
    for name in ("familiarity.safetensors", "validation.json"):
        (told.path / name).unlink()
    return told


def rescue(run: Path) -> dict[str, Any]:
    from emotion.runs.run import Run
    from emotion.training.session import rescue_run

    rescue_run(Run(run))
    return Told(run).last


@pytest.mark.parametrize("depth", ["head", 1])
def test_a_killed_training_that_is_stopped_keeps_its_best_epoch_whatever_the_set_holds_by_now(
    trainer: Trainer, depth: str | int
) -> None:
    (trainer.pictures / "happy" / "bad.png").write_bytes(b"nothing")
    run = trainer.start(depth=depth)
    stopped = go_on(run, stop=after_step(2 * 6 + 3))
    names = ("validation.json", "familiarity.safetensors", "checkpoint/model.safetensors", "checkpoint/README.md")
    expected = {name: (run / name).read_bytes() for name in names}
    best = stopped.last["best_epoch"]
    killed_after(stopped)
    relabel(trainer.pictures, run)
    (trainer.pictures / "sad" / "sad_003.png").unlink()
    said = rescue(run)
    assert (said["event"], said["best_epoch"]) == ("RunStopped", best)
    assert {name: (run / name).read_bytes() for name in names} == expected


def test_a_state_that_is_not_there_or_cannot_be_used_still_lets_the_run_end(trainer: Trainer) -> None:
    told = killed_after(go_on(trainer.start(), stop=after_step(2 * 6 + 3)))
    (told.path / "split.json").write_text("{}")
    said = rescue(told.path)
    assert said["message"] == "What this run was trained on is not known any more: train it anew."
    shutil.rmtree(told.path / "resume")
    said = rescue(told.path)
    assert (said["event"], said["best_epoch"]) == ("RunStopped", None)
