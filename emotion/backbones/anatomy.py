"""Load a vision transformer and cut it into a frozen trunk and a trainable top. Knows nothing of emotions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoImageProcessor, BaseImageProcessor, PreTrainedModel
from transformers.models.deit.modeling_deit import DeiTForImageClassification
from transformers.models.dinov2.modeling_dinov2 import Dinov2ForImageClassification
from transformers.models.dinov2_with_registers.modeling_dinov2_with_registers import (
    Dinov2WithRegistersForImageClassification,
)
from transformers.models.vit.modeling_vit import ViTForImageClassification

from emotion.backbones.quiet import quiet
from emotion.errors import BackboneError


@dataclass(frozen=True)
class Kind:
    """How a family of vision transformers is laid out in transformers.

    ``base`` names the model without its classifier, ``blocks`` the list of its blocks. ``averages_patches`` says
    that the classifier sees the class token and the mean patch, not the class token alone; ``fits_any_size`` that
    positions are interpolated in the forward pass.
    """

    model: type[PreTrainedModel]
    base: str
    blocks: str
    averages_patches: bool
    fits_any_size: bool


KINDS: dict[str, Kind] = {
    "vit": Kind(ViTForImageClassification, "vit", "layers", False, False),
    "deit": Kind(DeiTForImageClassification, "deit", "layers", False, False),
    "dinov2": Kind(Dinov2ForImageClassification, "dinov2", "encoder.layer", True, True),
    "dinov2_with_registers": Kind(
        Dinov2WithRegistersForImageClassification, "dinov2_with_registers", "encoder.layer", True, True
    ),
}


def load_model(path: Path, *, classes: Sequence[str], image_size: int) -> PreTrainedModel:
    """Load a backbone in float32 under a fresh classifier for ``classes`` that takes square pictures of ``image_size``.

    The classifier's weights come from torch's global generator.

    Raises:
        BackboneError: no ViT-like model, one that takes no colours, weights that are torn, missing or no numbers, or
            an image size that its patches do not fill.
    """
    names = dict(enumerate(classes))
    try:
        with quiet():
            config = AutoConfig.from_pretrained(path, local_files_only=True)
            kind = _kind_of(config.model_type, path)
            model, report = kind.model.from_pretrained(
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
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BackboneError(f"The weights in {path} cannot be read: fetch them again or choose another.") from error
    lacking = [
        name for name in report["missing_keys"] if not name.startswith("classifier.") and "mask_token" not in name
    ]
    if lacking:
        raise BackboneError(f"The weights in {path} lack {lacking[0]}: fetch them again or choose another backbone.")
    if (channels := getattr(config, "num_channels", 3)) != 3:
        raise BackboneError(f"The backbone in {path} takes {channels} channels, not the three of a colour picture.")
    if not all(value.isfinite().all() for value in model.parameters()):
        raise BackboneError(f"The weights in {path} are damaged, some are no numbers: choose another backbone.")
    # Always fresh: a classifier that happened to fit was trained on features of another scale.
    nn.init.trunc_normal_(model.classifier.weight, std=0.02)
    nn.init.zeros_(model.classifier.bias)
    _fit_image_size(model, kind, image_size)
    return cast(PreTrainedModel, model.eval())


def load_processor(path: Path, *, image_size: int) -> BaseImageProcessor:
    """Load a backbone's own image processor (Pillow), set to give square pictures of ``image_size``.

    Where it resizes and then crops, it crops no more than makes a square: DINOv2's own margin of an eighth would cut
    off the chin or the brows of a face that fills its picture.

    Raises:
        BackboneError: the folder has none.
    """
    try:
        with quiet():
            processor = AutoImageProcessor.from_pretrained(path, backend="pil", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(
            f"{path} has no preprocessor_config.json that can be read: add the one of its model."
        ) from error
    square = {"height": image_size, "width": image_size}
    if getattr(processor, "do_center_crop", False):
        processor.crop_size = square
        processor.size = {"shortest_edge": image_size}
    else:
        processor.size = square
    return cast(BaseImageProcessor, processor)


class Trunk(nn.Module):
    """The frozen part: pixels (B, 3, H, W) to tokens (B, T, D), or to pooled features (B, F) where no block is left."""

    def __init__(self, embeddings: nn.Module, blocks: Sequence[nn.Module], pool: nn.Module | None) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.blocks = nn.ModuleList(blocks)
        self.pool = pool

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the activations that the top takes."""
        tokens: Tensor = self.embeddings(pixels)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.pool is None else self.pool(tokens)


class Pool(nn.Module):
    """The last normalisation, and what the Hub's own class feeds its classifier: (B, T, D) to (B, F) in float32."""

    def __init__(self, norm: nn.Module, *, special_tokens: int, averages_patches: bool) -> None:
        super().__init__()
        self.norm = norm
        self._special_tokens = special_tokens
        self._averages_patches = averages_patches

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the features of the classifier."""
        tokens = self.norm(tokens).float()
        first = tokens[:, 0]
        if not self._averages_patches:
            return first
        return torch.cat([first, tokens[:, self._special_tokens :].mean(1)], dim=1)


class Top(nn.Module):
    """The part that is trained: activations (B, …) to logits (B, C).

    The classifier sees ``(features - mean) @ projection``, two constants, so that one learning rate suits every
    backbone and no direction is learnt first because it is large; ``CutModel.plain_state`` folds them into it.
    """

    mean: Tensor
    projection: Tensor

    def __init__(self, body: nn.Module, classifier: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.classifier = classifier
        device, width = classifier.weight.device, classifier.in_features
        self.register_buffer("mean", torch.zeros(width, device=device))
        self.register_buffer("projection", torch.eye(width, device=device))

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits in float32. The classifier computes in float32 always: in bfloat16 its steps would blur."""
        features: Tensor = self.body(activations)
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.classifier(self.whitened(features))
        return logits

    def whitened(self, features: Tensor) -> Tensor:
        """Return what the classifier sees of (B, F) features."""
        return (features.float() - self.mean) @ self.projection


