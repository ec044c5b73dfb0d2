"""A training learns, tells what happens, and gives the same numbers again."""

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.families import changed_weights
from helpers.pictures import write_pictures
from helpers.training import Trainer, after_step, go_on, same_weights
from PIL import Image
from safetensors.torch import load_file

from emotion.core.events import RunStarted, without_void
from emotion.runs.run import Run

Depth = str | int
DEPTHS = ["head", 1, "all"]


def test_the_command_trains_and_prints_what_scripts_rely_on(emotion: Emotion, trainer: Trainer, isolated: Path) -> None:
    said = emotion("train", *trainer.words, "--runs", isolated / "mine", "--json")
    assert said.code == 0, said.err
    assert Path(said.json["run"]).parent == isolated / "mine"
    assert (said.json["train_pictures"], said.json["validation_pictures"]) == (41, 7)
    assert 0 < said.json["seconds"] < said.json["wall_seconds"]
    assert said.json["peak_memory_megabytes"] > 50
    assert "epoch 0: validation loss" in said.err
    assert "epoch 3: loss" in said.err


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_training_tells_what_happens_in_order_and_learns(trainer: Trainer, depth: Depth) -> None:
    told = trainer(depth=depth, epochs=15, block_learning_rate=2e-3, head_learning_rate=1e-2)
    started, epochs, steps = told.events[0], told.of("EpochDone"), told.of("StepDone")
    expected = {"event": "RunStarted", "train_pictures": 41, "validation_pictures": 7, "epochs": 15}
    assert started.items() >= expected.items()
    assert started["classes"] == ["happy", "sad", "angry", "tired"]
    assert [event["epoch"] for event in epochs] == list(range(16))
    assert [event["step"] for event in steps] == list(range(1, 15 * started["steps_per_epoch"] + 1))
    times = [event["elapsed_seconds"] for event in told.events]
    assert times == sorted(times)
    # Pictures, not batches, by the clock that the events are told by.
    trained = steps[-1]["pictures_per_second"] * (times[-1] - epochs[0]["elapsed_seconds"])
    assert 15 * 41 / 2 < trained < 15 * 41 * 2
    looks = told.of("TrunkProgress")
    assert (looks[-1]["done"] == looks[-1]["total"] == 48) if depth != "all" else not looks
    losses = [event["validation"]["loss"] for event in epochs]
    assert epochs[-1]["validation"]["accuracy"] >= 0.75
    assert min(losses) < min(losses[0], math.log(4)) * 0.7
    # Before its first step a head alone is undecided; under trained blocks it is fitted before they join in.
    if depth == "head":
        assert losses[0] == pytest.approx(math.log(4), abs=1e-5)
    elif depth == 1:
        assert losses[0] < math.log(4) - 0.01


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_same_seed_gives_the_same_numbers_and_another_one_others(
    trainer: Trainer, depth: Depth, emotion: Emotion
) -> None:
    settings: dict[str, Any] = {"depth": depth, "augmentation": "light"}
    first = trainer(**settings)
    emotion("cache", "clear")
    again, other = trainer(**settings), trainer(**settings, seed=7)
    assert first.losses == again.losses != other.losses
    assert same_weights(first, again)


CHANGES: dict[str, Any] = {
    "batch_size": 7, "depth": 1, "head_learning_rate": 1e-2, "block_learning_rate": 1e-3, "layer_decay": 0.5,
    "weight_decay": 0.5, "schedule": "constant", "warmup_share": 0.5, "label_smoothing": 0.2, "augmentation": "zoom",
    "image_size": 40, "validation_share": 0.25, "patch_dropout": 0.5, "weight_averaging": False,
    "gradient_clipping": 0.01, "seed": 7, "precision": "bfloat16", "class_weights": True, "epochs": 4,
}  # fmt: skip


@pytest.mark.slow
def test_no_setting_is_without_effect(trainer: Trainer) -> None:
    for path in sorted((trainer.pictures / "sad").iterdir())[4:]:
        path.unlink()
    base = {"depth": 2, "block_learning_rate": 1e-2}
    usual = trainer(**base).losses
    without = [name for name, value in CHANGES.items() if trainer(**base | {name: value}).losses == usual]
    assert without == []
    others = {"pictures", "backbone", "early_stopping", "use_aliases"}
    assert set(asdict(trainer.config)) == set(CHANGES) | others, "a setting that no test knows"


