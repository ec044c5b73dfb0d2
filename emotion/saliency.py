"""Where in a picture a class's evidence lies, by a vision transformer's attention. Knows nothing of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import CutModel, Pool, Trunk

Box = tuple[float, float, float, float]


def relevance(parts: CutModel, pixels: Tensor, *, index: int) -> Tensor:
    """Return how much each patch of one picture speaks for the class ``index``: (1, 3, H, W) to (rows, columns).

    Gradient-weighted attention rollout: Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability for
    Interpreting Bi-Modal and Encoder-Decoder Transformers", ICCV 2021, arXiv 2103.15679, for self-attention alone.
    From block to block ``R ← R + Ā R``, where ``Ā`` is the mean over the heads of the positive part of attention times
    the score's gradient, and R (tokens, tokens) begins as identity.

    The paper reads the class token's row of R, since its classifiers read that token alone. DINOv2's reads the mean of
    the patches' tokens beside it. So the rows are weighted by how they are read: ``(R - I)`` in the row of the class
    token and in the mean of the rows of the patches, each times what it adds to the score (positive part of gradient
    times activation, scaled to a sum of 1). For ViT and DeiT that is the paper's row again.

    The score is the class's logit minus the mean of the other ones: whatever every logit has in common moves no
    probability, and moves nothing here. Computed in float32, for a trunk that ends in its pool; the model is left as
    it was.
    """
    trunk = cast(Trunk, parts.trunk)
    with torch.enable_grad(), torch.autocast(pixels.device.type, enabled=False), _attention(parts) as recorded:
        tokens = trunk.embeddings(pixels).detach().requires_grad_()
        for block in trunk.blocks:
            tokens = block(tokens)
        features = cast(Pool, trunk.pool)(tokens)
        logits = parts.top(features)[0]
        others = torch.cat([logits[:index], logits[index + 1 :]])
        *slopes, slope = torch.autograd.grad(logits[index] - others.mean(), [*recorded, features])
    brought = rollout([(weights[0].detach(), each[0]) for weights, each in zip(recorded, slopes, strict=True)])
    added = (slope * features.detach()).reshape(-1, tokens.shape[-1]).sum(1)
    side = parts.model.config.patch_size
    rows, columns = (length // (side if isinstance(side, int) else side[0]) for length in pixels.shape[-2:])
    # Counted from the end: before the patches come class token and registers, and DeiT's token of distillation.
    patches = slice(-rows * columns, None)
    read = torch.stack([brought[0], brought[patches].mean(0)])[: len(added)]
    return (shares(added) @ read)[patches].reshape(rows, columns)


def rollout(layers: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return R - I (tokens, tokens) of each block's attention and its gradient, both (heads, tokens, tokens), in order.

    Without the identity: a token's word for itself says nothing of where attention looks.
    """
    identity = torch.eye(layers[0][0].shape[-1], device=layers[0][0].device)
    flow = identity
    for weights, slope in layers:
        flow = flow + (weights * slope).clamp(min=0).mean(0) @ flow
    return flow - identity


def shares(added: Tensor) -> Tensor:
    """Return the weight of each thing that is read (sums to 1) of what it adds to the score.

    Where none speaks for the class, each counts by how much it says at all.
    """
    positive = added.clamp(min=0)
    weights = positive if positive.any() else added.abs()
    return weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def shown_box(processor: BaseImageProcessor, *, width: int, height: int) -> Box:
    """Return which part of a picture a processor shows: left, top, right, bottom in shares of its width and height.

    As ``load_processor`` sets it up: the whole, squeezed into a square, or resized by its shortest edge and then cut
    to the square in its centre. Pixels are rounded as transformers does (``image_transforms``).
    """
    if not getattr(processor, "do_center_crop", False):
        return 0.0, 0.0, 1.0, 1.0
    edge, short = processor.size["shortest_edge"], min(width, height)
    wide, high = (edge if side == short else int(edge * side / short) for side in (width, height))
    crop_wide, crop_high = processor.crop_size["width"], processor.crop_size["height"]
    left, top = (wide - crop_wide) // 2, (high - crop_high) // 2
    return left / wide, top / high, (left + crop_wide) / wide, (top + crop_high) / high


@contextmanager
def _attention(parts: CutModel) -> Iterator[list[Tensor]]:
    """Collect the attention (1, heads, tokens, tokens) of each block that is run meanwhile."""
    model, recorded = parts.model, list[Tensor]()

    def record(_: nn.Module, __: Any, output: tuple[Tensor, Tensor]) -> None:
        recorded.append(output[1])

    with ExitStack() as stack:
        # Only computed this way there is an attention to be seen; the fused ways are faster and stay those of all else.
        stack.callback(model.set_attn_implementation, model.config._attn_implementation)
        model.set_attn_implementation("eager")
        for block in cast(Trunk, parts.trunk).blocks:
            stack.callback(cast(nn.Module, block.attention).register_forward_hook(record).remove)
        yield recorded
