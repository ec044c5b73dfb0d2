"""Any image classifier with one linear head trains and is saved as its own kind; what cannot be used says why."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.families import FAMILIES, PLAIN, VIT, bomb, changed_weights, save_family, save_model
from helpers.training import Trainer, classifier, go_on, piped
from PIL import Image
from safetensors.torch import load_file
from transformers import ViTConfig, ViTForImageClassification

from emotion.backbones.pixels import load_processor, to_pixels
from emotion.core.errors import RunError


@pytest.mark.parametrize(
    ("family", "depth"), [*((family, 2) for family in PLAIN), *itertools.product(FAMILIES, ("head", "all"))]
)
def test_every_family_trains_what_is_asked_for_alone_and_is_judged_as_it_is_saved(
    trainer: Trainer, tmp_path: Path, family: str, depth: str | int
) -> None:
    backbone = save_family(family, tmp_path / "backbone")
    settings = {"depth": depth, "block_learning_rate": 1e-3, "epochs": 1, "batch_size": 24, "image_size": 64}
    told = trainer(backbone=str(backbone), **settings)
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


def test_what_a_backbone_has_not_of_a_setting_is_said_and_it_is_trained_and_exported_all_the_same(
    trainer: Trainer, tmp_path: Path, emotion: Emotion
) -> None:
    convolutions = save_family("resnet", tmp_path / "resnet")
    settings = ["--backbone", convolutions, "--depth", "all", "--layer-decay", 0.5, "--epochs", 1]
    said = emotion("train", *trainer.words, *settings, "--json")
    assert said.err.startswith("This backbone is no plain list of blocks: layer decay does nothing.\n")
    run = Path(said.json["run"])
    assert emotion("export", "--run", run, "--to", tmp_path / "out", "--onnx").code == 0
    assert (tmp_path / "out" / "model.onnx").is_file()
    with pytest.raises(RunError, match="no attention between patches, so there is no map"):
        classifier(run).explain(next((trainer.pictures / "sad").iterdir()), label="sad")
    refused = go_on(trainer.start(backbone=str(convolutions), depth=2))
    assert refused.last["message"] == "This backbone is no plain list of blocks: use the depth head or all."
    told = trainer(backbone=str(save_family("beit", tmp_path / "beit")), depth=1, patch_dropout=0.5, epochs=1)
    assert told.of("RunStarted")[0]["notes"] == ["This backbone needs all patches of a picture: none are left out."]


def write(folder: Path, name: str = "config.json", **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def pickled(name: str) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / name).write_bytes(bomb(folder / "went off"))

    return put


def of_grey(folder: Path) -> None:
    config = ViTConfig.from_pretrained(folder, num_channels=1)
    ViTForImageClassification(config).save_pretrained(folder)


def with_nan(folder: Path) -> None:
    with changed_weights(folder) as weights:
        next(value for name, value in weights.items() if "layer" in name)[0] = float("nan")


def without_a_weight(folder: Path) -> None:
    with changed_weights(folder) as weights:
        del weights[next(name for name in weights if "layer.1" in name)]


SWIFT = {"depths": [1, 1, 1, 1], "embed_dims": [8, 8, 16, 16]}
GPT = {"n_layer": 1, "n_embd": 16, "n_head": 2, "n_positions": 64}


@pytest.mark.parametrize(
    ("spoil", "options", "sentence"),
    [
        (lambda folder: None, ["--depth", 3], "Depth 3 is more than this backbone's 2 blocks"),
        (lambda folder: None, ["--image-size", 34], "this backbone's patches of 8 pixels: use 32 or 40"),
        (lambda folder: write(folder, model_type="bert"), [], "holds a 'bert' model, which classifies no pictures"),
        (lambda folder: write(folder, model_type="own"), [], "cannot be read"),
        (lambda folder: (folder / "config.json").unlink(), [], "has no config.json"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), [], "has no preprocessor_config.json"),
        (lambda folder: os.truncate(folder / "model.safetensors", 5000), [], "cannot be read"),
        (without_a_weight, [], "lack vit"),
        (of_grey, [], "takes 1 channels, not the three of a colour picture"),
        (lambda folder: save_model("DeiT", "ViT", VIT, folder, kind="WithTeacher"), [], "averages two heads"),
        (lambda folder: save_model("SwiftFormer", "ViT", SWIFT, folder), [], "has no single linear head"),
        (lambda folder: save_model("ImageGPT", "ViT", GPT, folder), [], "takes no colour pictures"),
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
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert sentence in said.err
    assert not (folder / "went off").exists()
    assert not list(trainer.runs.rglob("error.log"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shutil.rmtree, "has no checkpoint yet"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 1000), "cannot be read: train it again"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "cannot be read: train it again"),
        (pickled("pytorch_model.bin"), "cannot be read: train it again"),
        (pickled("model.safetensors"), "cannot be read: train it again"),
    ],
)
def test_a_checkpoint_that_is_missing_torn_or_a_pickle_is_one_sentence_and_not_opened(
    run: Path, emotion: Emotion, tiny_pictures: Path, spoil: Any, sentence: str
) -> None:
    spoil(run / "checkpoint")
    said = emotion("predict", "--run", run.name, tiny_pictures / "dog_eval" / "sad" / "sad_000.png")
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert sentence in said.err
    assert not (run / "checkpoint" / "went off").exists()


def test_code_that_comes_with_a_model_is_not_run(
    trainer: Trainer, tiny_vit: Path, tmp_path: Path, emotion: Emotion
) -> None:
    folder = Path(shutil.copytree(tiny_vit, tmp_path / "model"))
    mark = tmp_path / "went off"
    (folder / "own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoModelForImageClassification": "own.Own", "AutoImageProcessor": "own.Own"}
    for name in ("config.json", "preprocessor_config.json"):
        write(folder, name, auto_map=own)
    checkpoint = trainer(backbone=str(folder), epochs=1).path / "checkpoint"
    for name in ("config.json", "preprocessor_config.json"):
        write(checkpoint, name, auto_map=own)
    shutil.copy(folder / "own.py", checkpoint)
    assert emotion("predict", "--run", checkpoint.parent, next(trainer.pictures.rglob("*.png"))).code == 0
    assert not mark.exists()
