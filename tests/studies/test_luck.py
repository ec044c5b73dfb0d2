"""Luck: what is repeated, what it comes to, and what is said of it, without a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion.comparison import Request, compare, save_comparison
from emotion.config import TrainConfig
from emotion.errors import ConfigError, PictureError, RunError
from emotion.run import Run
from emotion.runs import create_run
from emotion.studies.luck import SEED_END, Luck
from emotion.studies.luck_result import LuckResult, SetLuck, Training, percent
from emotion.studies.study import Progress

CLASSES = ["happy", "sad", "angry", "tired"]
Saved = Callable[..., tuple[Run, Path]]


def confidence(path: Path, seed: int) -> float:
    """Return a made-up probability of the correct class: people 0.6, dogs 0.1, by picture and by seed."""
    rng = np.random.default_rng([sum(map(ord, path.name)), seed])
    return float((0.6 if "human_eval" in str(path) else 0.1) + 0.01 * (seed % 5) + 0.1 * rng.random())


def row(path: Path, seed: int) -> list[float]:
    right = confidence(path, seed)
    return [right if label == path.parent.name else (1 - right) / 3 for label in CLASSES]


@dataclass
class MadeUpJudge:
    """Answers as ``row`` says; ``unreadable`` are names of pictures that it cannot read."""

    run: Run
    unreadable: Sequence[str] = ()
    classes: list[str] = field(default_factory=lambda: CLASSES)
    precision: str = "float32"
    asked: list[Any] = field(default_factory=list)

    def retrained(self, seeds: Sequence[int], pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        self.asked.append((list(seeds), list(pictures)))
        yield Progress(0, len(seeds), "training")
        rows = np.array([[row(path, seed) for path in pictures] for seed in seeds])
        rows[:, [path.name in self.unreadable for path in pictures]] = np.nan
        return rows

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        self.asked.append(list(pictures))
        yield Progress(0, 1, "looking")
        return np.array([row(path, self.run.config().seed) for path in pictures])

    def judged(self, features: np.ndarray) -> np.ndarray:
        return features


@pytest.fixture
def saved(tmp_path: Path, make_pictures: Callable[..., Path]) -> Saved:
    """Return a function that makes a run with a saved comparison of people and dogs, 12 pictures a class."""

    def make(*, depth: Any = "head", seed: int = 42, sets: Sequence[str] = ("human", "dog"), **asked: Any):
        run = create_run(TrainConfig(pictures="faces", depth=depth, seed=seed), root=tmp_path / "runs")
        folders = {
            name: folder if (folder := tmp_path / f"{name}_eval").is_dir() else make_pictures(f"{name}_eval")
            for name in sets
        }

        def score(paths: Sequence[Path]) -> list[dict[str, float]]:
            return [dict(zip(CLASSES, row(path, seed), strict=True)) for path in paths]

        request = Request(folders, **{"emotion": "happy", "size": 5, **asked})
        comparison = compare(score, request, run=run, classes=CLASSES, precision="float32")
        return run, save_comparison(comparison, run=run)

    return make


def carried_out(study: Luck, judge: Any) -> LuckResult:
    steps = study.carry_out(judge)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_every_picture_is_scored_once_a_seed_and_the_same_draws_are_taken_from_all(saved: Saved) -> None:
    run, file = saved()
    judge = MadeUpJudge(run)
    result = carried_out(Luck(run, str(file), seeds=3, draws=40), judge)
    [(seeds, pictures)] = judge.asked
    assert seeds == result.seeds == [42, 43, 44]
    assert len(pictures) == len(set(pictures)) == 24
    dogs = result.sets["dog"]
    assert (dogs.n, dogs.size, dogs.unreadable, np.shape(dogs.means)) == (12, 5, 0, (3, 40))
    expected = [np.mean([confidence(path, seed) for path in pictures if "dog_eval" in str(path)]) for seed in seeds]
    assert [each.correct_confidence for each in dogs.trainings] == pytest.approx(expected)
    assert [each.accuracy for each in dogs.trainings] == [0.0, 0.0, 0.0]
    assert [each.accuracy for each in result.sets["human"].trainings] == [1.0, 1.0, 1.0]
    assert dogs.quantiles == pytest.approx(np.quantile(dogs.means, [0.025, 0.25, 0.5, 0.75, 0.975]), abs=1e-4)
    means = np.array(dogs.means)
    assert dogs.training_deviation == pytest.approx(means.mean(1).std(ddof=1), abs=1e-4)
    assert dogs.draw_deviation == pytest.approx(np.sqrt(means.var(1, ddof=1).mean()), abs=1e-4)
    assert (result.reference, result.sets["human"].reference_ahead, dogs.reference_ahead) == ("human", None, 1.0)


def test_the_same_comparison_gives_the_same_draws_and_another_seed_others(saved: Saved) -> None:
    run, file = saved()
    first = carried_out(Luck(run, str(file)), MadeUpJudge(run))
    assert carried_out(Luck(run, str(file)), MadeUpJudge(run)) == first
    _, other = saved(**{"size": 5})
    values = json.loads(other.read_text())
    other.write_text(json.dumps({**values, "seed": 7}))
    assert carried_out(Luck(run, str(other)), MadeUpJudge(run)).sets["dog"].means != first.sets["dog"].means


def test_a_result_comes_back_from_its_file_as_it_was(saved: Saved) -> None:
    run, file = saved()
    result = carried_out(Luck(run, str(file), seeds=2, draws=10), MadeUpJudge(run))
    assert LuckResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_the_comparisons_own_result_is_one_of_the_usual_ones(saved: Saved) -> None:
    run, file = saved()
    result = carried_out(Luck(run, str(file)), MadeUpJudge(run))
    assert all(each.is_within for each in result.sets.values())
    assert "lies within." in result.own_sentence()


def test_a_picture_that_cannot_be_read_is_left_out_and_counted(saved: Saved) -> None:
    run, file = saved()
    # Dogs and people share their file names here.
    result = carried_out(Luck(run, str(file)), MadeUpJudge(run, unreadable=("happy_000.png", "happy_003.png")))
    assert [(each.n, each.unreadable) for each in result.sets.values()] == [(10, 2), (10, 2)]
    assert not np.isnan(result.sets["dog"].means).any()
    everything = [f"happy_{number:03}.png" for number in range(12)]
    with pytest.raises(PictureError, match="None of the pictures of human can be read"):
        carried_out(Luck(run, str(file)), MadeUpJudge(run, unreadable=everything))


def test_all_emotions_are_drawn_alike(saved: Saved) -> None:
    run, file = saved(emotion=None, size=3)
    result = carried_out(Luck(run, str(file)), MadeUpJudge(run))
    assert (result.emotion, result.sets["dog"].n, result.sets["dog"].size) == (None, 48, 12)


def test_class_folders_are_read_as_the_comparison_read_them(saved: Saved, make_pictures, tmp_path: Path) -> None:
    (make_pictures("dog_eval") / "happy").rename(tmp_path / "dog_eval" / "joy")
    run, file = saved(use_aliases=True)

    class AliasJudge(MadeUpJudge):
        def retrained(self, seeds, pictures):
            self.asked.append(pictures)
            yield Progress(0, 1, "training")
            return np.full((len(seeds), len(pictures), 4), 0.25)

    judge = AliasJudge(run)
    result = carried_out(Luck(run, str(file)), judge)
    assert result.sets["dog"].n == sum(path.parent.name == "joy" for path in judge.asked[0]) == 12


def test_seeds_begin_with_the_runs_own_and_stay_seeds(saved: Saved) -> None:
    run, file = saved(seed=SEED_END - 1)
    assert carried_out(Luck(run, str(file), seeds=3), MadeUpJudge(run)).seeds == [SEED_END - 1, 0, 1]
    for seeds in (1, 11):
        with pytest.raises(ConfigError, match="out of range: choose 2 to 10"):
            carried_out(Luck(run, str(file), seeds=seeds), MadeUpJudge(run))


def test_a_run_with_trained_blocks_is_drawn_anew_and_not_trained_anew(saved: Saved) -> None:
    run, file = saved(depth=2)
    judge = MadeUpJudge(run)
    result = carried_out(Luck(run, str(file)), judge)
    assert len(judge.asked) == 1
    assert (result.is_retrained, result.seeds, result.sets["dog"].training_deviation) == (False, [42], None)
    assert result.sentence().startswith("Over 200 draws of 5 out of 12, by one training, humans come out between")
    assert "another training" not in result.sentence()
    assert "of the 200 repeats" in result.sentence()
    for size in (None, 12):
        run, file = saved(depth=2, size=size)
        with pytest.raises(RunError, match="nothing is left to luck"):
            carried_out(Luck(run, str(file)), MadeUpJudge(run))


def test_where_every_picture_is_used_only_the_training_differs_and_it_says_so(saved: Saved) -> None:
    run, file = saved(size=None)
    result = carried_out(Luck(run, str(file)), MadeUpJudge(run))
    assert (result.draws, np.shape(result.sets["dog"].means)) == (1, (5, 1))
    assert result.sentence().startswith(
        "Every picture is used, so only the training differs: over 5 trainings, humans come out between"
    )
    assert "another draw" not in result.sentence().lower()
    assert result.sentence().endswith("Humans are ahead of dogs in 100 % of the 5 repeats.")


def luck_of(means: Sequence[Sequence[float]], **more: Any) -> SetLuck:
    values = SetLuck(
        n=40, size=20, unreadable=0, trained_on=0, trainings=[Training(1, 0.3, 0.2)], means=[*map(list, means)],
        quantiles=[0.22, 0.28, 0.31, 0.35, 0.41], training_deviation=0.02, draw_deviation=0.05, observed=0.34,
        reference_ahead=None,
    )  # fmt: skip
    return replace(values, **more)


def result_of(**sets: SetLuck) -> LuckResult:
    return LuckResult("happy", next(iter(sets)), [1, 2, 3, 4, 5], 200, 0.25, True, sets)


def test_the_sentence_gives_span_components_and_order() -> None:
    human = luck_of([[0.6] * 200] * 5, quantiles=[0.5, 0.6, 0.62, 0.65, 0.71])
    dog = luck_of([[0.3] * 200] * 5, reference_ahead=0.997)
    assert result_of(human=human, dog=dog).sentence() == (
        "Over 5 trainings and 200 draws of 20 out of 40, humans come out between 50 % and 71 % and dogs between 22 % "
        "and 41 % (95 % of them). Another draw moves dogs by 5, another training by 2 (standard deviations, in "
        "percentage points). Humans are ahead of dogs in over 99 % of the 1,000 pairs of training and draw."
    )


def test_the_sentence_of_one_set_and_of_three() -> None:
    alone = result_of(dog=luck_of([[0.3] * 200] * 5)).sentence()
    assert alone.endswith(
        "Another draw moves dogs by 5, another training by 2 (standard deviations, in percentage points)."
    )
    human = luck_of([[0.6] * 200] * 5)
    dog, cat = (luck_of([[0.3] * 200] * 5, reference_ahead=share) for share in (1.0, 0.5))
    three = result_of(human=human, dog=dog, cat=replace(cat, training_deviation=0.001)).sentence()
    assert "Another draw moves dogs by 5 and cats by 5, another training by 2 and less than 1" in three
    assert "Humans are ahead of dogs in 100 % and of cats in 50 % of the 1,000 pairs" in three


def test_a_set_that_is_used_whole_beside_one_that_is_drawn_from_keeps_its_name() -> None:
    human, dog = luck_of([[0.6] * 200] * 5), luck_of([[0.3]] * 5, n=20, reference_ahead=1.0)
    said = result_of(human=human, dog=dog).sentence()
    assert "200 draws of 20 out of 40" in said
    assert "Another training moves dogs by 2 (" in said


def test_a_result_outside_is_said_to_be() -> None:
    result = result_of(human=luck_of([[0.6]] * 5), dog=luck_of([[0.3]] * 5, observed=0.5))
    assert (
        result.own_sentence()
        == "What the comparison found for dogs (50 %) lies outside: hardly any repeat comes out so."
    )


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (0.001, "under 1 %"), (0.5, "50 %"), (0.9999, "over 99 %"), (1.0, "100 %")],
)
def test_all_and_none_are_said_of_nothing_else(share: float, said: str) -> None:
    assert percent(share) == said
