"""The optimizer, its learning-rate schedule, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from emotion.core.config import Schedule, TrainConfig

# How much more the later weights count: the average is over about the last quarter of all steps so far.
AVERAGE_DECAY = 3


def make_optimizer(
    head: Sequence[nn.Parameter], layers: Sequence[Sequence[nn.Parameter]], *, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) and its schedule.

    ``layers`` are the body's weights from the lowest; the lower a layer, the smaller its rate (layer-wise decay: Howard
    and Ruder 2018, arXiv 1801.06146; for vision transformers Bao et al. 2022, arXiv 2106.08254). Weight decay spares
    biases and normalisations, as is usual; without decay AdamW is Adam.
    """
    rates = [(head, config.head_learning_rate)]
    for above, layer in zip(reversed(range(len(layers))), layers, strict=True):
        rates.append((layer, config.block_learning_rate * config.layer_decay**above))
    # Layers of one rate share their options: fewer calls, and a training of an older version can go on.
    shared: dict[tuple[bool, float, bool], list[nn.Parameter]] = {}
    for parameters, rate in rates:
        for decays in (True, False):
            group = shared.setdefault((parameters is head, rate, decays), [])
            group += [parameter for parameter in parameters if (parameter.ndim > 1) is decays]
    options = [
        {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decays else 0.0}
        for (_, rate, decays), parameters in shared.items()
        if parameters
    ]
    # One call for all weights: for a head, whose steps are small, that is a third of a step's time.
    optimizer = torch.optim.AdamW(options, fused=True)
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


class WeightAverage:
    """A moving average of ``weights``, by name, that begins with them; where it is not ``on``, the weights themselves.

    Polynomial-decay averaging (Shamir and Zhang 2013, arXiv 1212.1824).
    """

    def __init__(self, weights: Mapping[str, Tensor], *, on: bool) -> None:
        self._weights, self._steps = weights, 0
        self._averages = {name: value.clone() for name, value in weights.items()} if on else {}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        self._steps += 1
        for name, average in self._averages.items():
            average.lerp_(self._weights[name], AVERAGE_DECAY / (self._steps + AVERAGE_DECAY))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average meanwhile."""
        live = {name: self._weights[name].clone() for name in self._averages}
        copy_in_order(self._averages, into={name: self._weights[name] for name in self._averages})
        try:
            yield
        finally:
            copy_in_order(live, into={name: self._weights[name] for name in live})

    def state(self) -> dict[str, Tensor | int]:
        """Return what ``resume_from`` needs."""
        return {"steps": self._steps, **self._averages}

    def resume_from(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from ``state``."""
        self._steps = int(state["steps"])
        copy_in_order({name: value for name, value in state.items() if name != "steps"}, into=self._averages)


@torch.no_grad()
def copy_in_order(values: Mapping[str, Tensor | int], *, into: Mapping[str, Tensor]) -> None:
    """Copy weights into others of the same order, whatever an older version called them."""
    for value, target in zip(values.values(), into.values(), strict=True):
        target.copy_(torch.as_tensor(value))
