"""Work done in another process while a page or a command line shows its progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

R = TypeVar("R")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Progress:
    """The progress of work: ``done`` of ``total`` units of ``doing``, such as "looking at 80 pictures"."""

    done: int
    total: int
    doing: str


class Job(Protocol[R_co]):
    """Work that needs no run. It is sent to another process: a frozen dataclass of plain values."""

    def carry_out(self) -> Generator[Progress, None, R_co]:
        """Yield the progress and return the result; EmotionError, which says what to do, where it fails."""


def result_of(steps: Generator[S, None, R], *, tell: Callable[[S], object] = lambda _: None) -> R:
    """Run steps to their end, call ``tell`` with each, and return their result."""
    with closing(steps):
        try:
            while True:
                tell(next(steps))
        except StopIteration as end:
            return cast(R, end.value)


def paced(steps: Generator[S, None, R]) -> Generator[S, None, R]:
    """Yield the first step and then at most one every 0.2 s, enough for a smooth bar; return the result."""
    due = 0.0
    with closing(steps):
        try:
            while True:
                step = next(steps)
                if time.monotonic() >= due:
                    yield step
                    due = time.monotonic() + 0.2
        except StopIteration as end:
            return cast(R, end.value)
