"""Any image classifier of transformers, split into a body and a head.

The head is the one linear layer whose output is the logits; its inputs are the features. Where the body has one plain
list of equal blocks, as in vision transformers, a forward pass can stop or start before any of the last blocks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from transformers import PreTrainedModel
from transformers.utils import logging

Precision = Literal["float32", "bfloat16"]
Depth = Literal["all"] | int

# Hides transformers' warnings about a new head and unused weights, which are expected here.
logging.set_verbosity_error()
logging.disable_progress_bar()


@dataclass(frozen=True)
class Network:
    """An image classifier in float32, and where its head and blocks are.

    ``blocks`` are their names, lowest first, empty where there is no plain list; ``tokens`` is the (T, D) of each
    block's input. ``image_size`` is the side of its square input; ``notes`` describe deviations from the request.
    """

    model: PreTrainedModel
    head_name: str
    blocks: tuple[str, ...]
    tokens: tuple[int, int]
    image_size: int
    notes: tuple[str, ...] = ()

    @property
    def head(self) -> nn.Linear:
        """The linear layer from features to logits."""
        return cast(nn.Linear, self.model.get_submodule(self.head_name))

    @property
    def width(self) -> int:
        """The number of features of a picture."""
        return self.head.in_features

    @property
    def patches(self) -> int:
        """The number of tokens that stand for patches, the last ones; 0 where none do."""
        count = (self.image_size // patch_size(self.model)) ** 2 if self.blocks and patch_size(self.model) else 0
        return count if count <= self.tokens[0] else 0

    def body(self) -> dict[str, nn.Parameter]:
        """Return all weights except the head's, by name."""
        weights = self.model.named_parameters()
        return {name: value for name, value in weights if not name.startswith(f"{self.head_name}.")}

    def features(self, pixels: Tensor) -> Tensor:
        """Return the (B, F) float32 inputs of the head for (B, 3, H, W) pixels."""
        found: list[Tensor] = []
        with hooked(self.head.register_forward_pre_hook(lambda _, given: found.append(given[0]))):
            self.model(pixel_values=pixels)
        return found[0].float()

    def tokens_before(self, pixels: Tensor, *, blocks: int) -> Tensor:
        """Return the (B, T, D) input tokens of the last ``blocks`` for (B, 3, H, W) pixels."""
        found: list[Tensor] = []

        def catch(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
            found.append(hidden_states)
            return hidden_states

        with self._replaced(self.blocks[-blocks:], catch):
            self.model(pixel_values=pixels)
        return found[0]

    def features_after(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """Return the (B, F) float32 features of tokens after the last ``blocks`` and the layers that follow."""

        def feed(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
            return ((tokens, *given[1:]), named) if given else ((), {**named, "hidden_states": tokens})

        # One blank picture replaces the batch: its values are discarded at the first block that runs.
        blank = torch.zeros(1, 3, self.image_size, self.image_size, device=tokens.device)
        entry = self.model.get_submodule(self.blocks[-blocks]).register_forward_pre_hook(feed, with_kwargs=True)
        with hooked(entry), self._replaced(self.blocks[:-blocks], lambda hidden_states, *_, **__: hidden_states):
            return self.features(blank)

    @contextmanager
    def _replaced(self, names: Sequence[str], forward: Callable[..., Tensor]) -> Iterator[None]:
        modules = [self.model.get_submodule(name) for name in names]
        for module in modules:
            module.forward = forward
        try:
            yield
        finally:
            for module in modules:
                del module.forward


class Frozen:
    """The layers that are not trained: (B, 3, H, W) pixels to (B, F) features, or to the tokens for the trained blocks.

    In bfloat16 it holds a copy of the weights in that type, so that no batch converts them: 15 % faster than autocast.
    """

    def __init__(self, network: Network, *, trained_blocks: int, precision: Precision) -> None:
        if precision == "bfloat16":
            network = replace(network, model=copy.deepcopy(network.model).to(torch.bfloat16))
        self._network, self._trained_blocks = network, trained_blocks

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        weight = self._network.head.weight
        pixels = pixels.to(weight.device, weight.dtype)
        if self._trained_blocks:
            return self._network.tokens_before(pixels, blocks=self._trained_blocks)
        return self._network.features(pixels)


class Head(nn.Module):
    """The head of a network on whitened features, ``(features - mean) @ projection``: (B, F) to (B, C), in float32.

    With these two constants one learning rate suits every backbone, and large directions are not learnt first.
    """

    mean: Tensor
    projection: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        width, device = linear.in_features, linear.weight.device
        self.register_buffer("mean", torch.zeros(width, device=device))
        self.register_buffer("projection", torch.eye(width, device=device))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits in float32: bfloat16 would lose small updates of the head."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.linear(self.whitened(features))
        return logits

    def whitened(self, features: Tensor) -> Tensor:
        """Return the linear layer's input for (B, F) features."""
        return (features.float() - self.mean) @ self.projection

    def whiten(self, mean: Tensor, projection: Tensor) -> None:
        """Set the whitening to (feature - ``mean``) @ ``projection``, (F,) and (F, F)."""
        self.mean.copy_(mean)
        self.projection.copy_(projection)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return W' = W projectionᵀ and b' = b - W' mean, which give the same logits from unwhitened features."""
        weight = self.linear.weight.detach().double() @ self.projection.double().T
        bias = self.linear.bias.detach().double() - weight @ self.mean.double()
        return weight.float(), bias.float()


class Trained(nn.Module):
    """The trained layers, where there are more than the head: pixels or cached tokens to (B, C) logits and features.

    Weights that no feature depends on stay fixed and have no gradient. Batch norms stay in evaluation mode.
    """

    def __init__(self, network: Network, head: Head, depth: Depth) -> None:
        super().__init__()
        self.model, self.head = network.model, head
        self._network, self._depth = network, depth
        body, device = network.body(), head.linear.weight.device
        self.model.requires_grad_(True)
        shape = (3, network.image_size, network.image_size) if depth == "all" else network.tokens
        features = self._features(torch.zeros(1, *shape, device=device))
        slopes = torch.autograd.grad(features.sum(), list(body.values()), allow_unused=True)
        for value, slope in zip(body.values(), slopes, strict=True):
            value.requires_grad_(slope is not None)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and features, both in float32."""
        features = self._features(inputs)
        return self.head(features), features

    def train(self, mode: bool = True) -> Trained:
        """Set dropout for training or evaluation."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the body's trained weights by layer, lowest first: those before the blocks, then each block's.

        Weights after the blocks belong to the last one.
        """
        found: dict[str, list[nn.Parameter]] = {}
        layer = ""
        for name, value in self._network.body().items():
            layer = next((block for block in self._network.blocks if name.startswith(f"{block}.")), layer)
            if value.requires_grad:
                found.setdefault(layer, []).append(value)
        return list(found.values())

    def _features(self, inputs: Tensor) -> Tensor:
        if self._depth == "all":
            return self._network.features(inputs)
        return self._network.features_after(inputs, blocks=self._depth)


@contextmanager
def hooked(*hooks: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    """Remove the hooks at the end of the ``with`` block."""
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def patch_size(model: PreTrainedModel) -> int:
    """Return the side of a model's patches in pixels; 0 where it has none."""
    patch = getattr(getattr(model.config, "vision_config", model.config), "patch_size", 0)
    return patch if isinstance(patch, int) else int(patch[0])


def resolve_precision(asked: Literal["auto"] | Precision, device: torch.device) -> Precision:
    """Return the precision to compute in: by ``auto`` bfloat16 where the device has instructions that make it fast."""
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return "bfloat16"
    return "float32"
