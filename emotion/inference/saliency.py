"""Which parts of a picture support a class, from a vision transformer's attention."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.network import Network
from emotion.core.errors import RunError

Box = tuple[float, float, float, float]


def relevance(network: Network, pixels: Tensor, *, index: int) -> Tensor:
    """Return how much each patch of one picture supports the class ``index``: (1, 3, H, W) to (rows, columns).

    Gradient-weighted attention rollout: Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability for
    Interpreting Bi-Modal and Encoder-Decoder Transformers", ICCV 2021, arXiv 2103.15679, for self-attention alone.
    In each block ``R ← R + Ā R``, where ``Ā`` is the mean over the heads of the positive part of attention times
    the score's gradient, and R (tokens, tokens) starts as the identity.

    The paper reads the class token's row of R, since its classifiers read that token alone. Others read the mean of the
    patch tokens too, or only that mean: which, is found from the tokens that the features depend on. The result is the
    sum of the rows of ``R - I`` that are read, weighted by what each adds to the score (gradient times feature).

    The score is the class's logit minus the mean of the others, since a change common to all logits changes no
    probability. Computed in float32; the network's settings are restored afterwards.
    Raises RunError where the network has no attention between patches.
    """
    if not network.patches:
        raise RunError("This backbone has no attention between patches, so there is no map: use one such as DINOv2.")
    model, pixels = network.model, pixels.to(network.head.weight.device).requires_grad_()
    given: list[Tensor] = []
    last: list[Tensor] = []
    with ExitStack() as stack:
        # Only the eager implementation returns attention; everything else uses the faster fused ones.
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
        *gradients, slope = torch.autograd.grad(logits[index] - others.mean(), [*layers, features], retain_graph=True)
        # Each feature gets its own weight: after a layer norm the plain sum is constant.
        uneven = features @ torch.arange(1.0, features.shape[-1] + 1, device=features.device)
        [dependence] = torch.autograd.grad(uneven.sum(), last)
    identity = torch.eye(layers[0].shape[-1], device=layers[0].device)
    flow = identity
    for weights, gradient in zip(layers, gradients, strict=True):
        flow = flow + (weights[0].detach() * gradient[0]).clamp(min=0).mean(0) @ flow
    # A token's effect on itself does not show where attention goes.
    flow = flow - identity
    # Counted from the end: the class token, registers and DeiT's distillation token come before the patches.
    patches = slice(-network.patches, None)
    mean = flow[patches].mean(0)
    rows = [mean]
    if network.tokens[0] > network.patches and dependence[0, 0].any():
        rows = [flow[0], mean] if features.shape[-1] > last[0].shape[-1] else [flow[0]]
    added = (slope * features.detach()).reshape(len(rows), -1).sum(1)
    # Where nothing adds to the score, what takes from it.
    weights = added.clamp(min=0) if (added > 0).any() else added.abs()
    shares = weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
    side = int(network.patches**0.5)
    return (shares @ torch.stack(rows))[patches].reshape(side, side)


def shown_box(processor: BaseImageProcessor, *, width: int, height: int) -> Box:
    """Return which part of a picture a processor shows: left, top, right, bottom as shares of its width and height.

    As ``load_processor`` sets it up: the whole picture, resized to a square, or resized by its shortest edge and then
    cropped to the square in its centre. Pixels are rounded as transformers does (``image_transforms``).
    """
    if not getattr(processor, "do_center_crop", False):
        return 0.0, 0.0, 1.0, 1.0
    edge, short = processor.size["shortest_edge"], min(width, height)
    wide, high = (edge if side == short else int(edge * side / short) for side in (width, height))
    crop_wide, crop_high = processor.crop_size["width"], processor.crop_size["height"]
    left, top = (wide - crop_wide) // 2, (high - crop_high) // 2
    return left / wide, top / high, (left + crop_wide) / wide, (top + crop_high) / high
