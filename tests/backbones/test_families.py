"""Any image classifier with one linear head trains and is saved as its own kind; what cannot be used says why."""

from __future__ import annotations

import itertools
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
from helpers.families import FAMILIES, PLAIN, VIT, save_family, save_model
from helpers.training import Trainer, classifier, go_on, piped
from PIL import Image

from emotion.backbones.pixels import load_processor, to_pixels
from emotion.core.errors import RunError


@pytest.mark.parametrize(
    ("family", "depth"), [*((family, 2) for family in PLAIN), *itertools.product(FAMILIES, ("head", "all"))]
)
def test_every_family_trains_what_is_asked_for_alone_and_is_judged_as_it_is_saved(
    trainer: Trainer, tmp_path: Path, family: str, depth: str | int
) -> None:
    from safetensors.torch import load_file

    backbone = save_family(family, tmp_path / "backbone")
    settings = {"depth": depth, "block_learning_rate": 1e-3, "epochs": 1, "batch_size": 24, "image_size": 64}
    run = trainer.start(backbone=str(backbone), **settings)
    told = go_on(run)
    assert told.last["event"] == "RunFinished", told.last
    # Some take pictures of their own size alone, and that is said.
    [notes] = [event["notes"] for event in told.of("RunStarted")]
    assert notes == (["This backbone takes pictures of 32 pixels alone: they are taken in place of 64."]
        if family in ("siglip", "clip", "ijepa") else [])  # fmt: skip
    saved = told.read("checkpoint/config.json")
    assert (saved["model_type"], saved["id2label"]["3"]) == (family, "tired")
    after = told.weights()
    moved = {
        name for name, value in load_file(backbone / "model.safetensors").items()
        if not name.startswith(("classifier", "fc")) and "position_embedding" not in name
        and bool((after[name] != value).any())
    }  # fmt: skip
    blocks = {int(part) for name in moved for part in name.split(".") if part.isdecimal()}
    if depth == "head":
        assert not moved
    elif depth == 2:
        assert blocks == {1, 2}
        assert not any("embeddings" in name for name in moved)
    else:
        assert not any("running" in name or "num_batches" in name for name in moved), "batch norms stay as they were"
        assert len(moved) > 8
    picture = next((trainer.pictures / "sad").iterdir())
    [said] = classifier(told.path).score([picture])
    assert piped(told.path, picture) == pytest.approx(said, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_processor_gives_a_square_of_the_size_that_cuts_off_nothing_but_what_makes_it_one(
    tmp_path: Path, family: str
) -> None:
    processor = load_processor(save_family(family, tmp_path), image_size=64)
    # A square whose frame is red: with a margin cut off it would be gone.
    image = Image.new("RGB", (200, 200), "red")
    image.paste("blue", (8, 8, 192, 192))
    pixels = to_pixels([image, Image.new("RGB", (300, 200))], processor)
    assert pixels.shape == (2, 3, 64, 64)
    red, blue = pixels[0, 0], pixels[0, 2]
    assert red[0].mean() > red[32].mean()
    assert red[:, 0].mean() > red[:, 32].mean()
    assert blue[32, 32] > blue[0, 0]


@pytest.mark.parametrize(
    ("stem", "kind", "sizes", "sentence"),
    [
        ("DeiT", "WithTeacher", VIT, "averages two heads"),
        ("SwiftFormer", "", {"depths": [1, 1, 1, 1], "embed_dims": [8, 8, 16, 16]}, "has no single linear head"),
        ("ImageGPT", "", {"n_layer": 1, "n_embd": 16, "n_head": 2, "n_positions": 64}, "takes no colour pictures"),
    ],
)
def test_a_model_without_one_linear_head_on_pictures_is_refused_in_a_sentence(
    trainer: Trainer, tmp_path: Path, emotion: Emotion, stem: str, kind: str, sizes: dict[str, Any], sentence: str
) -> None:
    backbone = save_model(stem, "ViT", sizes, tmp_path / "backbone", kind=kind)
    said = emotion("train", *trainer.words, "--backbone", backbone)
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert sentence in said.err


def test_what_a_backbone_has_not_of_a_setting_is_said_and_the_training_goes_on(
    trainer: Trainer, tmp_path: Path
) -> None:
    convolutions = save_family("resnet", tmp_path / "resnet")
    told = trainer(backbone=str(convolutions), depth="all", layer_decay=0.5, epochs=1)
    assert told.of("RunStarted")[0]["notes"] == ["This backbone is no plain list of blocks: layer decay does nothing."]
    refused = go_on(trainer.start(backbone=str(convolutions), depth=2))
    assert refused.last["message"] == "This backbone is no plain list of blocks: use the depth head or all."
    with pytest.raises(RunError, match="no attention between patches, so there is no map"):
        classifier(told.path).explain(next((trainer.pictures / "sad").iterdir()), label="sad")
    fixed = save_family("beit", tmp_path / "beit")
    told = trainer(backbone=str(fixed), depth=1, patch_dropout=0.5, epochs=1)
    assert told.of("RunStarted")[0]["notes"] == ["This backbone needs all patches of a picture: none are left out."]


def test_a_backbone_of_another_kind_says_its_notes_on_the_command_line_and_is_exported(
    trainer: Trainer, tmp_path: Path, emotion: Emotion
) -> None:
    said = emotion("train", *trainer.words, "--backbone", save_family("clip", tmp_path / "clip"), "--image-size", 64)
    assert "This backbone takes pictures of 32 pixels alone: they are taken in place of 64." in said.err
    told = trainer(backbone=str(save_family("resnet", tmp_path / "resnet")), epochs=1)
    assert emotion("export", "--run", told.path, "--to", tmp_path / "out", "--onnx").code == 0
    assert (tmp_path / "out" / "model.onnx").is_file()


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
            lambda folder: write(folder, model_type="bert"),
            [],
            "holds a 'bert' model, which classifies no pictures: choose a vision model",
        ),
        (lambda folder: write(folder, model_type="own"), [], "cannot be read"),
        (lambda folder: (folder / "config.json").unlink(), [], "has no config.json"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), [], "has no preprocessor_config.json"),
        (cut_short, [], "cannot be read"),
        (without_a_weight, [], "lack vit"),
        (of_grey, [], "takes 1 channels, not the three of a colour picture"),
        (with_nan, [], "are damaged, its scores are no numbers"),
        (pickled("pytorch_model.bin"), [], "pickled weights are never opened"),
        (pickled("model.safetensors"), [], "cannot be read"),
    ],
)
def test_fault_a_backbone_that_cannot_be_used_is_one_sentence_and_no_pickle_is_opened(
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
