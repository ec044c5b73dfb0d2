"""A study or a job as the page carries it out: a status line while it goes on, the result at its end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from emotion.analysis.study import Task
from emotion.core.progress import Progress
from emotion.server.services import Services
from emotion.ui.status import status_box

A = TypeVar("A")
R = TypeVar("R")


def carried_out(services: Services, study: Task[R], *, place: Callable[[str], A]) -> Generator[A, None, R]:
    """Yield how far the study is, and return its answer. Closing it ends the study.

    ``place`` puts the HTML of a status line among the values that a handler yields.

    Raises:
        EmotionError: it cannot be answered.
    """
    return (yield from watched(services.study(study), place=place))


def watched(steps: Generator[Progress, None, R], *, place: Callable[[str], A]) -> Generator[A, None, R]:
    """Yield how far something is, and return its result. Closing it ends the work.

    ``place`` puts the HTML of a status line among the values that a handler yields.

    Raises:
        EmotionError: it cannot be done.
    """
    # One study goes on at a time: whoever asked for a second one sees that it was heard.
    yield place(status_box("running", "waiting", "Waiting for its turn.", None))
    try:
        while True:
            step = next(steps)
            share = step.done / step.total if step.total else None
            line = status_box("running", "running", f"{step.doing[:1].upper()}{step.doing[1:]}.", share)
            yield place(line)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        steps.close()
