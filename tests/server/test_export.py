"""What is handed on says what the run says, whoever runs it, and nothing is overwritten."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from helpers.command import Emotion
from helpers.serving import ROOT
from huggingface_hub import ModelCard
from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

EXAMPLE = Path(__file__).with_name("classify_with_onnx.py")
WEIGHTS = ROOT / "models" / "dinov2-small" / "model.safetensors"


def furthest_apart(folder: Path, pictures: list[Path]) -> float:
    """Return how far the logits of PyTorch and of ONNX Runtime are apart at most."""
    from PIL import Image

    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor([Image.open(path).convert("RGB") for path in pictures], return_tensors="pt")["pixel_values"]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    [said] = session.run(None, {"pixel_values": pixels.numpy()})
    with torch.inference_mode():
        return float(np.abs(said - model(pixel_values=pixels).logits.numpy()).max())


def test_an_exported_folder_says_what_the_run_says_to_any_number_of_pictures_as_onnx_too(
    run: Path, emotion: Emotion, tmp_path: Path, tiny_pictures: Path
) -> None:
    done = emotion("export", "--run", run, "--to", tmp_path / "out", "--onnx", "--json")
    assert done.code == 0
    assert {"model.safetensors", "model.onnx", "config.json", "README.md"} <= set(done.json["files"])
    pictures = sorted((tiny_pictures / "dog_eval").glob("*/*"))
    assert max(furthest_apart(tmp_path / "out", pictures[:count]) for count in (1, 3, 24)) < 1e-4
    ours = emotion("predict", "--run", run, pictures[0], "--json").json["predictions"][0]["scores"]
    theirs = pipeline("image-classification", model=str(tmp_path / "out"))(str(pictures[0]), top_k=None)
    assert {each["label"]: each["score"] for each in theirs} == pytest.approx(ours, abs=1e-4)


def test_fault_names_with_markup_in_them_stay_text_in_the_card(
    emotion: Emotion, tmp_path: Path, tiny_pictures: Path, tiny_vit: Path
) -> None:
    odd, pictures = "<img src=x>|`a`", tmp_path / "pictures"
    for label, name in (("happy", "happy"), ("sad", odd)):
        shutil.copytree(tiny_pictures / "human_train" / label, pictures / name)
    words = ["--pictures", pictures, "--backbone", tiny_vit, "--epochs", 1, "--image-size", 32]
    trained = emotion("train", *words, "--json").json["run"]
    compared = emotion("compare", "--run", trained, "--set", f"a|b<i>={pictures}", "--emotion", "happy", "--size", 3)
    assert compared.code == 0, compared.err
    assert emotion("export", "--run", trained, "--to", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("\n---\n", 1)[1]
    assert "<img" not in text.replace("\\<img", "")
    [row] = [line for line in text.splitlines() if line.startswith("| a")]
    assert row.replace("\\|", "").count("|") == 8


def test_the_card_tells_of_every_species_compared_and_of_no_folder_of_this_machine(
    run: Path, emotion: Emotion, tmp_path: Path, tiny_pictures: Path
) -> None:
    emotion("export", "--run", run, "--to", tmp_path / "before")
    assert "compared on no species" in (tmp_path / "before" / "README.md").read_text()
    sets = [word for kind in ("human", "dog") for word in ("--set", f"{kind}={tiny_pictures / f'{kind}_eval'}")]
    assert emotion("compare", "--run", run, *sets, "--emotion", "all", "--size", 3).code == 0
    emotion("export", "--run", run, "--to", tmp_path / "after")
    card = ModelCard.load(tmp_path / "after" / "README.md")
    measured = {(each.dataset_name.split(":")[0], each.metric_type) for each in card.data.eval_results}
    metrics = ("accuracy", "mean correct-class confidence", "log loss")
    assert measured == {(name, metric) for name in ("human", "dog") for metric in metrics}
    assert "| dog | 12 |" in card.text
    assert "Barrett" in card.text
    assert not any(str(folder) in card.content for folder in (tmp_path, tiny_pictures, run.parent))


def test_nothing_is_overwritten_and_nothing_half_stays(run: Path, emotion: Emotion, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    refused = emotion("export", "--run", run, "--to", tmp_path / "out")
    assert (refused.code, refused.out) == (1, "")
    assert "is there already" in refused.err
    (run / "checkpoint" / "model.safetensors").write_bytes(b"torn")
    torn = emotion("export", "--run", run, "--to", tmp_path / "torn", "--onnx")
    assert torn.code == 1
    assert "cannot be read" in torn.err
    (run / "checkpoint" / "config.json").unlink()
    assert "no checkpoint yet" in emotion("export", "--run", run, "--to", tmp_path / "none").err
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["out", "out/mine.txt"]


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="dinov2-small is not in models/: `make run`")
def test_the_bundled_backbones_onnx_and_the_example_without_pytorch_hold_on_drawn_dogs(
    emotion: Emotion, tmp_path: Path
) -> None:
    faces = ROOT / "assets" / "faces"
    run = emotion("train", "--pictures", faces / "cat_eval", "--json").json["run"]
    assert emotion("export", "--run", run, "--to", tmp_path / "out", "--onnx").code == 0
    pictures = sorted((faces / "dog_eval").glob("*/*"))[::2]
    for start in range(0, len(pictures), 20):
        assert furthest_apart(tmp_path / "out", pictures[start : start + 20]) < 1e-4
    example = [sys.executable, str(EXAMPLE), str(tmp_path / "out"), str(pictures[0])]
    said = json.loads(subprocess.run(example, capture_output=True, text=True, check=True).stdout)
    ours = emotion("predict", "--run", run, pictures[0], "--json").json["predictions"][0]["scores"]
    assert said == pytest.approx(ours, abs=0.05)
