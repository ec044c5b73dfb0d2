"""A moving average of the weights that are trained, which is judged and kept in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class WeightAverage:
    """An exponential moving average (Polyak and Juditsky 1992, doi 10.1137/0330046) of ``weights``, by name.

    ``decay`` is that of a step; in the first steps it is smaller, so that the beginning is soon forgotten. With a decay
    of 0 the average is the weights themselves.
    """

    def __init__(self, weights: Mapping[str, Tensor], *, decay: float) -> None:
        self._weights = weights
        self._decay = decay
        self._steps = 0
        self._averages = {name: value.clone() for name, value in weights.items()} if decay else {}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for name, average in self._averages.items():
            average.lerp_(self._weights[name], 1 - decay)

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
