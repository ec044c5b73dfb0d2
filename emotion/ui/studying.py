"""A study as the page carries it out: a status line while it goes on, the answer at its end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from emotion.studies.study import Study
from emotion.ui.services import Services
from emotion.ui.status import status_box

R = TypeVar("R")


def carried_out(services: Services, study: Study[R]) -> Generator[str, None, R]:
    """Yield how far the study is as HTML for a status line, and return its answer. Closing it ends the study.

    Raises:
        EmotionError: it cannot be answered.
    """
    steps = services.study(study)
    try:
        while True:
            step = next(steps)
            share = step.done / step.total if step.total else None
            yield status_box("running", "running", f"{step.doing[:1].upper()}{step.doing[1:]}.", share)
    except StopIteration as end:
        answer: R = end.value
        return answer
    finally:
        steps.close()
