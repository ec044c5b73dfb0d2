"""Which parts of a picture speak for a class, from a vision transformer's attention."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.network import Network
from emotion.core.errors import RunError

Box = tuple[float, float, float, float]


def relevance(network: Network, pixels: Tensor, *, index: int) -> Tensor:
    """Return how much each patch of one picture speaks for the class ``index``: (1, 3, H, W) to (rows, columns).

    Gradient-weighted attention rollout: Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability for
    Interpreting Bi-Modal and Encoder-Decoder Transformers", ICCV 2021, arXiv 2103.15679, for self-attention alone.
    From block to block ``R ← R + Ā R``, where ``Ā`` is the mean over the heads of the positive part of attention times
    the score's gradient, and R (tokens, tokens) begins as identity.

    The paper reads the class token's row of R, since its classifiers read that token alone. Others read the mean of the
    patches' tokens beside it, or in its place: which, is seen from the tokens that the features depend on. The rows are
    weighted by how they are read: ``(R - I)`` in the row of the class token and in the mean of the rows of the patches,
    each times what it adds to the score (positive part of gradient times feature, scaled to a sum of 1).

    The score is the class's logit minus the mean of the other ones: whatever every logit has in common moves no
    probability, and moves nothing here. Computed in float32; the network is left as it was.

    Raises:
        RunError: the network has no attention between patches.
    """
    if not network.patches:
        raise RunError("This backbone has no attention between patches, so there is no map: use one such as DINOv2.")
    model, pixels = network.model, pixels.to(network.head.weight.device).requires_grad_()
    given: list[Tensor] = []
    last: list[Tensor] = []
    with ExitStack() as stack:
        # Only computed this way there is an attention to be seen; the fused ways are faster and stay those of all else.
        stack.callback(model.set_attn_implementation, model.config._attn_implementation)
        model.set_attn_implementation("eager")
        stack.callback(network.head.register_forward_pre_hook(lambda _, args: given.append(args[0])).remove)
        block = model.get_submodule(network.blocks[-1])
        stack.callback(block.register_forward_hook(lambda _, __, output: last.append(output)).remove)
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(pixels.device.type, enabled=False))
        output = model(pixel_values=pixels, output_attentions=True)
        logits, features = output.logits[0], given[0]
        others = torch.cat([logits[:index], logits[index + 1 :]])
        layers = output.attentions
        *slopes, slope = torch.autograd.grad(logits[index] - others.mean(), [*layers, features], retain_graph=True)
        # Each feature by a weight of its own: their plain sum is the same for all that comes out of a layer norm.
        uneven = features @ torch.arange(1.0, features.shape[-1] + 1, device=features.device)
        [dependence] = torch.autograd.grad(uneven.sum(), last)
    flow = rollout([(weights[0].detach(), each[0]) for weights, each in zip(layers, slopes, strict=True)])
    # Counted from the end: before the patches come class token and registers, and DeiT's token of distillation.
    patches = slice(-network.patches, None)
    mean = flow[patches].mean(0)
    rows = [mean]
    if network.tokens[0] > network.patches and dependence[0, 0].any():
        rows = [flow[0], mean] if features.shape[-1] > last[0].shape[-1] else [flow[0]]
    added = (slope * features.detach()).reshape(len(rows), -1).sum(1)
    side = int(network.patches**0.5)
    return (shares(added) @ torch.stack(rows))[patches].reshape(side, side)


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