def test_weights_move_at_the_rates_of_their_layers_and_their_average_is_kept(trainer: Trainer, tiny_vit: Path) -> None:
    """Adam's first step moves every weight by the learning rate, whatever the gradient is."""
    one_step = {"depth": 2, "batch_size": 128, "epochs": 1, "block_learning_rate": 1e-3, "layer_decay": 0.5}
    one_step |= {"schedule": "constant", "warmup_share": 0.0, "weight_decay": 1.0}
    before = load_file(tiny_vit / "model.safetensors")
    assert sum("embeddings" in name or ".layernorm_" in name for name in before) == 12
    for averaging, share in ((False, 1.0), (True, 0.75)):
        after = trainer(**one_step, weight_averaging=averaging).weights()
        # Scales and shifts of a norm are spared the decay.
        for part, moved in ((".1.layernorm", 1e-3 * share), (".0.layernorm", 5e-4 * share), ("embeddings", 0)):
            for name in (name for name in before if part in name):
                assert float((after[name] - before[name]).abs().max()) == pytest.approx(moved, rel=0.02), name


def test_class_weights_change_nothing_where_classes_are_alike(trainer: Trainer) -> None:
    with_them, without = (trainer(validation_share=0.25, class_weights=on).losses for on in (True, False))
    assert with_them == pytest.approx(without, abs=1e-4)


def test_the_learning_rate_warms_up_and_falls_or_stays(trainer: Trainer) -> None:
    def rates(**settings: Any) -> list[float]:
        told = trainer(epochs=10, head_learning_rate=0.01, **settings)
        return [event["learning_rate"] for event in told.of("StepDone")]

    cosine = rates(warmup_share=0.1)
    top = cosine.index(max(cosine))
    assert (0.08 < top / len(cosine) < 0.12, cosine[top], 0 < cosine[-1] < 1e-4) == (True, pytest.approx(0.01), True)
    assert cosine == sorted(cosine[:top]) + sorted(cosine[top:], reverse=True)
    assert set(rates(schedule="constant", warmup_share=0.0)) == {0.01}


def test_the_epoch_of_the_lowest_validation_loss_is_best_and_early_stopping_waits_for_a_better(
    trainer: Trainer,
) -> None:
    # So high a rate that the loss goes up and down.
    told = trainer(epochs=40, head_learning_rate=1.0, schedule="constant", early_stopping=2)
    epochs, finished = told.of("EpochDone")[1:], told.last
    best = min(epochs, key=lambda event: event["validation"]["loss"])
    assert (finished["best_epoch"], finished["validation"]) == (best["epoch"], best["validation"])
    assert [event["epoch"] for event in epochs if event["is_best"]][-1] == best["epoch"]
    assert finished["stopped_early"]
    assert epochs[-1]["epoch"] == best["epoch"] + 2 < 40


ODD = {"grey.png": "L", "press.jpg": "CMYK", "sixteen_bit.png": "I;16", "transparent.png": "RGBA", "palette.gif": "P"}


@pytest.mark.parametrize(("depth", "augmentation"), [("head", "strong"), ("all", "light")])
def test_odd_pictures_are_trained_on_and_unreadable_ones_left_out_counted_and_named(
    trainer: Trainer, depth: str, augmentation: str
) -> None:
    for name, mode in ODD.items():
        Image.new(mode, (30, 40)).save(trainer.pictures / "happy" / name)
    bad = [trainer.pictures / "sad" / name for name in ("half.jpg", "text.jpg", "the same text.jpg")]
    Image.effect_noise((64, 64), 90).convert("RGB").save(bad[0])
    bad[0].write_bytes(bad[0].read_bytes()[: bad[0].stat().st_size // 2])
    for path in bad[1:]:
        path.write_text("no picture")
    told = trainer(depth=depth, augmentation=augmentation)
    [skipped] = told.of("PicturesSkipped")
    assert set(skipped["reasons"]) == {str(path) for path in bad}
    assert all(Path(path).name in reason for path, reason in skipped["reasons"].items())
    assert skipped["train_pictures"] + skipped["validation_pictures"] == 48 + len(ODD)
    assert all(math.isfinite(loss) for loss in told.losses.values())


def test_fault_steps_are_counted_of_the_pictures_that_can_be_read(trainer: Trainer) -> None:
    for number in range(30):
        (trainer.pictures / "happy" / f"torn {number}.png").write_text("no picture")
    told = trainer(epochs=2, batch_size=4)
    started = next(event for event in without_void(Run(told.path).events()) if isinstance(event, RunStarted))
    assert 2 * started.steps_per_epoch == len(told.of("StepDone")) < 2 * told.of("RunStarted")[0]["steps_per_epoch"]


def test_the_smallest_possible_set_trains(trainer: Trainer) -> None:
    for path in trainer.pictures.rglob("*.png"):
        if path.name in ("happy_000.png", "happy_001.png", "sad_000.png", "sad_001.png"):
            Image.new("RGB", (1, 1), (100 * int(path.stem[-1]), 0, 0)).save(path)
        else:
            path.unlink()
    told = trainer(batch_size=128)
    assert [event["step"] for event in told.of("StepDone")] == [1, 2, 3]
    assert all(math.isfinite(loss) for loss in told.losses.values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "There is no folder"),
        (lambda folder: [shutil.rmtree(path) for path in folder.iterdir()], "There are no pictures in class folders"),
        (lambda folder: [shutil.rmtree(folder / name) for name in ("sad", "angry", "tired")], "Only one class"),
        (lambda folder: [path.unlink() for path in sorted((folder / "tired").iterdir())[1:]], "The class 'tired'"),
        (lambda folder: [path.write_text("text") for path in folder.glob("sad/*")], "12 of 48 pictures cannot be read"),
        (lambda folder: [path.write_text("no") for path in folder.glob("*/*")], "None of the 48 pictures can be read"),
    ],
)  # fmt: skip
def test_a_set_that_cannot_be_trained_on_is_one_sentence(
    trainer: Trainer, emotion: Emotion, change: Any, sentence: str
) -> None:
    run = trainer.start()
    change(trainer.pictures)
    told = go_on(run)
    assert (told.last["event"], told.last["message"][: len(sentence)]) == ("RunFailed", sentence)
    assert not (run / "error.log").exists()
    said = emotion("train", *trainer.words)
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1].startswith(sentence)


