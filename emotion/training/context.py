"""What every part of a training shares: settings, device, clock, and whether to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from emotion.config import TrainConfig
from emotion.training.device import ResolvedPrecision, make_accelerator, resolve_precision


class Stopped(Exception):
    """Somebody asked the training to stop."""


@dataclass
class Context:
    """A training's settings with the machine it runs on; ``started`` is a ``time.perf_counter()``."""

    config: TrainConfig
    asked_to_stop: Callable[[], bool]
    started: float
    accelerator: Accelerator = field(default_factory=make_accelerator)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return int(self.accelerator.num_processes)

    @property
    def rank(self) -> int:
        """This process's number among them, from 0."""
        return int(self.accelerator.process_index)

    @property
    def precision(self) -> ResolvedPrecision:
        """The precision that the backbone computes in on this machine."""
        return resolve_precision(self.config.precision, self.device)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the configuration was accepted."""
        return time.perf_counter() - self.started

    def stop_if_asked(self) -> None:
        """Raise Stopped if somebody asked for it.

        The first process decides for all: were each to look for itself, some would wait for the others for ever.

        Raises:
            Stopped: somebody did.
        """
        answer = [self.asked_to_stop()]
        if self.processes > 1:
            broadcast_object_list(answer)
        if answer[0]:
            raise Stopped
