"""What is handed on says what the run says, whoever runs it, and nothing is overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoImageProcessor, AutoModelForImageClassification

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.classifier import Classifier
from emotion.comparison import Request, compare, save_comparison
from emotion.config import TrainConfig, preset
from emotion.errors import RunError
from emotion.events import RunFinished
from emotion.export.checkpoint import export_run, zip_run
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).with_name("classify_with_onnx.py")


def trained(config: TrainConfig, root: Path) -> Run:
    run = create_run(config, root=root)
    assert isinstance(list(train_run(run))[-1], RunFinished)
    return run


def compared(run: Run, sets: dict[str, Path]) -> None:
    classifier = Classifier(run)
    found = compare(
        classifier.score, Request(sets, size=2), run=run, classes=classifier.classes, precision=classifier.precision
    )
    save_comparison(found, run=run)


def differences(folder: Path, pictures: list[Path]) -> np.ndarray:
    """Return how far apart the logits of PyTorch and of ONNX Runtime are, (N, C)."""
    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor([open_picture(path) for path in pictures], return_tensors="pt")["pixel_values"]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    [said] = session.run(None, {"pixel_values": pixels.numpy()})
    with torch.inference_mode():
        return np.abs(said - model(pixel_values=pixels).logits.numpy())


@pytest.mark.parametrize("depth", ["head", "all"])
@pytest.mark.parametrize("backbone", ["tiny_vit", "tiny_dinov2"])
def test_onnx_gives_the_logits_of_pytorch_for_any_number_of_pictures(
    tiny_config: TrainConfig, tmp_path: Path, request: pytest.FixtureRequest, backbone: str, depth: str
) -> None:
    size = 32 if backbone == "tiny_vit" else 28
    folder = str(request.getfixturevalue(backbone))
    run = trained(replace(tiny_config, backbone=folder, depth=depth, image_size=size), tmp_path / "runs")
    export_run(run, tmp_path / "out", onnx=True)
    pictures = [path for paths in list_pictures(Path(tiny_config.pictures)).values() for path in paths]
    for count in (1, 3, 40):
        assert differences(tmp_path / "out", pictures[:count]).max() < 1e-4


def test_the_card_tells_of_every_species_and_holds_in_the_hubs_own_class(
    tiny_config: TrainConfig, make_pictures: object, tmp_path: Path
) -> None:
    run = trained(tiny_config, tmp_path / "runs")
    export_run(run, tmp_path / "before")
    assert "compared on no species" in (tmp_path / "before" / "README.md").read_text()
    compared(run, {"human": make_pictures("human_eval", count=3), "dog": make_pictures("dog_eval", count=3)})  # type: ignore[operator]
    export_run(run, tmp_path / "after")
    card = ModelCard.load(tmp_path / "after" / "README.md")
    measured = {(each.dataset_name.split(":")[0], each.metric_type) for each in card.data.eval_results}
    metrics = ("accuracy", "mean correct-class confidence", "log loss")
    assert measured == {(name, metric) for name in ("human", "dog") for metric in metrics}
    assert "| dog | 8 |" in card.text
    assert "Barrett" in card.text
    assert str(tmp_path) not in card.content


def test_nothing_is_overwritten_and_nothing_half_stays(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = trained(tiny_config, tmp_path / "runs")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="is there already"):
        export_run(run, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (run.checkpoint / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(RunError, match="cannot be read"):
        export_run(run, tmp_path / "torn", onnx=True)
    assert sorted(path.name for path in tmp_path.iterdir() if "torn" in path.name) == []
    with pytest.raises(RunError, match="no checkpoint yet"):
        export_run(create_run(tiny_config, root=tmp_path / "runs"), tmp_path / "none")


def test_a_zip_holds_the_checkpoint_under_the_runs_name(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = trained(tiny_config, tmp_path / "runs")
    with zipfile.ZipFile(zip_run(run, tmp_path / "run.zip")) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path / "unpacked")
    folder = tmp_path / "unpacked" / run.name
    assert {path.name for path in folder.iterdir()} == {path.name for path in run.checkpoint.iterdir()}
    AutoModelForImageClassification.from_pretrained(folder)


@pytest.mark.slow
@pytest.mark.skipif(
    not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run` once"
)
def test_the_command_and_the_example_hold_with_the_bundled_backbone(tmp_path: Path) -> None:
    faces = ROOT / "assets" / "faces"
    run = trained(preset("Quick", pictures=str(faces / "cat_eval")), tmp_path / "runs")
    command = [sys.executable, "-m", "emotion", "export", "--run", str(run.path), "--to", str(tmp_path / "out")]
    done = subprocess.run([*command, "--onnx", "--json"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "model.onnx" in json.loads(done.stdout.splitlines()[-1])["files"]
    pictures = [path for paths in list_pictures(faces / "dog_eval").values() for path in paths][:100]
    for start in range(0, 100, 20):
        assert differences(tmp_path / "out", pictures[start : start + 20]).max() < 1e-4
    example = [sys.executable, str(EXAMPLE), str(tmp_path / "out"), str(pictures[0])]
    said = json.loads(subprocess.run(example, capture_output=True, text=True, check=True).stdout)
    assert said == pytest.approx(Classifier(run).predict(pictures[0]).scores, abs=0.05)
