"""Every study that can be asked of a comparison, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotion.analysis import (
    calibration_blocks,
    controls,
    cues,
    feature_map,
    saliency,
    species_look,
    stability,
    transfer,
)
from emotion.analysis.kept import load_comparison
from emotion.analysis.study import Judge, Study
from emotion.core.progress import Progress
from emotion.runs.run import Run

STUDIES: tuple[Study, ...] = (
    transfer.STUDY,
    stability.STUDY,
    species_look.STUDY,
    controls.STUDY,
    saliency.STUDY,
    cues.STUDY,
    feature_map.STUDY,
    calibration_blocks.STUDY,
)


def find_study(name: str) -> Study:
    """Return the study of a name, one of ``STUDIES``."""
    return next(each for each in STUDIES if each.name == name)


@dataclass(frozen=True)
class Question:
    """A study that is asked of a run about a comparison's file. Its answer is kept there, whatever is shown by then."""

    run: Run
    study: str
    comparison: str
    asked: Mapping[str, Any] = field(default_factory=dict)

    def carry_out(self, judge: Judge) -> Generator[Progress, None, Any]:
        """Yield how far it is, keep the answer and return it.

        Raises:
            EmotionError: it cannot be answered or kept.
        """
        study, file = find_study(self.study), Path(self.comparison)
        result = yield from study.ask(judge, load_comparison(file), **self.asked)
        study.keep(file, result)
        return result
