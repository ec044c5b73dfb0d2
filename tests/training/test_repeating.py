"""Repeating a run: what it was fed and what it says, to the tolerance of its precision, and nothing looked at twice."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion.backbones.anatomy import Trunk
from emotion.classifier import Classifier
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.events import RunFinished
from emotion.job import Progress
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.studies.run_judge import RunJudge
from emotion.training.session import train_run

Train = Callable[[TrainConfig], Run]
# What bfloat16 may move a probability by where two ways to compute meet: weights of that type in a look, autocast in a
# score.
BFLOAT16 = 0.05


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Return a function that trains a run to its end and returns it."""

    def run(config: TrainConfig) -> Run:
        trained = create_run(config, root=tmp_path / "runs")
        assert isinstance(list(train_run(trained))[-1], RunFinished)
        return trained

    return run


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of every batch that passes a frozen part."""
    sizes: list[int] = []
    forward = Trunk.forward

    def counted(self: Trunk, pixels: Any) -> Any:
        sizes.append(len(pixels))
        return forward(self, pixels)

    monkeypatch.setattr(Trunk, "forward", counted)
    return sizes


def judge_of(run: Run) -> RunJudge:
    return RunJudge(run, Classifier(run))


def paths_of(folder: Path | str) -> list[Path]:
    return [path for paths in list_pictures(Path(folder)).values() for path in paths]


def drained(steps: Generator[Progress, None, np.ndarray]) -> tuple[np.ndarray, list[Progress]]:
    told: list[Progress] = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


def scores(judge: RunJudge, paths: list[Path]) -> np.ndarray:
    return np.array([[said[label] for label in judge.classes] for said in judge.score(paths)])


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", BFLOAT16)])
def test_retraining_a_runs_own_seed_gives_the_runs_own_probabilities(
    tiny_config: TrainConfig, make_pictures, train: Train, precision: str, tolerance: float
) -> None:
    run = train(replace(tiny_config, precision=precision, head_learning_rate=1e-2, augmentation="light"))
    judge, paths = judge_of(run), paths_of(make_pictures("others", count=5))
    said, _ = drained(judge.retrained([run.config().seed, 7], paths))
    own = scores(judge, paths)
    assert said.shape == (2, 20, 4)
    assert said[0] == pytest.approx(own, abs=tolerance)
    assert (said[0].argmax(1) == own.argmax(1)).mean() >= 0.95
    assert np.abs(said[0] - said[1]).max() > 0.01, "another seed is another training"


def test_every_seed_is_the_training_that_a_run_with_it_is(
    tiny_config: TrainConfig, make_pictures, train: Train
) -> None:
    run, other = train(tiny_config), train(replace(tiny_config, seed=7))
    paths = paths_of(make_pictures("others", count=3))
    said, _ = drained(judge_of(run).retrained([7], paths))
    assert said[0] == pytest.approx(scores(judge_of(other), paths), abs=1e-4)


def test_what_a_training_looked_at_is_not_looked_at_again_and_new_pictures_once(
    tiny_config: TrainConfig, make_pictures, train: Train, seen: list[int]
) -> None:
    run = train(tiny_config)
    known, new = paths_of(tiny_config.pictures), paths_of(make_pictures("others", count=3))
    judge = judge_of(run)
    seen.clear()
    features, told = drained(judge.features(known))
    assert (seen, told, features.shape, features.dtype) == ([], [], (48, 32), np.float32)
    _, told = drained(judge.features([*known[:5], *new]))
    assert sum(seen) == len(new) == 12
    assert told[-1] == Progress(12, 12, "looking once at 12 pictures")
    drained(judge.retrained([1, 2], new))
    assert sum(seen) == 12


def test_features_are_what_the_checkpoints_classifier_is_given(
    tiny_config: TrainConfig, make_pictures, train: Train
) -> None:
    for depth in ("head", 1):
        judge = judge_of(train(replace(tiny_config, depth=depth, block_learning_rate=1e-2)))
        paths = paths_of(make_pictures(f"others-{depth}", count=2))
        features, _ = drained(judge.features(paths))
        assert judge.judged(features) == pytest.approx(scores(judge, paths), abs=1e-4)


def test_a_trunk_with_trained_blocks_shares_no_features_with_the_backbone(
    tiny_config: TrainConfig, train: Train, seen: list[int]
) -> None:
    train(tiny_config)
    judge = judge_of(train(replace(tiny_config, depth=1)))
    seen.clear()
    paths = paths_of(tiny_config.pictures)
    first, _ = drained(judge.features(paths))
    assert sum(seen) == 48
    again, _ = drained(judge.features(paths))
    assert sum(seen) == 48
    assert (again == first).all()


def test_a_picture_that_cannot_be_read_has_a_row_of_nan_and_one_that_is_gone_too(
    tiny_config: TrainConfig, train: Train, tmp_path: Path
) -> None:
    judge = judge_of(train(tiny_config))
    (tmp_path / "torn.png").write_bytes(b"no picture")
    paths = [tmp_path / "torn.png", paths_of(tiny_config.pictures)[0], tmp_path / "gone.png"]
    features, _ = drained(judge.features(paths))
    assert np.isnan(features).all(1).tolist() == [True, False, True]
    said, _ = drained(judge.retrained([1], paths))
    assert np.isnan(said).all(2).tolist() == [[True, False, True]]
    with pytest.raises(PictureError, match="None of the 1 pictures can be read"):
        drained(judge.features(paths[:1]))


@pytest.mark.parametrize(
    ("depth", "trained"), [(1, "its last block"), (2, "its last 2 blocks"), ("all", "its whole backbone")]
)
def test_a_run_that_trained_more_than_its_classifier_is_not_repeated(
    tiny_config: TrainConfig, train: Train, depth: str | int, trained: str
) -> None:
    judge = judge_of(train(replace(tiny_config, depth=depth, epochs=1)))
    with pytest.raises(RunError, match=f"trained {trained}: .* sweep over seeds in Train"):
        drained(judge.retrained([1], paths_of(tiny_config.pictures)))


def test_a_run_is_not_repeated_on_other_pictures_than_its_own(
    tiny_config: TrainConfig, train: Train, seen: list[int], make_pictures
) -> None:
    run, new = train(tiny_config), paths_of(make_pictures("others", count=2))
    paths_of(tiny_config.pictures)[0].unlink()
    seen.clear()
    with pytest.raises(RunError, match="have changed"):
        drained(judge_of(run).retrained([1], new))
    assert seen == []


def test_repeating_leaves_nothing_behind_but_features(
    tiny_config: TrainConfig, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tiny_config)
    before = sorted(path.relative_to(run.path) for path in run.path.rglob("*"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    drained(judge_of(run).retrained([1], paths_of(tiny_config.pictures)))
    assert sorted(path.relative_to(run.path) for path in run.path.rglob("*")) == before
    assert list((tmp_path / "temporary").iterdir()) == []
