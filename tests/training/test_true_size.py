"""Whole trainings at true size: the bundled backbone on the drawn set, and the report's architecture."""

from pathlib import Path

import pytest
import torch
from helpers.command import Emotion
from helpers.comparisons import compared
from helpers.pictures import EMOTIONS
from helpers.training import Told, classifier, piped, train
from PIL import Image

from emotion.core.config import preset

ROOT = Path(__file__).parents[2]
FACES = ROOT / "assets" / "faces"
pytestmark = pytest.mark.slow


def first(folder: str, count: int) -> list[Path]:
    """The first pictures of every class of a drawn set."""
    return [path for label in EMOTIONS for path in sorted((FACES / folder / label).iterdir())[:count]]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The default training, as a visitor's first click starts it."""
    if not (ROOT / "models" / "dinov2-small" / "model.safetensors").is_file():
        pytest.skip("dinov2-small is not in models/: run `make run` once")
    return train(preset("Quick", pictures=str(FACES / "human_train")), tmp_path_factory.mktemp("quick"))


def test_the_default_reads_drawn_people_far_above_chance_and_dogs_too(quick: Told, emotion: Emotion) -> None:
    assert quick.last["validation"]["accuracy"] > 0.6
    found = compared(emotion, quick.path, "--size", 20, human=FACES / "human_eval", dog=FACES / "dog_eval")
    human = found["sets"]["human"]["happy"]
    assert human["correct_confidence"] > 0.25
    assert sum(human["predicted"].values()) == found["sets"]["dog"]["happy"]["n"] == 20


def test_the_default_calls_pictures_without_a_face_unknown(quick: Told, emotion: Emotion, tmp_path: Path) -> None:
    from sklearn.datasets import load_sample_images

    for number, pixels in enumerate(load_sample_images().images):
        Image.fromarray(pixels).save(tmp_path / f"photograph_{number}.png")
    said = emotion("predict", "--run", quick.path, tmp_path, "--json").json["predictions"]
    assert [each["unknown"] for each in said] == [True, True]
    held_back = [FACES / "human_train" / row["picture"] for row in quick.read("split.json")["validation"]]
    said = emotion("predict", "--run", quick.path, *held_back, "--json").json["predictions"]
    # 4 of 90, by construction.
    assert 2 <= sum(each["unknown"] for each in said) <= 5


def test_the_reports_vit_b_16_trains_saves_and_predicts_at_true_size(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    backbone = tmp_path / "vit-base-patch16-224"
    ViTForImageClassification(ViTConfig()).save_pretrained(backbone)
    ViTImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(backbone)
    for path in first("human_eval", 4):
        (tmp_path / "faces" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / path.parent.name / path.name).write_bytes(path.read_bytes())
    config = preset("The report", pictures=str(tmp_path / "faces"), backbone=str(backbone))
    told = train(config, tmp_path / "runs", epochs=1, batch_size=6, validation_share=0.25)
    assert told.read("checkpoint/config.json")["hidden_size"] == 768
    model, picture = classifier(told.path), first("human_eval", 1)[0]
    [said] = model.score([picture])
    assert piped(told.path, picture) == pytest.approx(said, abs=1e-4 if model.precision == "float32" else 0.05)
