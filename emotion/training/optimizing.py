"""The optimizer and its learning-rate schedule, from the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from emotion.config import Schedule, TrainConfig


def make_optimizer(
    groups: Mapping[str, Sequence[Sequence[nn.Parameter]]], *, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over ``head`` and ``blocks``, and its schedule.

    ``groups`` holds their weights layer by layer from the lowest; the lower a block, the smaller its rate (layer-wise
    decay: Howard and Ruder 2018, arXiv 1801.06146; for vision transformers Bao et al. 2022, arXiv 2106.08254). Weight
    decay spares biases and normalisations, as is usual; without decay AdamW is Adam.
    """
    rates = {"head": config.head_learning_rate, "blocks": config.block_learning_rate}
    # Layers of one rate share their options: fewer calls, and a training of an older version can go on.
    shared: dict[tuple[str, float, bool], list[nn.Parameter]] = {}
    for name, layers in groups.items():
        for above, layer in zip(reversed(range(len(layers))), layers, strict=True):
            rate = rates[name] * config.layer_decay**above
            for decays in (True, False):
                parameters = shared.setdefault((name, rate, decays), [])
                parameters += [parameter for parameter in layer if (parameter.ndim > 1) is decays]
    options = [
        {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decays else 0.0}
        for (_, rate, decays), parameters in shared.items()
    ]
    # One call for all weights: for a head, whose steps are small, that is a third of a step's time.
    optimizer = torch.optim.AdamW([option for option in options if option["params"]], fused=True)
    warmup = round(steps * config.warmup_share)
    return optimizer, LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps=steps, warmup=warmup, schedule=config.schedule)
    )


def learning_rate_factor(step: int, *, steps: int, warmup: int, schedule: Schedule) -> float:
    """Return the share of the full learning rate at a step from 0: a linear warm-up, then the schedule down to 0."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1, steps - warmup)
    if schedule == "linear":
        return 1 - share
    if schedule == "cosine":
        return (1 + math.cos(math.pi * share)) / 2
    return 1.0
