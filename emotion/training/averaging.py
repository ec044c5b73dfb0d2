"""A moving average of the weights that are trained, which is judged and kept in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

# How much more the later weights count: the average is over about the last quarter of all steps so far.
DECAY = 3


class WeightAverage:
    """A moving average of ``weights``, by name, that begins with them.

    Polynomial-decay averaging (Shamir and Zhang 2013, arXiv 1212.1824). Where it is not ``on``, the average is the
    weights themselves.
    """

    def __init__(self, weights: Mapping[str, Tensor], *, on: bool) -> None:
        self._weights = weights
        self._steps = 0
        self._averages = {name: value.clone() for name, value in weights.items()} if on else {}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        self._steps += 1
        for name, average in self._averages.items():
            average.lerp_(self._weights[name], DECAY / (self._steps + DECAY))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average meanwhile."""
        live = {name: self._weights[name].clone() for name in self._averages}
        self._put(self._averages)
        try:
            yield
        finally:
            self._put(live)

    def state(self) -> dict[str, Tensor | int]:
        """Return what ``resume_from`` needs."""
        return {"steps": self._steps, **{f"average.{name}": value for name, value in self._averages.items()}}

    @torch.no_grad()
    def resume_from(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from ``state``."""
        self._steps = int(state["steps"])
        for name, average in self._averages.items():
            average.copy_(torch.as_tensor(state[f"average.{name}"]))

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._weights[name].copy_(value)
