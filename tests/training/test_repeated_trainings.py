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
from emotion.runs.run import Run


def luck(run: Path, comparison: Path) -> tuple[Any, list[Any]]:
    """What the study of other trainings finds with two seeds, and what it tells on the way."""
    steps, told = ask(Judge(Run(run), classifier(run)), load_comparison(comparison), seeds=2), []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


def mean_and_file(emotion: Emotion, run: Path, pictures: Path) -> tuple[float, Path]:
    found = compared(emotion, run, "--emotion", "all", "--size", "all", dog=pictures)
    parts = found["sets"]["dog"].values()
    return sum(part["correct_confidence"] for part in parts) / len(parts), Path(found["file"])


def test_every_seed_is_the_training_that_a_run_with_it_is_and_leaves_nothing_behind(
    trainer: Trainer, tiny_pictures: Path, emotion: Emotion
) -> None:
    settings = {"head_learning_rate": 1e-2, "augmentation": "light"}
    own, other = (trainer(seed=seed, **settings).path for seed in (42, 43))
    (means, comparison), (others, _) = (mean_and_file(emotion, run, tiny_pictures / "dog_eval") for run in (own, other))
    before = sorted(own.rglob("*"))
    found, told = luck(own, comparison)
    trainings = found.sets["dog"].trainings
    assert [each.correct_confidence for each in trainings] == pytest.approx([means, others], abs=1e-4)
    assert abs(means - others) > 1e-3, "another seed is another training"
    assert sorted(own.rglob("*")) == before
    # The compared pictures are looked at once; those of the training never again.
    assert max((step.total for step in told if "looking" in step.doing), default=0) <= 24
    _, told = luck(own, comparison)
    assert not [step for step in told if "looking" in step.doing]
    next(trainer.pictures.rglob("*.png")).unlink()
    with pytest.raises(RunError, match="have changed"):
        luck(own, comparison)
