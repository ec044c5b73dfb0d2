"""Any image classifier of transformers as a body and a head.

The head is the one linear layer whose output is the logits; what it is given, caught in a pass, are the features. Where
the body holds one plain list of equal blocks, as vision transformers do, a pass may also end before the last of them,
or begin there with tokens that were kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from transformers import AutoConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

from emotion.backbones.device import Precision, quiet
from emotion.backbones.pixels import read_processor, square_of
from emotion.core.errors import BackboneError

Depth = Literal["all"] | int
# What the file may lack beside the head: what no picture passes, and BEiT's last norm, which begins as a plain one.
_MAY_LACK = ("mask_token", "pooler.layernorm.weight", "pooler.layernorm.bias")


@dataclass(frozen=True)
class Network:
    """An image classifier in float32, and where its head and blocks are.

    ``blocks`` names them from the lowest, none where there is no plain list; ``tokens`` is the (T, D) that each is
    given. ``image_size`` is the side of the square pictures it takes; ``notes`` say what is otherwise than asked for.
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
        """How many features a picture has."""
        return self.head.in_features

    @property
    def patches(self) -> int:
        """How many of the tokens stand for patches of the picture, the last ones; 0 where none do."""
        count = (self.image_size // _patch_size(self.model)) ** 2 if self.blocks and _patch_size(self.model) else 0
        return count if count <= self.tokens[0] else 0

    def body(self) -> dict[str, nn.Parameter]:
        """Return all weights but the head's, by name."""
        return {
            name: value for name, value in self.model.named_parameters() if not name.startswith(f"{self.head_name}.")
        }

    def features(self, pixels: Tensor) -> Tensor:
        """Return what the head is given of (B, 3, H, W) pixels, (B, F) in float32."""
        found: list[Tensor] = []
        with _hooked(self.head.register_forward_pre_hook(lambda _, given: found.append(given[0]))):
            self.model(pixel_values=pixels)
        return found[0].float()

    def tokens_before(self, pixels: Tensor, *, blocks: int) -> Tensor:
        """Return the (B, T, D) tokens that the last ``blocks`` are given of (B, 3, H, W) pixels."""
        found: list[Tensor] = []

        def catch(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
            found.append(hidden_states)
            return hidden_states

        with self._replaced(self.blocks[-blocks:], catch):
            self.model(pixel_values=pixels)
        return found[0]

    def features_after(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """Return the (B, F) float32 features of tokens that go through the last ``blocks`` and what follows."""

        def feed(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
            return ((tokens, *given[1:]), named) if given else ((), {**named, "hidden_states": tokens})

        # One blank picture stands for the batch: what is made of it is dropped at the first block that is not left out.
        blank = torch.zeros(1, 3, self.image_size, self.image_size, device=tokens.device)
        entry = self.model.get_submodule(self.blocks[-blocks]).register_forward_pre_hook(feed, with_kwargs=True)
        with _hooked(entry), self._replaced(self.blocks[:-blocks], lambda hidden_states, *_, **__: hidden_states):
            return self.features(blank)

    def computing_in(self, precision: Precision) -> Network:
        """Return the network as it computes when nothing of it is trained.

        In bfloat16 it is a copy with weights of that type, so that no weight is converted in any batch: measured, 15 %
        faster than autocast, its features as near to those in float32 (cosine 0.99996 against 0.99998).
        """
        if precision == "float32":
            return self
        return replace(self, model=copy.deepcopy(self.model).to(torch.bfloat16))

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
    """The part that is not trained: (B, 3, H, W) pixels to (B, F) features, or to the tokens that the rest takes."""

    def __init__(self, network: Network, *, trained_blocks: int, precision: Precision) -> None:
        self._network, self._trained_blocks = network.computing_in(precision), trained_blocks

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        weight = self._network.head.weight
        pixels = pixels.to(weight.device, weight.dtype)
        if self._trained_blocks:
            return self._network.tokens_before(pixels, blocks=self._trained_blocks)
        return self._network.features(pixels)


class Head(nn.Module):
    """The head of a network on whitened features: (B, F) to (B, C), in float32 always.

    It sees ``(features - mean) @ projection``, two constants, so that one learning rate suits every backbone and no
    direction is learnt first because it is large.
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
        """Return the logits. In bfloat16 the steps of a head would blur."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.linear(self.whitened(features))
        return logits

    def whitened(self, features: Tensor) -> Tensor:
        """Return what the linear layer sees of (B, F) features."""
        return (features.float() - self.mean) @ self.projection

    def whiten(self, mean: Tensor, projection: Tensor) -> None:
        """See (feature - ``mean``) @ ``projection`` from now on, (F,) and (F, F)."""
        self.mean.copy_(mean)
        self.projection.copy_(projection)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the weight and the bias that give the same logits of features that are not whitened.

        With W' = W projectionᵀ and b' = b - W' mean.
        """
        weight = self.linear.weight.detach().double() @ self.projection.double().T
        bias = self.linear.bias.detach().double() - weight @ self.mean.double()
        return weight.float(), bias.float()


class Trained(nn.Module):
    """What is trained where that is more than the head: pixels or kept tokens to logits (B, C) and features (B, F).

    Weights that no feature depends on keep their value and have no gradient. Batch norms stay as they were trained.
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
        """Set dropout as in training, or as in judging."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the body's weights that are trained, layer by layer from the lowest.

        What comes before the blocks is a layer of its own, what comes after them counts as part of the last one.
        """
        found: dict[int, list[nn.Parameter]] = {}
        place = -1
        for name, value in self._network.body().items():
            inside = [place for place, block in enumerate(self._network.blocks) if name.startswith(f"{block}.")]
            place = max(place, *inside) if inside else (len(self._network.blocks) - 1 if place >= 0 else -1)
            if value.requires_grad:
                found.setdefault(place, []).append(value)
        return [found[place] for place in sorted(found)]

    def _features(self, inputs: Tensor) -> Tensor:
        if self._depth == "all":
            return self._network.features(inputs)
        return self._network.features_after(inputs, blocks=self._depth)


def load_backbone(path: Path, *, classes: Sequence[str], image_size: int) -> Network:
    """Load a backbone under a fresh head for ``classes``; its first weights come from torch's global generator.

    A backbone that takes pictures of its own size alone has that ``image_size``, and a note.

    Raises:
        BackboneError: it is no image classifier with one head that takes colour pictures, its weights are torn, missing
            or no numbers, or its patches do not fill the image size.
    """
    names = dict(enumerate(classes))
    try:
        with quiet():
            config = AutoConfig.from_pretrained(path, local_files_only=True)
            model, report = _class_for(config, path).from_pretrained(
                path,
                num_labels=len(classes),
                id2label=names,
                label2id={name: index for index, name in names.items()},
                ignore_mismatched_sizes=True,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise BackboneError(f"The weights in {path} cannot be read: fetch them again or choose another.") from error
    if (channels := getattr(config, "num_channels", 3)) != 3:
        raise BackboneError(f"The backbone in {path} takes {channels} channels, not the three of a colour picture.")
    if not all(value.isfinite().all() for value in model.parameters()):
        raise BackboneError(f"The weights in {path} are damaged, some are no numbers: choose another backbone.")
    network = _fitted(model.eval(), image_size, path)
    lacking = [name for name in report["missing_keys"] if not name.startswith(network.head_name)]
    if lacking := [name for name in lacking if not name.endswith(_MAY_LACK)]:
        raise BackboneError(f"The weights in {path} lack {lacking[0]}: fetch them again or choose another backbone.")
    # Always fresh: a head that happened to fit was trained on features of another scale.
    nn.init.trunc_normal_(network.head.weight, std=0.02)
    nn.init.zeros_(network.head.bias)
    return network


def load_checkpoint(path: Path) -> Network:
    """Load what a run saved, head and all, ready to judge.

    Raises:
        OSError, ValueError, KeyError, RuntimeError, SafetensorError, BackboneError: it cannot be read.
    """
    with quiet():
        config = AutoConfig.from_pretrained(path, local_files_only=True)
        model = _class_for(config, path).from_pretrained(
            path, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
        return _fitted(model.eval().requires_grad_(False), load_size(path), path)


def load_size(path: Path) -> int:
    """Return the side in pixels of the pictures that the processor in a folder makes."""
    return square_of(read_processor(path))


def _class_for(config: Any, path: Path) -> type[PreTrainedModel]:
    names = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.get(config.model_type)
    if names is None:
        raise BackboneError(
            f"{path} holds a {config.model_type!r} model, which classifies no pictures: choose a vision model such as "
            "ViT, DINOv2, Swin or ConvNeXt."
        )
    if str((config.architectures or [""])[0]).endswith("WithTeacher"):
        raise BackboneError(
            f"{path} averages two heads, of which one cannot be trained alone: choose another backbone."
        )
    # Of several the first, which is the one without a teacher.
    found: type[PreTrainedModel] = getattr(transformers, names if isinstance(names, str) else names[0])
    return found


def _fitted(model: PreTrainedModel, asked: int, path: Path) -> Network:
    """Find head and blocks in one pass of a blank picture, of the size asked for or of the only one that it takes."""
    if model.config.model_type in ("vit", "deit"):
        _require_whole_patches(model, asked)
        _resize_positions(model, asked)
    own = getattr(getattr(model.config, "vision_config", model.config), "image_size", None)
    own = own if isinstance(own, int) else own and own[0]
    for size in (asked, own):
        try:
            network = size and _dissected(model, size, path)
        except BackboneError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a foreign model raises of a size that is not its own
            reason: Exception = error
            continue
        if not network:
            continue
        if size != asked:
            note = f"This backbone takes pictures of {size} pixels alone: they are taken in place of {asked}."
            return replace(network, notes=(note,))
        return network
    raise BackboneError(
        f"The backbone in {path} takes no colour pictures of {asked} pixels: choose another."
    ) from reason


def _dissected(model: PreTrainedModel, size: int, path: Path) -> Network:
    linears: list[tuple[str, nn.Linear, Tensor]] = []
    passed: dict[int, list[tuple[Any, Any]]] = {}
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    hooks = [
        module.register_forward_hook(lambda one, _, output, name=name: linears.append((name, one, output)))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    hooks += [
        block.register_forward_hook(
            lambda one, given, named, output: passed.setdefault(id(one), []).append(
                (given[0] if given else named.get("hidden_states"), output)
            ),
            with_kwargs=True,
        )
        for blocks in lists.values()
        for block in blocks
    ]
    with torch.no_grad(), _hooked(*hooks):
        logits = model(pixel_values=torch.zeros(1, 3, size, size, device=model.device)).logits
    heads = [(name, module) for name, module, output in linears if output is logits]
    if len(heads) != 1 or heads[0][1].bias is None:
        raise BackboneError(
            f"The {model.config.model_type!r} model in {path} has no single linear head that gives its scores: choose "
            "another backbone."
        )
    if not logits.isfinite().all():
        raise BackboneError(f"The weights in {path} are damaged, its scores are no numbers: choose another backbone.")
    plain = {name: tokens for name, blocks in lists.items() if (tokens := _tokens_of(blocks, passed, model))}
    name, tokens = next(iter(plain.items())) if len(plain) == 1 else ("", (0, 0))
    blocks = tuple(f"{name}.{place}" for place in range(len(lists[name]))) if name else ()
    if blocks:
        _require_whole_patches(model, size)
    return Network(model, heads[0][0], blocks, tokens, size)


def _tokens_of(
    blocks: nn.ModuleList, passed: dict[int, list[tuple[Any, Any]]], model: nn.Module
) -> tuple[int, int] | None:
    """Return the (T, D) of tokens where a list is all the equal blocks of a model, each passed once; else None."""
    kind = type(next(iter(blocks), None))
    if len(blocks) < 2 or sum(type(module) is kind for module in model.modules()) != len(blocks):
        return None
    shapes = set()
    for block in blocks:
        passes = passed.get(id(block), [])
        if len(passes) != 1 or not all(isinstance(each, Tensor) and each.ndim == 3 for each in passes[0]):
            return None
        shapes |= {tuple(each.shape[1:]) for each in passes[0]}
    return cast(tuple[int, int], shapes.pop()) if len(shapes) == 1 else None


@contextmanager
def _hooked(*hooks: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _patch_size(model: PreTrainedModel) -> int:
    patch = getattr(getattr(model.config, "vision_config", model.config), "patch_size", 0)
    return patch if isinstance(patch, int) else int(patch[0])


def _require_whole_patches(model: PreTrainedModel, size: int) -> None:
    patch = _patch_size(model)
    if patch and size % patch:
        lower = max(size // patch, 1) * patch
        raise BackboneError(
            f"Image size {size} is not a multiple of this backbone's patches of {patch} pixels: "
            f"use {lower} or {lower + patch}."
        )


@torch.no_grad()
def _resize_positions(model: PreTrainedModel, image_size: int) -> None:
    """Resize ViT's learned positions once, since its forward pass would not: so the plain checkpoint takes the size."""
    patch = _patch_size(model)
    if model.config.image_size == image_size:
        return
    embeddings = cast(Any, getattr(model, model.base_model_prefix)).embeddings
    old, new = model.config.image_size // patch, image_size // patch
    positions: Tensor = embeddings.position_embeddings
    special, grid = positions[:, : -(old**2)], positions[:, -(old**2) :]
    planes = grid.reshape(1, old, old, -1).permute(0, 3, 1, 2)
    planes = functional.interpolate(planes, size=(new, new), mode="bicubic", align_corners=False)
    grid = planes.permute(0, 2, 3, 1).reshape(1, new**2, -1)
    embeddings.position_embeddings = nn.Parameter(torch.cat([special, grid], dim=1))
    embeddings.image_size = embeddings.patch_embeddings.image_size = (image_size, image_size)
    embeddings.patch_embeddings.num_patches = new**2
    model.config.image_size = image_size
