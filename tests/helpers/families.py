"""A tiny random model of each family of vision transformers, with three blocks."""

from __future__ import annotations

from typing import Any

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 8}
FAMILIES: dict[str, tuple[str, dict[str, int]]] = {
    "vit": ("ViT", {"intermediate_size": 64, "image_size": 32}),
    "deit": ("DeiT", {"intermediate_size": 64, "image_size": 32}),
    "dinov2": ("Dinov2", {"mlp_ratio": 2, "image_size": 48}),
    "dinov2_with_registers": ("Dinov2WithRegisters", {"mlp_ratio": 2, "image_size": 48, "num_register_tokens": 4}),
}


def make_model(family: str, **more: int) -> Any:
    """Return a random classifier, ready to judge; ``more`` are settings of its configuration."""
    import torch
    import transformers

    torch.manual_seed(1)
    name, sizes = FAMILIES[family]
    config = getattr(transformers, f"{name}Config")(**SMALL, **sizes, **more)
    return getattr(transformers, f"{name}ForImageClassification")(config).eval()
