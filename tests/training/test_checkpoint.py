"""What is saved is what is judged: transformers' own pipeline gives the dashboard's numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from transformers import pipeline

from emotion.classifier import Classifier
from emotion.config import Precision, TrainConfig
from emotion.errors import RunError
from emotion.events import RunFinished
from emotion.pictures.folders import find_pictures, list_pictures
from emotion.pictures.splitting import split
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run


def trained(config: TrainConfig, root: Path) -> Run:
    """Return a finished run of ``config``."""
    run = create_run(config, root=root)
    events = list(train_run(run))
    assert isinstance(events[-1], RunFinished), events[-1]
    return run


def piped(run: Run, picture: Path) -> dict[str, float]:
    """Return what anyone's pipeline says of a picture with the run's checkpoint."""
    classify = pipeline("image-classification", model=str(run.checkpoint), device="cpu")
    return {row["label"]: row["score"] for row in classify(str(picture), top_k=None)}


@pytest.mark.parametrize("depth", ["head", 1, "all"])
@pytest.mark.parametrize("backbone", ["tiny_vit", "tiny_dinov2"])
def test_the_pipeline_gives_the_dashboards_numbers(
    tiny_config: TrainConfig, tmp_path: Path, request: pytest.FixtureRequest, backbone: str, depth: str | int
) -> None:
    folder: Path = request.getfixturevalue(backbone)
    size = 32 if backbone == "tiny_vit" else 28
    config = replace(tiny_config, backbone=str(folder), depth=depth, image_size=size, head_learning_rate=0.05)
    run = trained(config, tmp_path / "runs")
    picture = list_pictures(Path(config.pictures))["happy"][0]
    said = Classifier(run).predict(picture)
    assert said.precision == "float32"
    assert piped(run, picture) == pytest.approx(said.scores, abs=1e-4)
    assert max(said.scores.values()) > 0.3, "an even guess would show nothing"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_validation_scores_are_those_of_the_saved_checkpoint(
    tiny_config: TrainConfig, tmp_path: Path, precision: Precision
) -> None:
    run = trained(replace(tiny_config, augmentation="light", precision=precision), tmp_path / "runs")
    held_back = split(find_pictures(Path(tiny_config.pictures)), fraction=0.15, seed=42).validation
    scores = Classifier(run).score([picture.path for picture in held_back])
    confidence = sum(row[picture.label] for row, picture in zip(scores, held_back, strict=True)) / len(held_back)
    finished = run.events()[-1]
    assert isinstance(finished, RunFinished)
    assert confidence == pytest.approx(finished.validation.correct_confidence, abs=1e-5)


def test_another_image_size_is_in_the_checkpoint_too(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = trained(replace(tiny_config, image_size=48), tmp_path / "runs")
    picture = list_pictures(Path(tiny_config.pictures))["sad"][0]
    assert piped(run, picture) == pytest.approx(Classifier(run).predict(picture).scores, abs=1e-4)


def test_the_checkpoint_has_a_valid_model_card(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = trained(tiny_config, tmp_path / "runs")
    card = ModelCard.load(run.checkpoint / "README.md")
    assert card.data.pipeline_tag == "image-classification"
    assert "mean correct-class confidence" in card.text


def test_a_run_without_checkpoint_is_one_sentence(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    with pytest.raises(RunError, match="has no checkpoint yet"):
        Classifier(run)


def test_a_torn_checkpoint_is_one_sentence(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = trained(tiny_config, tmp_path / "runs")
    weights = run.checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="cannot be read: train it again"):
        Classifier(run)
