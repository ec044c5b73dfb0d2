"""What all parts of a training share: settings, device, processes and the stop request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object

from emotion.backbones.network import Precision, resolve_precision
from emotion.core.config import Depth, TrainConfig


class Stopped(Exception):
    """The training was asked to stop."""


def make_accelerator() -> Accelerator:
    """Return an Accelerator for the device and for the processes that torchrun started."""
    # By default accelerate would choose Apple's GPU, which has no float64, and under torchrun without a GPU start
    # independent runs, each "0 of 1".
    return Accelerator(cpu=not torch.cuda.is_available())


@dataclass
class Context:
    """A training's settings and the machine it runs on."""

    config: TrainConfig
    asked_to_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.accelerator = make_accelerator()
        self.device: torch.device = self.accelerator.device
        self.processes, self.rank = int(self.accelerator.num_processes), int(self.accelerator.process_index)
        self.precision: Precision = resolve_precision(self.config.precision, self.device)

    def autocast(self) -> torch.autocast:
        """Return the autocast context for a trained backbone."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    def gathered(self, rows: list[Any]) -> list[Any]:
        """Return the rows of all processes."""
        return list(gather_object(rows))

    def of_first(self, answer: Any) -> Any:
        """Return the first process's answer: if each process decided alone, some could wait for the others forever."""
        return broadcast_object_list([answer])[0]

    def stop_if_asked(self) -> None:
        """Raise Stopped if the training was asked to stop."""
        if self.of_first(self.asked_to_stop()):
            raise Stopped


@contextmanager
def threads_for(depth: Depth) -> Iterator[None]:
    """Train a head in one thread: threads slow such small steps down, on a busy machine many times over."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if depth == "head" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
