"""What every part of a training shares: settings, device, processes, clock, and whether to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object

from emotion.backbones.device import Precision, resolve_precision
from emotion.core.config import Depth, TrainConfig


class Stopped(Exception):
    """Somebody asked the training to stop."""


def never() -> bool:
    """Say that nobody wants to stop."""
    return False


def make_accelerator() -> Accelerator:
    """Return accelerate's view of the device and of the processes that torchrun started."""
    # Left to itself it would take Apple's GPU, which knows no float64, and under torchrun without a GPU give
    # independent runs, each "0 of 1".
    return Accelerator(cpu=not torch.cuda.is_available())


@dataclass
class Context:
    """A training's settings with the machine it runs on; ``started`` is a ``time.perf_counter()``."""

    config: TrainConfig
    asked_to_stop: Callable[[], bool] = never
    started: float = field(default_factory=time.perf_counter)
    accelerator: Accelerator = field(default_factory=make_accelerator)

    def __post_init__(self) -> None:
        self.device: torch.device = self.accelerator.device
        self.processes, self.rank = int(self.accelerator.num_processes), int(self.accelerator.process_index)
        self.precision: Precision = resolve_precision(self.config.precision, self.device)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the configuration was accepted."""
        return time.perf_counter() - self.started

    def autocast(self) -> torch.autocast:
        """Return the context in which a backbone that is trained computes."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    def gathered(self, rows: list[Any]) -> list[Any]:
        """Return the rows of all processes."""
        return list(gather_object(rows)) if self.processes > 1 else rows

    def of_first(self, answer: Any) -> Any:
        """Return the first process's answer: were each to look for itself, some would wait for the others for ever."""
        answers = [answer]
        if self.processes > 1:
            broadcast_object_list(answers)
        return answers[0]

    def stop_if_asked(self) -> None:
        """Raise Stopped if somebody asked for it.

        Raises:
            Stopped: somebody did.
        """
        if self.of_first(self.asked_to_stop()):
            raise Stopped


@contextmanager
def threads_for(depth: Depth) -> Iterator[None]:
    """Compute a head in one thread: sharing steps so small costs more, on a busy machine many times more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if depth == "head" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
