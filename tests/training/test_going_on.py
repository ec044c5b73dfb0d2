"""A training that was cut off goes on to the numbers it would have had, and only with what it began with."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.families import bomb
from helpers.pictures import picture, write_tiny_vit
from helpers.run_folder import epochs_of, status_of
from helpers.training import BLOCKS, Trainer, after_step, go_on, same_weights
from helpers.waiting import until

from emotion.runs.run import Run
from emotion.training.session import rescue_run

ROOT = Path(__file__).parents[2]
AT_THE_END = ("validation.json", "familiarity.safetensors", "checkpoint/model.safetensors", "checkpoint/README.md")


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
    assert cut.of("RunStarted")[-1]["resumed_epochs"] == 2
    assert cut.losses == whole.losses
    times = [event["elapsed_seconds"] for event in cut.events]
    assert times == sorted(times)
    assert not (cut.path / "resume").exists()
    assert same_weights(whole, cut)
    for name in AT_THE_END[:2]:
        assert (cut.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_a_run_that_stopped_early_does_not_train_on_when_it_is_resumed(trainer: Trainer) -> None:
    settings = {"epochs": 40, "head_learning_rate": 1.0, "schedule": "constant", "early_stopping": 2}
    whole = trainer(**settings)
    cut = trainer.start(**settings)
    # A folder in the place of a file: the last write of the training fails.
    (cut / "validation.json").mkdir()
    assert go_on(cut).last["event"] == "RunFailed"
    (cut / "validation.json").rmdir()
    told = go_on(cut)
    assert (told.last["event"], told.last["stopped_early"]) == ("RunFinished", True)
    assert told.losses == whole.losses


@pytest.mark.parametrize("content", ["none", "torn", "a pickle"])
def test_a_training_without_a_state_that_can_be_read_begins_anew(trainer: Trainer, content: str) -> None:
    told = go_on(trainer.start(), stop=after_step(1 if content == "none" else 8))
    mark = told.path / "went off"
    if content != "none":
        [state] = [path for path in (told.path / "resume").iterdir() if path.is_file()]
        state.write_bytes(bomb(mark) if content == "a pickle" else b"PK\x03\x04 torn")
    told = go_on(told.path)
    assert told.of("RunStarted")[-1]["resumed_epochs"] == 0
    assert told.last["event"] == "RunFinished"
    assert not mark.exists()


def relabel(pictures: Path, _: Path) -> None:
    (pictures / "happy" / "happy_000.png").rename(pictures / "sad" / "happy_000.png")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (relabel, "The pictures have changed since this run began"),
        (lambda pictures, _: picture("sad", "other").save(pictures / "happy" / "happy_000.png"), "The pictures have"),
        (lambda _, backbone: write_tiny_vit(backbone, intermediate_size=48), "The backbone's weights are others than"),
    ],
)
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
        [run] = until(lambda: [each for each in trainer.runs.glob("2*") if epochs_of(each) >= 2])
    finally:
        killed.kill()
        killed.wait()
    assert status_of(run) == "interrupted"
    with (run / "events.jsonl").open("a") as file:  # A line that was being written.
        file.write('{"event": "StepDone", "ela')
    assert emotion("resume", "--run", run).code == 0
    assert status_of(run) == "finished"
    whole = emotion("train", *words, "--runs", tmp_path, "--json").json
    assert (run / "validation.json").read_bytes() == (Path(whole["run"]) / "validation.json").read_bytes()


@pytest.mark.parametrize("depth", ["head", 1])
def test_a_killed_training_that_is_stopped_keeps_its_best_epoch_if_it_can_whatever_the_set_holds_by_now(
    trainer: Trainer, depth: str | int
) -> None:
    (trainer.pictures / "happy" / "bad.png").write_bytes(b"nothing")
    told = go_on(trainer.start(depth=depth), stop=after_step(2 * 6 + 3))
    best, expected = told.last["best_epoch"], {name: (told.path / name).read_bytes() for name in AT_THE_END}

    def rescued() -> dict[str, Any]:
        """Leave what a process that was killed leaves, nothing that is only written at the end, and stop the run."""
        shutil.rmtree(told.path / "checkpoint", ignore_errors=True)
        for name in AT_THE_END[:2]:
            (told.path / name).unlink(missing_ok=True)
        rescue_run(Run(told.path))
        return told.last

    relabel(trainer.pictures, told.path)
    (trainer.pictures / "sad" / "sad_003.png").unlink()
    assert (rescued()["event"], told.last["best_epoch"]) == ("RunStopped", best)
    assert {name: (told.path / name).read_bytes() for name in AT_THE_END} == expected
    (told.path / "split.json").write_text("{}")
    assert rescued()["message"] == "What this run was trained on is not known any more: train it anew."
    shutil.rmtree(told.path / "resume")
    assert (rescued()["event"], told.last["best_epoch"]) == ("RunStopped", None)
