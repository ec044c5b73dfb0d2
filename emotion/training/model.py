"""The model of a training: backbone, head, trained part, and notes on settings it does not support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.loading import load_backbone
from emotion.backbones.network import Head, Network, Trained
from emotion.backbones.pixels import load_processor
from emotion.core.config import TrainConfig
from emotion.core.errors import BackboneError


@dataclass(frozen=True)
class Model:
    """``trained`` is None where only the head is trained; patch dropout chooses from ``patches`` (0: unsupported)."""

    network: Network
    head: Head
    trained: Trained | None
    processor: BaseImageProcessor
    patches: int
    notes: list[str]

    def weights(self) -> dict[str, Tensor]:
        """Return the trained weights by name, the head's last; writing to them changes the model."""
        layers = [value for layer in self.trained.layers() for value in layer] if self.trained else []
        return {str(place): value.data for place, value in enumerate([*layers, *self.head.linear.parameters()])}


def load_model(config: TrainConfig, classes: Sequence[str], path: Path, device: torch.device) -> Model:
    """Load a backbone with a new head; each unsupported setting becomes a note.
    Raises BackboneError where it cannot be loaded, or trained as asked.
    """
    network = load_backbone(path, classes=classes, image_size=config.image_size)
    processor = load_processor(path, image_size=network.image_size)
    network.model.to(device).requires_grad_(False)
    network.head.requires_grad_(True)
    notes, patches, blocks = list(network.notes), 0, len(network.blocks)
    if isinstance(config.depth, int):
        if not blocks:
            raise BackboneError("This backbone is no plain list of blocks: use the depth head or all.")
        if config.depth > blocks:
            raise BackboneError(
                f"Depth {config.depth} is more than this backbone's {blocks} blocks: use fewer, or all."
            )
        patches = network.patches if config.patch_dropout and _drops_patches(network, config.depth) else 0
        if config.patch_dropout and not patches:
            notes.append("This backbone needs all patches of a picture: none are left out.")
    elif config.layer_decay < 1 and config.depth == "all" and not blocks:
        notes.append("This backbone is no plain list of blocks: layer decay does nothing.")
    head = Head(network.head)
    trained = None if config.depth == "head" else Trained(network, head, config.depth)
    return Model(network, head, trained, processor, patches, notes)


def _drops_patches(network: Network, depth: int) -> bool:
    tokens, width = network.tokens
    try:
        with torch.no_grad():
            network.features_after(torch.zeros(1, tokens - 1, width, device=network.head.weight.device), blocks=depth)
    except Exception:  # noqa: BLE001  # any error of a third-party model given fewer tokens than positions
        return False
    return True
