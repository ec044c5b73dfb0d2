"""Training anew with other seeds: the numbers of runs of these seeds, and no picture looked at twice."""

from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.comparisons import compared
from helpers.training import Trainer, classifier

from emotion.analysis.comparison import load_comparison
from emotion.analysis.stability import ask
from emotion.analysis.study import Judge
from emotion.core.errors import RunError
from emotion.core.progress import Progress, result_of
from emotion.runs.run import Run


def test_every_seed_is_the_training_that_a_run_with_it_is_and_leaves_nothing_behind(
    trainer: Trainer, tiny_pictures: Path, emotion: Emotion
) -> None:
    settings = {"head_learning_rate": 1e-2, "augmentation": "light"}
    means, files, runs = [], [], [trainer(seed=seed, **settings).path for seed in (42, 43)]
    for run in runs:
        found = compared(emotion, run, "--emotion", "all", "--size", "all", dog=tiny_pictures / "dog_eval")
        parts = found["sets"]["dog"].values()
        means.append(sum(part["correct_confidence"] for part in parts) / len(parts))
        files.append(Path(found["file"]))

    def luck() -> tuple[Any, int]:
        """What the study of other trainings finds with two seeds, and how many views it looks at."""
        told: list[Progress] = []
        steps = ask(Judge(Run(runs[0]), classifier(runs[0])), load_comparison(files[0]), seeds=2)
        found = result_of(steps, tell=told.append)
        return found, max((step.total for step in told if "looking" in step.doing), default=0)

    before = sorted(runs[0].rglob("*"))
    found, looked_at = luck()
    assert [each.correct_confidence for each in found.sets["dog"].trainings] == pytest.approx(means, abs=1e-4)
    assert abs(means[0] - means[1]) > 1e-3, "another seed is another training"
    assert sorted(runs[0].rglob("*")) == before
    # The compared pictures are looked at once; those of the training never again.
    assert looked_at <= 24
    assert luck()[1] == 0
    next(trainer.pictures.rglob("*.png")).unlink()
    with pytest.raises(RunError, match="have changed"):
        luck()
