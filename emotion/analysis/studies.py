"""All studies of a comparison, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotion.analysis import calibration, controls, cues, feature_map, saliency, species_look, stability, transfer
from emotion.analysis.comparison import load_comparison
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
    calibration.STUDY,
)


def find_study(name: str) -> Study:
    """Return the study with a name."""
    return next(each for each in STUDIES if each.name == name)


@dataclass(frozen=True)
class Question:
    """A study of a comparison's file, to be carried out by a run. Its answer is saved next to that file."""

    run: Run
    study: str
    comparison: str
    asked: Mapping[str, Any] = field(default_factory=dict)

    def carry_out(self, judge: Judge) -> Generator[Progress, None, Any]:
        """Yield the progress, save the answer and return it; EmotionError if it cannot be answered or saved."""
        study, file = find_study(self.study), Path(self.comparison)
        comparison = load_comparison(file)
        for each in study.parameters(comparison):
            each.check(self.asked.get(each.name, each.default))
        result = yield from study.ask(judge, comparison, **self.asked)
        study.keep(file, result)
        return result
