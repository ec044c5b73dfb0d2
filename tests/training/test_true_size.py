"""Whole trainings at true size: the bundled backbone on the drawn set, and the report's architecture."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.command import Emotion
from helpers.training import Told, classifier, piped, train
from PIL import Image, ImageDraw, ImageStat

from emotion.config import TrainConfig, preset

ROOT = Path(__file__).parents[2]
FACES = ROOT / "assets" / "faces"
SHARE = 0.25
pytestmark = pytest.mark.slow


def first(folder: str, count: int) -> list[Path]:
    """The first pictures of every class of a drawn set."""
    return [path for label in sorted((FACES / folder).iterdir()) if label.is_dir() for path in _some(label, count)]


def _some(folder: Path, count: int) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".webp"))[:count]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The default training, as a visitor's first click starts it."""
    if not (ROOT / "models" / "dinov2-small" / "model.safetensors").is_file():
        pytest.skip("dinov2-small is not in models/: run `make run` once")
    return train(preset("Quick", pictures=str(FACES / "human_train")), tmp_path_factory.mktemp("quick"))


def test_the_default_reads_drawn_people_far_above_chance_and_dogs_too(quick: Told, emotion: Emotion) -> None:
    assert quick.last["validation"]["accuracy"] > 0.6
    look = quick.of("TrunkProgress")[-1]
    assert look["done"] == look["total"] == 600 + 2 * 510  # a closer and a farther view of those trained on
    sets = ["--set", f"human={FACES / 'human_eval'}", "--set", f"dog={FACES / 'dog_eval'}"]
    said = emotion("compare", "--run", quick.path, *sets, "--size", 20, "--seed", 42, "--json")
    human = said.json["sets"]["human"]["happy"]
    assert human["correct_confidence"] > 0.25
    assert sum(human["predicted"].values()) == said.json["sets"]["dog"]["happy"]["n"] == 20


def test_the_defaults_checkpoint_gives_its_numbers_in_the_pipeline(quick: Told) -> None:
    model, pictures = classifier(quick.path), first("dog_eval", 1)
    for picture, said in zip(pictures, model.score(pictures), strict=True):
        assert piped(quick.path, picture) == pytest.approx(said, abs=1e-4 if model.precision == "float32" else 0.05)


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


def test_the_last_block_trains_on_the_bundled_backbone(quick: Told, tmp_path: Path) -> None:
    told = train(TrainConfig(pictures=str(FACES / "human_eval"), depth=1, epochs=3), tmp_path)
    epochs = told.of("EpochDone")
    assert epochs[-1]["train_loss"] < epochs[1]["train_loss"]
    # The classifier was trained before; the block that joins in does not undo that.
    assert all(epoch["validation"]["loss"] < 1.0 for epoch in epochs)


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


def blanked(picture: Path, box: tuple[float, ...], side: int, patches: np.ndarray) -> Image.Image:
    """Return a picture with patches of the map's grid painted in its mean colour."""
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    left, top, right, bottom = (share * size for share, size in zip(box, image.size * 2, strict=True))
    wide, high = (right - left) / side, (bottom - top) / side
    for row, column in zip(*np.divmod(patches, side), strict=True):
        x, y = left + column * wide, top + row * high
        colour = tuple(round(part) for part in ImageStat.Stat(image).mean)
        corners = (round(x), round(y), round(x + wide) - 1, round(y + high) - 1)
        ImageDraw.Draw(image).rectangle(corners, fill=colour)
    return image


@pytest.mark.parametrize("name", ["human_eval", "dog_eval"])
def test_without_the_most_salient_quarter_the_class_falls_and_without_another_it_hardly_does(
    quick: Told, name: str
) -> None:
    model, rng, fell = classifier(quick.path), random.Random(0), []
    for picture in first(name, 6):
        [scores] = model.score([picture])
        assert isinstance(scores, dict)
        label = max(scores, key=scores.__getitem__)
        found = model.explain(picture, label=label)
        order = np.argsort(np.array(found.values).ravel())
        count = round(len(order) * SHARE)
        draws = [np.array(rng.sample(range(len(order)), count)) for _ in range(3)]
        images = [
            blanked(picture, found.box, len(found.values), each) for each in (order[-count:], order[:count], *draws)
        ]
        drops = [scores[label] - said[label] for said in model.score(images) if isinstance(said, dict)]
        fell.append((drops[0], drops[1], float(np.mean(drops[2:]))))
    most, least, anywhere = np.mean(fell, axis=0)
    assert most > anywhere + 0.15
    assert most > 2 * anywhere
    assert least < anywhere + 0.05
    assert np.mean([each[0] > each[2] for each in fell]) > 0.6
