"""What is saved is what is judged: transformers' own pipeline gives the dashboard's numbers."""

import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.training import BLOCKS, Told, Trainer, after_step, go_on, piped
from huggingface_hub import ModelCard

QUICKLY = {**BLOCKS, "block_learning_rate": 2e-3}


@pytest.mark.parametrize(
    ("backbone", "settings", "tolerance"),
    [
        ("tiny_vit", {}, 1e-4), ("tiny_vit", {"depth": "all"}, 1e-4), ("tiny_vit", {**QUICKLY, "image_size": 48}, 1e-4),
        ("tiny_vit", {"precision": "bfloat16"}, 0.05), ("tiny_dinov2", {"image_size": 42}, 1e-4),
        ("tiny_dinov2", {**QUICKLY, "image_size": 28}, 1e-4),
        ("tiny_dinov2", {"depth": "all", "image_size": 28, "precision": "bfloat16"}, 0.05),
    ],
    ids=str,
)  # fmt: skip
def test_the_pipeline_gives_the_numbers_of_predict_and_of_the_validation(
    trainer: Trainer, emotion: Emotion, request: pytest.FixtureRequest, backbone: str, settings: Any, tolerance: float
) -> None:
    told = trainer(**{"backbone": str(request.getfixturevalue(backbone)), "head_learning_rate": 0.05, **settings})
    if settings.get("augmentation") == "frame":
        assert told.of("TrunkProgress")[-1]["total"] == 7 + 6 * 41, "six views of each picture that is trained on"
    validation = told.read("validation.json")
    for row in validation["pictures"][:2]:
        picture = trainer.pictures / row["picture"]
        said = emotion("predict", "--run", told.path, picture, "--json").json
        assert said["precision"] == settings.get("precision", "float32")
        [prediction] = said["predictions"]
        assert piped(told.path, picture) == pytest.approx(prediction["scores"], abs=tolerance)
        assert row["scores"] == pytest.approx(prediction["scores"], abs=tolerance)
        assert max(prediction["scores"].values()) > 0.3, "an even guess would show nothing"
    chances = [row["scores"][row["label"]] for row in validation["pictures"]]
    assert told.last["validation"]["correct_confidence"] == pytest.approx(sum(chances) / len(chances), abs=1e-6)
    assert told.last["validation"]["loss"] == pytest.approx(-sum(map(math.log, chances)) / len(chances), abs=1e-5)


def test_a_run_leaves_the_files_that_others_rely_on_and_a_valid_model_card(
    run: Path, tiny_vit: Path, tiny_pictures: Path
) -> None:
    told = Told(run)
    record = told.read("config.json")
    assert (record["schema"], record["backbone"]["source"]) == (1, "folder")
    assert record["config"]["pictures"] == str(tiny_pictures / "human_train")
    assert record["classes"] == ["happy", "sad", "angry", "tired"]
    assert re.fullmatch("[0-9a-f]{64}", record["backbone"]["sha256"])
    assert {"python", "torch", "transformers", "pillow"} <= set(record["versions"])
    split = told.read("split.json")
    assert (len(split["train"]), len(split["validation"])) == (41, 7)
    assert set(split["train"][0]) == {"picture", "label", "sha256"}
    assert not {row["sha256"] for row in split["train"]} & {row["sha256"] for row in split["validation"]}
    validation = told.read("validation.json")
    assert validation["epoch"] == told.last["best_epoch"]
    assert [row["picture"] for row in validation["pictures"]] == [row["picture"] for row in split["validation"]]
    names = {path.name for path in (run / "checkpoint").iterdir()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"}
    assert not {"resume", ".reserve"} & {path.name for path in run.iterdir()}
    card = ModelCard.load(run / "checkpoint" / "README.md")
    assert (card.data.pipeline_tag, card.data.library_name) == ("image-classification", "transformers")
    assert "mean correct-class confidence" in card.text


def test_fault_there_is_a_whole_checkpoint_at_every_moment_while_one_takes_the_others_place(trainer: Trainer) -> None:
    run = trainer.start(epochs=4)
    first = go_on(run, stop=after_step(8)).weights()
    files = {path.name for path in (run / "checkpoint").iterdir()}
    seen: list[set[str]] = []
    is_watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if is_watching and event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
            seen.append({path.name for path in (run / "checkpoint").iterdir()})

    sys.addaudithook(watch)
    last = go_on(run).weights()
    is_watching = False
    assert len(seen) > 4
    assert all(each == files for each in seen)
    assert any((value != first[name]).any() for name, value in last.items())
    assert {path.name for path in run.iterdir() if "checkpoint" in path.name} == {"checkpoint"}


def test_fault_a_checkpoint_is_as_readable_as_the_machine_says(trainer: Trainer) -> None:
    before = os.umask(0o022)
    try:
        told = trainer(epochs=1)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (told.path / "checkpoint").iterdir()} == {0o644}
