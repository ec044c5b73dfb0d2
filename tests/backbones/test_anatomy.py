"""Cutting a model in two changes no number, whatever its family and wherever it is cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import (
    BitImageProcessorPil,
    DeiTConfig,
    DeiTForImageClassification,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
)

from emotion.backbones.anatomy import cut, load_model, load_processor
from emotion.errors import BackboneError

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
MAKERS: dict[str, Callable[[], PreTrainedModel]] = {
    "vit": lambda: ViTForImageClassification(
        ViTConfig(**SMALL, intermediate_size=64, image_size=32, patch_size=8, num_labels=4)
    ),
    "deit": lambda: DeiTForImageClassification(
        DeiTConfig(**SMALL, intermediate_size=64, image_size=32, patch_size=8, num_labels=4)
    ),
    "dinov2": lambda: Dinov2ForImageClassification(
        Dinov2Config(**SMALL, mlp_ratio=2, image_size=48, patch_size=8, num_labels=4)
    ),
    "dinov2_with_registers": lambda: Dinov2WithRegistersForImageClassification(
        Dinov2WithRegistersConfig(
            **SMALL, mlp_ratio=2, image_size=48, patch_size=8, num_register_tokens=4, num_labels=4
        )
    ),
}


@pytest.fixture(params=MAKERS)
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    torch.manual_seed(0)
    return MAKERS[request.param]().eval()


@pytest.mark.parametrize("depth", [0, 1, 2, 3, None])
def test_top_after_trunk_gives_the_logits_of_the_whole_model(model: PreTrainedModel, depth: int | None) -> None:
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = model(pixel_values=pixels).logits
        parts = cut(model, depth)
        activations = pixels if parts.trunk is None else parts.trunk(pixels)
        assert torch.allclose(parts.top(activations), expected, atol=1e-5)


@pytest.mark.parametrize("depth", [0, 2])
def test_folding_the_whitening_into_the_classifier_keeps_the_logits(model: PreTrainedModel, depth: int) -> None:
    pixels = torch.randn(2, 3, 32, 32)
    parts = cut(model, depth)
    assert parts.trunk is not None
    with torch.no_grad():
        activations = parts.trunk(pixels)
        width = parts.features(activations).shape[1]
        parts.whiten(torch.randn(width), torch.randn(width, width))
        judged = parts.top(activations)
        model.load_state_dict(parts.plain_state())
        assert torch.allclose(model(pixel_values=pixels).logits, judged, atol=1e-4)


def test_only_what_is_asked_for_can_be_trained(model: PreTrainedModel) -> None:
    names = {"head": cut(model, 0), "one": cut(model, 1), "all": cut(model, None)}
    counts = {
        name: sum(
            parameter.numel() for layers in parts.trainable_groups().values() for layer in layers for parameter in layer
        )
        for name, parts in names.items()
        # A later cut shares the weights and would change the earlier ones' flags.
        if name == "all"
    }
    mask = sum(value.numel() for name, value in model.named_parameters() if name.endswith("mask_token"))
    assert counts["all"] == sum(value.numel() for value in model.parameters()) - mask
    head = cut(model, 0).trainable_groups()
    assert head["blocks"] == []
    assert {id(value) for value in head["head"][0]} == {id(value) for value in model.classifier.parameters()}


def test_more_blocks_than_there_are_is_one_sentence(model: PreTrainedModel) -> None:
    with pytest.raises(BackboneError, match="Depth 4 is more than this backbone's 3 blocks"):
        cut(model, 4)


def test_every_family_loads_from_its_folder_under_a_fresh_classifier(model: PreTrainedModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    torch.manual_seed(7)
    loaded = load_model(tmp_path, classes=["happy", "sad", "angry", "tired"], image_size=32)
    assert loaded.config.id2label == {0: "happy", 1: "sad", 2: "angry", 3: "tired"}
    assert not torch.equal(loaded.classifier.weight, model.classifier.weight)
    state = loaded.state_dict()
    for name, value in model.state_dict().items():
        if not name.startswith("classifier"):
            assert torch.equal(state[name], value), name


def test_a_vit_takes_another_image_size_and_keeps_it_in_its_checkpoint(tiny_vit: Path, tmp_path: Path) -> None:
    resized = load_model(tiny_vit, classes=["a", "b"], image_size=48)
    pixels = torch.randn(1, 3, 48, 48)
    with torch.no_grad():
        expected = resized(pixel_values=pixels).logits
        resized.save_pretrained(tmp_path)
        again = ViTForImageClassification.from_pretrained(tmp_path).eval()
        assert torch.allclose(again(pixel_values=pixels).logits, expected, atol=1e-6)


def test_an_image_size_that_patches_do_not_fill_is_one_sentence(tiny_vit: Path) -> None:
    with pytest.raises(BackboneError, match="not a multiple of this backbone's patches of 8 pixels: use 32 or 40"):
        load_model(tiny_vit, classes=["a", "b"], image_size=34)


def test_a_model_of_another_family_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    with pytest.raises(BackboneError, match="holds a 'resnet' model: choose a vision transformer"):
        load_model(tmp_path, classes=["a", "b"], image_size=224)


def test_torn_weights_are_one_sentence(tiny_vit: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_vit / "config.json").read_bytes())
    whole = (tiny_vit / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackboneError, match="cannot be read"):
        load_model(tmp_path, classes=["a", "b"], image_size=32)


def test_missing_weights_are_named(tiny_vit: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(tiny_vit / "model.safetensors")
    lost = next(name for name in weights if "layer.1" in name)
    del weights[lost]
    (tmp_path / "config.json").write_bytes((tiny_vit / "config.json").read_bytes())
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackboneError, match="lack vit"):
        load_model(tmp_path, classes=["a", "b"], image_size=32)


def test_a_processor_crops_no_more_than_makes_a_square(tmp_path: Path) -> None:
    BitImageProcessorPil(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}).save_pretrained(tmp_path)
    processor = load_processor(tmp_path, image_size=112)
    picture = Image.new("RGB", (200, 300), "black")
    picture.paste("white", (0, 0, 20, 300))
    [pixels] = processor([picture], return_tensors="pt")["pixel_values"]
    assert pixels.shape == (3, 112, 112)
    # A tenth of the width is white: some of it would be gone after the backbone's own crop.
    assert (pixels[0, 50] > 0).sum() == 11


def test_a_processor_without_crop_resizes_to_the_size(tmp_path: Path) -> None:
    ViTImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(tmp_path)
    assert load_processor(tmp_path, image_size=96).size["height"] == 96


def test_a_folder_without_processor_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has no preprocessor_config\.json"):
        load_processor(tmp_path, image_size=224)


def test_the_whitening_lies_where_the_model_does() -> None:
    """On the one other device that every machine has: a GPU's top with constants on the CPU would fail."""
    top = cut(MAKERS["vit"]().to("meta"), 0).top
    assert {value.device.type for value in (top.mean, top.projection)} == {"meta"}
