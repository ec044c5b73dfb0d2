"""Work that is done in another process while a page or a command line watches how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

R = TypeVar("R")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)
# Often enough for a bar that moves, and seldom enough that nobody is kept busy with it.
PACE_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """How far work is: ``done`` of ``total`` of what ``doing`` says, such as "looking at 80 pictures"."""

    done: int
    total: int
    doing: str


class Job(Protocol[R_co]):
    """A piece of work that needs no run. It is sent to another process: a frozen dataclass of plain values."""

    def carry_out(self) -> Generator[Progress, None, R_co]:
        """Yield how far it is and return the result.

        Raises:
            EmotionError: it cannot be done; the text says what to do.
        """


def result_of(steps: Generator[S, None, R], *, tell: Callable[[S], object] = lambda _: None) -> R:
    """Carry steps out to their end, ``tell`` each, and return their result; without it nobody watches them."""
    try:
        while True:
            tell(next(steps))
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()


def paced(steps: Generator[Progress, None, R], *, seconds: float = PACE_SECONDS) -> Generator[Progress, None, R]:
    """Yield the first step and then one each ``seconds`` at most, whatever happens in between; return the result."""
    due = 0.0
    try:
        while True:
            step = next(steps)
            if time.monotonic() >= due:
                yield step
                due = time.monotonic() + seconds
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()
