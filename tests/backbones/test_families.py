"""Any vision transformer of the four families trains and is saved as its own kind; what cannot be used says why."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.families import FAMILIES, make_model
from helpers.training import Trainer, classifier, piped


@pytest.mark.parametrize("depth", ["head", 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_what_is_asked_for_alone_and_is_judged_as_it_is_saved(
    trainer: Trainer, tmp_path: Path, family: str, depth: str | int
) -> None:
    from safetensors.torch import load_file
    from transformers import ViTImageProcessorPil

    make_model(family, num_labels=7).save_pretrained(tmp_path / "backbone")
    ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(tmp_path / "backbone")
    told = trainer(backbone=str(tmp_path / "backbone"), depth=depth, block_learning_rate=1e-3, epochs=1)

    saved = told.read("checkpoint/config.json")
    assert (saved["model_type"], saved["id2label"]["3"]) == (family, "tired")
    after = told.weights()
    moved = {
        name for name, value in load_file(tmp_path / "backbone" / "model.safetensors").items()
        if not name.startswith("classifier") and bool((after[name] != value).any())
    }  # fmt: skip
    blocks = {int(part) for name in moved for part in name.split(".") if part.isdecimal()}
    assert blocks == (set() if depth == "head" else {1, 2})
    assert not any("embeddings" in name for name in moved)
    picture = next((trainer.pictures / "sad").iterdir())
    [said] = classifier(told.path).score([picture])
    assert piped(told.path, picture) == pytest.approx(said, abs=1e-4)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (os.mkdir, (str(self.mark),))


def write(folder: Path, name: str = "config.json", **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def pickled(name: str) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / name).write_bytes(pickle.dumps(Bomb(folder / "went off")))

    return put


def of_grey(folder: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig.from_pretrained(folder, num_channels=1)
    ViTForImageClassification(config).save_pretrained(folder)


def with_nan(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    next(value for name, value in tensors.items() if "layer" in name)[0] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def without_a_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if "layer.1" in name)]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def cut_short(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 5000)


@pytest.mark.parametrize(
    ("spoil", "options", "sentence"),
    [
        (lambda folder: None, ["--depth", 3], "Depth 3 is more than this backbone's 2 blocks"),
        (
            lambda folder: None,
            ["--image-size", 34],
            "not a multiple of this backbone's patches of 8 pixels: use 32 or 40",
        ),
        (
            lambda folder: write(folder, model_type="resnet"),
            [],
            "holds a 'resnet' model: choose a vision transformer",
        ),
        (lambda folder: write(folder, model_type="own"), [], "cannot be read"),
        (lambda folder: (folder / "config.json").unlink(), [], "has no config.json"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), [], "has no preprocessor_config.json"),
        (cut_short, [], "cannot be read"),
        (without_a_weight, [], "lack vit"),
        (of_grey, [], "takes 1 channels, not the three of a colour picture"),
        (with_nan, [], "are damaged, some are no numbers"),
        (pickled("pytorch_model.bin"), [], "pickled weights are never opened"),
        (pickled("model.safetensors"), [], "cannot be read"),
    ],
)
def test_a_backbone_that_cannot_be_used_is_one_sentence_and_no_pickle_is_opened(
    trainer: Trainer, tiny_vit: Path, tmp_path: Path, emotion: Emotion, spoil: Any, options: Any, sentence: str
) -> None:
    folder = Path(shutil.copytree(tiny_vit, tmp_path / "backbone"))
    spoil(folder)
    said = emotion("train", *trainer.words, "--backbone", folder, *options)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert not (folder / "went off").exists()
    assert not list(trainer.runs.rglob("error.log"))


def test_a_checkpoint_that_is_a_pickle_is_not_opened(run: Path, emotion: Emotion, tiny_pictures: Path) -> None:
    for name in ("pytorch_model.bin", "model.safetensors"):
        (run / "checkpoint" / "model.safetensors").unlink(missing_ok=True)
        (run / "checkpoint" / name).write_bytes(pickle.dumps(Bomb(run / "went off")))
        said = emotion("predict", "--run", run, tiny_pictures / "dog_eval" / "sad" / "sad_000.png")
        assert (said.code, said.err) == (1, f"The checkpoint of {run.name} cannot be read: train it again.\n")
        assert not (run / "went off").exists()


def test_code_that_comes_with_a_model_is_not_run(
    trainer: Trainer, tiny_vit: Path, tmp_path: Path, emotion: Emotion
) -> None:
    folder = Path(shutil.copytree(tiny_vit, tmp_path / "model"))
    mark = tmp_path / "went off"
    (folder / "own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoModelForImageClassification": "own.Own", "AutoImageProcessor": "own.Own"}
    write(folder, auto_map=own)
    write(folder, "preprocessor_config.json", auto_map=own)
    checkpoint = trainer(backbone=str(folder), epochs=1).path / "checkpoint"
    write(checkpoint, auto_map=own)
    write(checkpoint, "preprocessor_config.json", auto_map=own)
    shutil.copy(folder / "own.py", checkpoint)
    assert emotion("predict", "--run", checkpoint.parent, next(trainer.pictures.rglob("*.png"))).code == 0
    assert not mark.exists()


def test_no_line_of_ours_asks_for_foreign_code_or_for_pickles() -> None:
    for path in (Path(__file__).parents[2] / "emotion").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "trust_remote_code" not in text, path
        assert not re.search(r"pickle\.loads?\(|allow_pickle\s*=\s*True|weights_only\s*=\s*False", text), path
        assert all("weights_only=True" in call for call in re.findall(r"torch\.load\([^)]*\)", text)), path
        for call in re.findall(r"(?s)AutoModel\w*\.from_pretrained\([^)]*\)", text):
            assert "use_safetensors=True" in call, path
