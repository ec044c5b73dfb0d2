"""Whole trainings at true size: the bundled backbone on the drawn set, and the report's architecture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil, pipeline

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.classifier import Classifier
from emotion.comparison import Request, compare
from emotion.config import TrainConfig, preset
from emotion.events import EpochDone, RunFinished, TrunkProgress
from emotion.faces.canvas import Canvas
from emotion.faces.scene import background_of, lit, scene_of
from emotion.pictures.folders import list_pictures
from emotion.prediction import Familiarity, Judged
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run

FACES = Path(__file__).parents[2] / "assets" / "faces"

pytestmark = [pytest.mark.slow]
needs_backbone = pytest.mark.skipif(
    not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: run `make run` once"
)


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The default training, as a visitor's first click starts it."""
    run = create_run(preset("Quick", pictures=str(FACES / "human_train")), root=tmp_path_factory.mktemp("runs"))
    assert isinstance(list(train_run(run))[-1], RunFinished)
    return run


@needs_backbone
def test_the_default_reads_drawn_people_far_above_chance(quick_run: Run) -> None:
    finished = quick_run.events()[-1]
    assert isinstance(finished, RunFinished)
    assert finished.validation.accuracy > 0.6


@needs_backbone
def test_the_default_looks_at_each_view_of_a_picture_once(quick_run: Run) -> None:
    looks = [event for event in quick_run.events() if isinstance(event, TrunkProgress)]
    assert looks[-1].done == looks[-1].total == 600 + 2 * 510  # a closer and a farther view of those trained on


@needs_backbone
def test_the_bundled_checkpoint_gives_its_numbers_in_the_pipeline(quick_run: Run) -> None:
    pictures = [paths[0] for paths in list_pictures(FACES / "dog_eval").values()]
    classify = pipeline("image-classification", model=str(quick_run.checkpoint), device="cpu")
    classifier = Classifier(quick_run)
    allowed = 1e-4 if classifier.precision == "float32" else 0.05
    for picture, said in zip(pictures, classifier.score(pictures), strict=True):
        piped = {row["label"]: row["score"] for row in classify(str(picture), top_k=None)}
        assert piped == pytest.approx(said, abs=allowed)


@needs_backbone
def test_species_are_compared_on_the_drawn_sets(quick_run: Run) -> None:
    classifier = Classifier(quick_run)
    comparison = compare(
        classifier.score,
        Request({"human": FACES / "human_eval", "dog": FACES / "dog_eval"}, emotion="happy", size=20, seed=42),
        run=quick_run,
        classes=classifier.classes,
        precision=classifier.precision,
    )
    human = comparison.sets["human"]["happy"]
    assert human.correct_confidence > comparison.chance
    assert sum(human.predicted.values()) == 20


def backdrop(seed: int) -> Image.Image:
    """Draw what stands behind a drawn face, without the face."""
    scene = scene_of(seed)
    canvas = Canvas(background_of(scene, style="soft"), style="soft", light=scene.light)
    return lit(canvas.finished(), scene.warmth)


@needs_backbone
def test_the_default_calls_pictures_without_a_face_unknown(quick_run: Run, tmp_path: Path) -> None:
    def unknown(pictures: list[Path]) -> float:
        told = [each.familiarity for each in Classifier(quick_run).judge(pictures) if isinstance(each, Judged)]
        return sum(bool(each.is_unknown) for each in told if isinstance(each, Familiarity)) / len(pictures)

    def saved(name: str, images: list[Image.Image]) -> list[Path]:
        paths = [tmp_path / f"{name}-{number}.png" for number in range(len(images))]
        for image, path in zip(images, paths, strict=True):
            image.save(path)
        return paths

    # Seeds that no drawn set uses. Measured: all of them (docs/results/unknown.md).
    assert unknown(saved("scene", [backdrop(10_000 + number) for number in range(20)])) >= 0.9
    photographs = [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    assert unknown(saved("photograph", photographs)) == 1
    held_back = json.loads((quick_run.path / "split.json").read_text())["validation"]
    # 4 of 90, by construction.
    assert 0.02 <= unknown([FACES / "human_train" / row["picture"] for row in held_back]) <= 0.06


@needs_backbone
def test_the_last_block_trains_on_the_bundled_backbone(tmp_path: Path) -> None:
    config = TrainConfig(pictures=str(FACES / "human_eval"), depth=1, epochs=3, batch_size=24)
    events = list(train_run(create_run(config, root=tmp_path)))
    assert isinstance(events[-1], RunFinished)
    trained = [event for event in events if isinstance(event, EpochDone)]
    assert trained[-1].train_loss is not None
    assert trained[1].train_loss is not None
    assert trained[-1].train_loss < trained[1].train_loss
    # The classifier was trained before; the block that joins in does not undo that.
    assert all(epoch.validation.loss < 1.0 for epoch in trained)


def test_the_reports_vit_b_16_trains_saves_and_predicts_at_true_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = tmp_path / "vit-base-patch16-224"
    ViTForImageClassification(ViTConfig()).save_pretrained(backbone)
    ViTImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(backbone)
    faces = tmp_path / "faces"
    for label, paths in list_pictures(FACES / "human_eval").items():
        (faces / label).mkdir(parents=True)
        for path in paths[:4]:
            (faces / label / path.name).write_bytes(path.read_bytes())
    config = replace(
        preset("The report", pictures=str(faces)), backbone=str(backbone), epochs=1, batch_size=6, validation_share=0.25
    )
    run = create_run(config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    assert json.loads((run.checkpoint / "config.json").read_text())["hidden_size"] == 768
    picture = list_pictures(faces)["happy"][0]
    said = Classifier(run).predict(picture)
    piped = pipeline("image-classification", model=str(run.checkpoint), device="cpu")(str(picture), top_k=None)
    allowed = 1e-4 if said.precision == "float32" else 0.05
    assert {row["label"]: row["score"] for row in piped} == pytest.approx(said.scores, abs=allowed)
