"""Comparisons: what is counted, what the intervals are, and that a file gives it all back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from emotion.comparison import (
    Comparison,
    ScoredPicture,
    compare,
    load_comparison,
    mean_interval,
    save_comparison,
    summarise,
    wilson_interval,
)
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.runs import Run, create_run

CLASSES = ["happy", "sad", "angry", "tired"]


def scored(label: str, *probabilities: float) -> ScoredPicture:
    return ScoredPicture("a.png", "0" * 64, label, dict(zip(CLASSES, probabilities, strict=True)))


def always_tired(paths: Sequence[Path]) -> list[dict[str, float]]:
    return [dict(zip(CLASSES, (0.3, 0.2, 0.1, 0.4), strict=True)) for _ in paths]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(TrainConfig(pictures="faces"), root=tmp_path / "runs")


@pytest.fixture
def comparison(run: Run, make_pictures: Callable[..., Path]) -> Comparison:
    sets = {"human": make_pictures("human"), "dog": make_pictures("dog")}
    return compare(always_tired, sets, run=run, classes=CLASSES, precision="float32", emotion="happy", size=10, seed=5)


def test_hits_confidence_and_runners_up_are_counted() -> None:
    result = summarise(
        [scored("happy", 0.7, 0.1, 0.1, 0.1), scored("happy", 0.3, 0.1, 0.1, 0.5), scored("happy", 0.1, 0.2, 0.3, 0.4)],
        classes=CLASSES,
    )
    assert (result.n, result.correct, result.runner_up) == (3, 1, 1)
    assert result.correct_confidence == pytest.approx(1.1 / 3)
    assert result.accuracy == pytest.approx(1 / 3)
    assert result.predicted == {"happy": 1, "sad": 0, "angry": 0, "tired": 2}


def test_the_wilson_intervals_are_the_published_ones() -> None:
    assert wilson_interval(19, 20) == pytest.approx((0.764, 0.991), abs=1e-3)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.161), abs=1e-3)


def test_the_mean_interval_is_students_clipped_to_probabilities() -> None:
    low, high = mean_interval([0.2, 0.4, 0.6, 0.8])
    # t(0.975, 3) = 3.182446; the standard error is 0.258199 / 2.
    assert (low, high) == pytest.approx((0.5 - 0.410852, 0.5 + 0.410852), abs=1e-5)
    assert mean_interval([0.0, 1.0]) == (0.0, 1.0)
    assert mean_interval([0.4]) == (0.0, 1.0)
    assert mean_interval([0.4, 0.4]) == pytest.approx((0.4, 0.4))


def test_the_sample_is_kept_with_hashes_and_every_score(comparison: Comparison) -> None:
    result = comparison.sets["dog"]["happy"]
    assert (result.n, result.correct, result.runner_up) == (10, 0, 10)
    assert result.predicted["tired"] == 10
    assert len({picture.sha256 for picture in result.pictures}) == 10
    assert comparison.chance == 0.25


def test_a_comparison_survives_its_file(comparison: Comparison, run: Run) -> None:
    path = save_comparison(comparison, run=run)
    assert path.parent == run.comparisons
    assert load_comparison(path) == comparison
    assert json.loads(path.read_text())["seed"] == 5


def test_the_same_seed_draws_the_same_sample(comparison: Comparison, run: Run) -> None:
    sets = {name: Path(folder) for name, folder in comparison.folders.items()}
    again = compare(always_tired, sets, run=run, classes=CLASSES, precision="float32", emotion="happy", size=10, seed=5)
    assert {**asdict(again), "created": 0} == {**asdict(comparison), "created": 0}


def test_all_emotions_and_all_pictures_can_be_asked_for(run: Run, make_pictures: Callable[..., Path]) -> None:
    result = compare(
        always_tired,
        {"dog": make_pictures("dog")},
        run=run,
        classes=CLASSES,
        precision="float32",
        emotion=None,
        size=None,
        seed=1,
    )
    assert {label: part.n for label, part in result.sets["dog"].items()} == dict.fromkeys(CLASSES, 12)
    assert result.sets["dog"]["tired"].correct == 12


def test_an_emotion_the_run_does_not_know_is_one_sentence(run: Run, make_pictures: Callable[..., Path]) -> None:
    with pytest.raises(PictureError, match="The run knows no 'relaxed'"):
        compare(
            always_tired,
            {"dog": make_pictures("dog")},
            run=run,
            classes=CLASSES,
            precision="float32",
            emotion="relaxed",
            size=5,
            seed=1,
        )


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', "[]"])
def test_a_torn_comparison_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RunError, match="is not a comparison that can be read"):
        load_comparison(tmp_path / "a.json")


def test_a_comparison_of_another_schema_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"schema": 99}')
    with pytest.raises(RunError, match="written by another version"):
        load_comparison(tmp_path / "a.json")