@dataclass(frozen=True)
class CutModel:
    """A model in two parts that share its weights. ``trunk`` is None where everything is trained.

    ``special_tokens`` is how many tokens come before those of the patches.
    """

    model: PreTrainedModel
    trunk: Trunk | None
    top: Top
    special_tokens: int

    @property
    def trunk_only(self) -> bool:
        """Whether the classifier is all that is trained."""
        return self.trunk is not None and self.trunk.pool is not None

    def features(self, activations: Tensor) -> Tensor:
        """Return what the classifier is given, before it is whitened: (B, …) to (B, F)."""
        features: Tensor = self.top.body(activations)
        return features

    def whiten(self, mean: Tensor, projection: Tensor) -> None:
        """Let the classifier see (feature - ``mean``) @ ``projection``, (F,) and (F, F)."""
        self.top.mean.copy_(mean)
        self.top.projection.copy_(projection)

    def trainable_groups(self) -> dict[str, list[list[nn.Parameter]]]:
        """Return the weights that are trained, layer by layer from the lowest.

        Under ``head`` is one layer, the classifier, under ``blocks`` all others; the last normalisation counts as part
        of the last block.
        """
        layers = [[value for value in part.parameters() if value.requires_grad] for part in self.top.body.children()]
        blocks = [*layers[:-2], [*layers[-2], *layers[-1]]] if layers else []
        return {"head": [list(self.top.classifier.parameters())], "blocks": blocks}

    def plain_state(self) -> dict[str, Tensor]:
        """Return the model's state with the whitening folded into its classifier.

        With W' = W projectionᵀ and b' = b - W' mean, the plain model gives the same logits.
        """
        state = {name: value.detach() for name, value in self.model.state_dict().items()}
        weight = self.top.classifier.weight.detach().double() @ self.top.projection.double().T
        bias = self.top.classifier.bias.detach().double() - weight @ self.top.mean.double()
        state["classifier.weight"], state["classifier.bias"] = weight.float(), bias.float()
        return state


def cut(model: PreTrainedModel, depth: int | None) -> CutModel:
    """Cut before the last ``depth`` blocks: 0 leaves the classifier alone to be trained, None leaves nothing frozen.

    The parts share the model's weights; what is frozen loses its ``requires_grad``.

    Raises:
        BackboneError: the model has fewer blocks, or is of no known kind.
    """
    kind = _kind_of(model.config.model_type, Path(str(model.config.name_or_path)))
    base = cast(nn.Module, getattr(model, kind.base))
    blocks = list(cast(nn.ModuleList, base.get_submodule(kind.blocks)))
    if depth is not None and depth > len(blocks):
        raise BackboneError(f"Depth {depth} is more than this backbone's {len(blocks)} blocks: use fewer, or all.")
    embeddings = cast(nn.Module, base.embeddings)
    registers = int(getattr(model.config, "num_register_tokens", 0))
    pool = Pool(cast(nn.Module, base.layernorm), special_tokens=1 + registers, averages_patches=kind.averages_patches)
    classifier = cast(nn.Linear, model.classifier)
    model.requires_grad_(False)
    classifier.requires_grad_(True)
    if depth == 0:
        return CutModel(model, Trunk(embeddings, blocks, pool), Top(nn.Identity(), classifier), 1 + registers)
    trained = blocks if depth is None else blocks[-depth:]
    body = nn.Sequential(*trained, pool)
    if depth is None:
        body = nn.Sequential(embeddings, *body)
    body.requires_grad_(True)
    for name, parameter in body.named_parameters():
        if name.endswith("mask_token"):
            # No picture is masked here: without a gradient it would stall a data-parallel training.
            parameter.requires_grad_(False)
    trunk = None if depth is None else Trunk(embeddings, blocks[:-depth], None)
    return CutModel(model, trunk, Top(body, classifier), 1 + registers)


def _kind_of(model_type: str, path: Path) -> Kind:
    if model_type not in KINDS:
        raise BackboneError(
            f"{path} holds a {model_type!r} model: choose a vision transformer of type {', '.join(KINDS)}."
        )
    return KINDS[model_type]


@torch.no_grad()
def _fit_image_size(model: PreTrainedModel, kind: Kind, image_size: int) -> None:
    """Resize learned positions once where the forward pass would not, so that the plain checkpoint takes the size."""
    patch = model.config.patch_size
    patch = patch if isinstance(patch, int) else patch[0]
    if image_size % patch:
        lower = max(image_size // patch, 1) * patch
        raise BackboneError(
            f"Image size {image_size} is not a multiple of this backbone's patches of {patch} pixels: "
            f"use {lower} or {lower + patch}."
        )
    if kind.fits_any_size or model.config.image_size == image_size:
        return
    embeddings = getattr(model, kind.base).embeddings
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
