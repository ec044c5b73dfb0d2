"""The optimizer and its learning-rate schedule, from the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from emotion.config import Schedule, TrainConfig


def make_optimizer(
    groups: Mapping[str, Sequence[nn.Parameter]], *, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over ``head`` and ``blocks``, and its schedule.

    Weight decay spares biases and normalisations, as is usual; without decay AdamW is Adam.
    """
    rates = {"head": config.head_learning_rate, "blocks": config.block_learning_rate}
    options = [
        {
            "params": [parameter for parameter in parameters if (parameter.ndim > 1) is decays],
            "lr": rates[name],
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for name, parameters in groups.items()
        for decays in (True, False)
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
