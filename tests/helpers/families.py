"""A tiny random model of each of many families of image classifiers, with the processor that comes with its kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VIT = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 8, "image_size": 32}
VIT |= {"intermediate_size": 64}
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 2, "image_size": 32, "patch_size": 4}
STAGES = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
# By the kind that a configuration names: the class's stem, the processor's, and settings.
PLAIN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "vit": ("ViT", "ViT", VIT),
    "deit": ("DeiT", "DeiT", VIT),
    "dinov2": ("Dinov2", "Bit", {**VIT, "mlp_ratio": 2}),
    "dinov2_with_registers": ("Dinov2WithRegisters", "Bit", {**VIT, "mlp_ratio": 2, "num_register_tokens": 4}),
    "beit": ("Beit", "Beit", {**VIT, "use_relative_position_bias": True}),
    "siglip": ("Siglip", "Siglip", {"vision_config": VIT}),
    "clip": ("CLIP", "CLIP", {"vision_config": VIT}),
    "ijepa": ("IJepa", "ViT", VIT),
}
OTHER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "swin": ("Swin", "ViT", SWIN),
    "swinv2": ("Swinv2", "ViT", SWIN),
    "convnext": ("ConvNext", "ConvNext", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    "resnet": ("ResNet", "ConvNext", {**STAGES, "layer_type": "basic"}),
    "regnet": ("RegNet", "ConvNext", {**STAGES, "groups_width": 8}),
    "levit": ("Levit", "Levit", {"image_size": 64, "hidden_sizes": [16, 24, 32], "key_dim": [8, 8, 8],
        "num_attention_heads": [1, 2, 2], "depths": [1, 1, 1]}),
    "segformer": ("Segformer", "Segformer", {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 1, 1], "decoder_hidden_size": 16}),
    "mobilenet_v2": ("MobileNetV2", "MobileNetV2", {"depth_multiplier": 0.1, "finegrained_output": False}),
}  # fmt: skip
FAMILIES = PLAIN | OTHER


def save_model(stem: str, processor: str, sizes: dict[str, Any], folder: Path, *, kind: str = "") -> Path:
    """Save a random classifier of seven classes, as one finds it on the Hub."""
    import torch
    import transformers

    torch.manual_seed(1)
    config = getattr(transformers, f"{stem}Config")(**sizes, num_labels=7)
    getattr(transformers, f"{stem}ForImageClassification{kind}")(config).save_pretrained(folder)
    getattr(transformers, f"{processor}ImageProcessorPil")().save_pretrained(folder)
    return folder


def save_family(family: str, folder: Path) -> Path:
    """Save a random backbone of one of the families."""
    return save_model(*FAMILIES[family], folder)


@contextmanager
def changed_weights(folder: Path) -> Iterator[dict[str, Any]]:
    """Give the tensors of a saved model by name, to be changed or taken out, and save what is left of them."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    yield weights
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def bomb(mark: Path) -> bytes:
    """Return a pickle that makes a folder when it is opened."""
    return f"cos\nmkdir\n(V{mark}\ntR.".encode()
