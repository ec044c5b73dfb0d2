"""What a training works with: its settings, the machine, and the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.loading import load_backbone
from emotion.backbones.network import Head, Network, Precision, Trained, resolve_precision
from emotion.backbones.pixels import load_processor
from emotion.backbones.registry import BackboneSource
from emotion.core.config import Depth, TrainConfig
from emotion.core.errors import BackboneError


class Stopped(Exception):
    """The training was asked to stop."""


def make_accelerator() -> Accelerator:
    """Return an Accelerator for the device and for the processes that torchrun started."""
    # By default accelerate would choose Apple's GPU, which has no float64, and under torchrun without a GPU start
    # independent runs, each "0 of 1".
    return Accelerator(cpu=not torch.cuda.is_available())


@dataclass
class Context:
    """A training's settings and the machine it runs on."""

    config: TrainConfig
    asked_to_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.accelerator = make_accelerator()
        self.device: torch.device = self.accelerator.device
        self.processes, self.rank = int(self.accelerator.num_processes), int(self.accelerator.process_index)
        self.precision: Precision = resolve_precision(self.config.precision, self.device)

    def autocast(self) -> torch.autocast:
        """Return the autocast context for a trained backbone."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    def stop_if_asked(self) -> None:
        """Raise Stopped if the training was asked to stop."""
        # The first process decides: if each decided alone, some could wait for the others forever.
        if broadcast_object_list([self.asked_to_stop()])[0]:
            raise Stopped


@contextmanager
def threads_for(depth: Depth) -> Iterator[None]:
    """Train a head in one thread: threads slow such small steps down, on a busy machine many times over."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if depth == "head" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Backbone:
    """A loaded network, its image processor, and the SHA-256 of the weights that its features come from."""

    network: Network
    processor: BaseImageProcessor
    sha256: str


@dataclass(frozen=True)
class Model:
    """``trained`` is None where only the head is trained; patch dropout chooses from ``patches`` (0: unsupported)."""

    backbone: Backbone
    head: Head
    trained: Trained | None = None
    patches: int = 0
    notes: list[str] = field(default_factory=list)

    def weights(self) -> dict[str, Tensor]:
        """Return the trained weights by name, the head's last; writing to them changes the model."""
        layers = [value for layer in self.trained.layers() for value in layer] if self.trained else []
        return {str(place): value.data for place, value in enumerate([*layers, *self.head.linear.parameters()])}


def read_backbone(source: BackboneSource, *, classes: Sequence[str], image_size: int) -> Backbone:
    """Load a backbone with a new head for ``classes``. Raises BackboneError where it cannot be loaded."""
    network = load_backbone(source.path, classes=classes, image_size=image_size)
    return Backbone(network, load_processor(source.path, image_size=network.image_size), source.sha256)


def load_model(config: TrainConfig, classes: Sequence[str], source: BackboneSource, device: torch.device) -> Model:
    """Load a backbone with a new head; each unsupported setting becomes a note.
    Raises BackboneError where it cannot be loaded, or trained as asked.
    """
    backbone = read_backbone(source, classes=classes, image_size=config.image_size)
    network = backbone.network
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
    return Model(backbone, head, trained, patches, notes)


def _drops_patches(network: Network, depth: int) -> bool:
    tokens, width = network.tokens
    try:
        with torch.no_grad():
            network.features_after(torch.zeros(1, tokens - 1, width, device=network.head.weight.device), blocks=depth)
    except Exception:  # noqa: BLE001  # any error of a third-party model given fewer tokens than positions
        return False
    return True