def test_other_names_of_the_emotions_are_trained_on_as_these_when_asked_for(trainer: Trainer, emotion: Emotion) -> None:
    (trainer.pictures / "angry").rename(trainer.pictures / "Anger")
    (trainer.pictures / "tired").rename(trainer.pictures / "sleepy")
    for asked, others in (([], ["Anger", "sleepy"]), (["--use-aliases"], ["angry", "tired"])):
        said = emotion("train", *trainer.words, *asked, "--json")
        assert ("'Anger' for angry and 'sleepy' for tired: give --use-aliases" in said.err) == (not asked)
        run = Path(said.json["run"])
        assert json.loads((run / "config.json").read_text())["classes"] == ["happy", "sad", *others]
        names = json.loads((run / "checkpoint" / "config.json").read_text())["id2label"]
        assert list(names.values()) == ["happy", "sad", *others]


def test_a_picture_that_goes_while_the_others_are_looked_at_is_left_out(trainer: Trainer) -> None:
    gone = write_pictures(trainer.pictures, count=30) / "tired" / "tired_020.png"
    told = go_on(trainer.start(), stop=lambda event: gone.unlink(missing_ok=True) if "known" in event else None)
    assert told.last["event"] == "RunFinished", told.last
    assert [list(skipped["reasons"]) for skipped in told.of("PicturesSkipped")] == [[str(gone)]]


@pytest.mark.parametrize("depth", DEPTHS)
def test_fault_numbers_that_are_none_end_the_training_with_a_sentence(
    trainer: Trainer, tiny_vit: Path, tmp_path: Path, depth: Depth
) -> None:
    folder = Path(shutil.copytree(tiny_vit, tmp_path / "broken"))
    with changed_weights(folder) as weights:
        # Finite, and nothing that is made of a picture by them.
        weights[next(name for name in weights if "projection.weight" in name)] *= 1e38
    told = go_on(trainer.start(backbone=str(folder), depth=depth))
    assert told.last["event"] == "RunFailed"
    assert told.last["message"].startswith("This backbone makes no numbers of these pictures")
    assert not (told.path / "error.log").exists()


def test_a_stop_in_the_look_keeps_no_checkpoint_and_one_later_the_best_finished_epoch(trainer: Trainer) -> None:
    run = trainer.start()
    (run / "stop").touch()
    told = go_on(run)
    assert (told.last["event"], told.last["best_epoch"], told.last["validation"]) == ("RunStopped", None, None)
    assert not (run / "checkpoint").exists()

    told = go_on(trainer.start(epochs=50), stop=after_step(8))
    assert (told.last["event"], told.last["best_epoch"]) == ("RunStopped", 1)
    assert len(told.of("StepDone")) == 8
    assert told.last["validation"] == told.of("EpochDone")[1]["validation"]
    assert (told.path / "checkpoint" / "model.safetensors").is_file()
