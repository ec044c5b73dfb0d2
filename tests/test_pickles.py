"""A model file may run its author's code when it is opened as a pickle: none is, wherever a model comes from."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from pathlib import Path

import pytest

from emotion.backbones.anatomy import load_model
from emotion.backbones.registry import locate
from emotion.classifier import Classifier
from emotion.config import TrainConfig
from emotion.errors import BackboneError, RunError
from emotion.run import Run
from emotion.runs import create_run

ROOT = Path(__file__).parents[1]
SOURCES = list((ROOT / "emotion").rglob("*.py"))


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What a bomb leaves when it goes off."""
    return tmp_path / "went-off"


def with_a_pickle(model: Path, folder: Path, *, name: str, mark: Path) -> Path:
    """Copy a model and put a pickle in the place of its weights."""
    shutil.copytree(model, folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    return folder


def a_run(tmp_path: Path, backbone: Path) -> Run:
    return create_run(TrainConfig(pictures="x", backbone=str(backbone)), root=tmp_path / "runs")


def test_a_backbone_of_pickles_alone_is_refused_in_one_sentence(tiny_vit: Path, tmp_path: Path, mark: Path):
    folder = with_a_pickle(tiny_vit, tmp_path / "model", name="pytorch_model.bin", mark=mark)
    with pytest.raises(BackboneError, match="pickled weights are never opened"):
        locate(str(folder))
    with pytest.raises(BackboneError, match="cannot be read"):
        load_model(folder, classes=["a", "b"], image_size=32)
    assert not mark.exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused_in_one_sentence(tiny_vit: Path, tmp_path: Path, mark: Path):
    folder = with_a_pickle(tiny_vit, tmp_path / "model", name="model.safetensors", mark=mark)
    with pytest.raises(BackboneError, match="cannot be read"):
        load_model(locate(str(folder)).path, classes=["a", "b"], image_size=32)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_checkpoint_that_is_a_pickle_is_refused_in_one_sentence(
    tiny_vit: Path, tmp_path: Path, mark: Path, name: str
):
    run = a_run(tmp_path, tiny_vit)
    with_a_pickle(tiny_vit, run.checkpoint, name=name, mark=mark)
    with pytest.raises(RunError, match=re.escape(f"The checkpoint of {run.name} cannot be read: train it again.")):
        Classifier(run)
    assert not mark.exists()


def test_code_that_comes_with_a_model_is_not_run(tiny_vit: Path, tmp_path: Path, mark: Path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_vit, folder)
    (folder / "own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoModelForImageClassification": "own.Own", "AutoImageProcessor": "own.Own"}
    for file in ("config.json", "preprocessor_config.json"):
        values = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**values, "auto_map": own}))
    load_model(folder, classes=["a", "b"], image_size=32)
    run = a_run(tmp_path, tiny_vit)
    shutil.copytree(folder, run.checkpoint)
    Classifier(run)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "model_type": "own"}))
    with pytest.raises(BackboneError):
        load_model(folder, classes=["a", "b"], image_size=32)
    assert not mark.exists()


def test_no_line_of_ours_asks_for_foreign_code_or_for_pickles():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "trust_remote_code" not in text, path
        assert not re.search(r"pickle\.loads?\(|allow_pickle\s*=\s*True|weights_only\s*=\s*False", text), path
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, path
        for call in re.findall(r"(?s)AutoModel\w*\.from_pretrained\([^)]*\)", text):
            assert "use_safetensors=True" in call, path
