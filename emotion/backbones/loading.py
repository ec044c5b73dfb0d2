"""Load an image classifier from disk, and find its head and blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

from emotion.backbones.network import Network, hooked, patch_size
from emotion.backbones.pixels import read_processor, square_of
from emotion.core.errors import BackboneError

# Weights that a file may lack besides the head: unused ones, and BEiT's last norm, whose default is the identity.
_MAY_LACK = ("mask_token", "pooler.layernorm.weight", "pooler.layernorm.bias")
# What each module was given and gave in a pass, by module.
Passes = Mapping[nn.Module, Sequence[tuple[Any, Any]]]


def load_backbone(path: Path, *, classes: Sequence[str], image_size: int) -> Network:
    """Load a backbone with a new head for ``classes``; its first weights come from torch's global generator.

    A backbone with a fixed picture size uses its own ``image_size``, and gets a note.
    Raises BackboneError where it is not an image classifier with one head for colour pictures, its weights are damaged,
    missing or not numbers, or its patches do not fit the image size.
    """
    names = dict(enumerate(classes))
    labels = {"id2label": names, "label2id": {name: index for index, name in names.items()}}
    try:
        model, missing = _read(path, num_labels=len(classes), ignore_mismatched_sizes=True, **labels)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise BackboneError(f"The weights in {path} cannot be read: fetch them again or choose another.") from error
    if (channels := getattr(model.config, "num_channels", 3)) != 3:
        raise BackboneError(f"The backbone in {path} takes {channels} channels, not the three of a colour picture.")
    network = _fitted(model, image_size, path)
    lacking = [name for name in missing if not name.startswith(network.head_name) and not name.endswith(_MAY_LACK)]
    if lacking:
        raise BackboneError(f"The weights in {path} lack {lacking[0]}: fetch them again or choose another backbone.")
    # Always new: a pretrained head that fits was trained on features of another scale.
    nn.init.trunc_normal_(network.head.weight, std=0.02)
    nn.init.zeros_(network.head.bias)
    return network


def load_checkpoint(path: Path) -> Network:
    """Load a run's checkpoint, including its head, in evaluation mode.
    Raises OSError, ValueError, KeyError, RuntimeError, SafetensorError, BackboneError where it cannot be read.
    """
    model, _ = _read(path)
    return _fitted(model.requires_grad_(False), square_of(read_processor(path)), path)


def _read(path: Path, **options: Any) -> tuple[PreTrainedModel, Sequence[str]]:
    """Load the image classifier of a folder in float32, and the names of the weights that the folder lacks."""
    config = AutoConfig.from_pretrained(path, local_files_only=True)
    kinds = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.get(config.model_type)
    if kinds is None:
        raise BackboneError(
            f"{path} holds a {config.model_type!r} model, which classifies no pictures: choose a vision model such as "
            "ViT, DINOv2, Swin or ConvNeXt."
        )
    if str((config.architectures or [""])[0]).endswith("WithTeacher"):
        raise BackboneError(
            f"{path} averages two heads, of which one cannot be trained alone: choose another backbone."
        )
    # The first of several is the one without a teacher.
    kind: Any = getattr(transformers, kinds if isinstance(kinds, str) else kinds[0])
    model, report = kind.from_pretrained(
        path,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        dtype=torch.float32,
        **options,
    )
    return model.eval(), sorted(report["missing_keys"])


def _fitted(model: PreTrainedModel, asked: int, path: Path) -> Network:
    """Find head and blocks in one pass of a blank picture, of the requested size or the only one it accepts."""
    if model.config.model_type in ("vit", "deit"):
        _require_whole_patches(model, asked)
        _resize_positions(model, asked)
    own = getattr(getattr(model.config, "vision_config", model.config), "image_size", None) or asked
    for size in (asked, own if isinstance(own, int) else own[0]):
        try:
            network = _dissected(model, size, path)
        except BackboneError:
            raise
        except Exception as error:  # noqa: BLE001  # any error of a third-party model at another size
            reason: Exception = error
            continue
        note = f"This backbone takes pictures of {size} pixels alone: they are taken in place of {asked}."
        return network if size == asked else replace(network, notes=(note,))
    raise BackboneError(
        f"The backbone in {path} takes no colour pictures of {asked} pixels: choose another."
    ) from reason


def _dissected(model: PreTrainedModel, size: int, path: Path) -> Network:
    linears = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    passes: defaultdict[nn.Module, list[tuple[Any, Any]]] = defaultdict(list)

    def note(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        passes[module].append((given[0] if given else named.get("hidden_states"), output))

    watched = {*linears.values(), *(block for blocks in lists.values() for block in blocks)}
    with torch.no_grad(), hooked(*(each.register_forward_hook(note, with_kwargs=True) for each in watched)):
        logits = model(pixel_values=torch.zeros(1, 3, size, size, device=model.device)).logits
    heads = [name for name, linear in linears.items() if any(output is logits for _, output in passes[linear])]
    if len(heads) != 1 or linears[heads[0]].bias is None:
        raise BackboneError(
            f"The {model.config.model_type!r} model in {path} has no single linear head that gives its scores: choose "
            "another backbone."
        )
    if not logits.isfinite().all():
        raise BackboneError(f"The weights in {path} are damaged, its scores are no numbers: choose another backbone.")
    plain = {name: tokens for name, blocks in lists.items() if (tokens := _tokens_of(blocks, passes, model))}
    if len(plain) != 1:
        return Network(model, heads[0], (), (0, 0), size)
    _require_whole_patches(model, size)
    [(name, tokens)] = plain.items()
    return Network(model, heads[0], tuple(f"{name}.{place}" for place in range(len(lists[name]))), tokens, size)


def _tokens_of(blocks: nn.ModuleList, passes: Passes, model: nn.Module) -> tuple[int, int] | None:
    """Return the (T, D) of tokens if the list holds all equal blocks of a model, each passed once; else None."""
    kind = type(next(iter(blocks), None))
    if len(blocks) < 2 or sum(type(module) is kind for module in model.modules()) != len(blocks):
        return None
    tensors = [tensor for block in blocks for one in passes.get(block, ()) for tensor in one]
    if len(tensors) != 2 * len(blocks) or not all(isinstance(each, Tensor) and each.ndim == 3 for each in tensors):
        return None
    shapes = {tuple(each.shape[1:]) for each in tensors}
    return cast(tuple[int, int], shapes.pop()) if len(shapes) == 1 else None


def _require_whole_patches(model: PreTrainedModel, size: int) -> None:
    patch = patch_size(model)
    if patch and size % patch:
        lower = max(size // patch, 1) * patch
        raise BackboneError(
            f"Image size {size} is not a multiple of this backbone's patches of {patch} pixels: "
            f"use {lower} or {lower + patch}."
        )


@torch.no_grad()
def _resize_positions(model: PreTrainedModel, image_size: int) -> None:
    """Resize ViT's learned positions once, since its forward pass does not, so that a checkpoint has the right size."""
    if model.config.image_size == image_size:
        return
    embeddings = cast(Any, getattr(model, model.base_model_prefix)).embeddings
    # Its first argument is tokens of another number of patches than the positions are for.
    resized = embeddings.interpolate_pos_encoding(embeddings.position_embeddings[:, :1], image_size, image_size)
    embeddings.position_embeddings = nn.Parameter(resized)
    embeddings.image_size = embeddings.patch_embeddings.image_size = (image_size, image_size)
    embeddings.patch_embeddings.num_patches = (image_size // patch_size(model)) ** 2
    model.config.image_size = image_size
