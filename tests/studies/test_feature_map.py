"""The map of features: its axes are those of the training pictures, and what it says of distances is so."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from emotion.comparison import Request, compare, save_comparison
from emotion.config import TrainConfig
from emotion.errors import PictureError
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.studies.feature_map import MOST_POINTS, FeatureMap, MapResult, distances_to
from emotion.studies.study import Progress
from emotion.training.whitening import whitening

CLASSES = ["happy", "sad", "angry", "tired"]
WIDTH = 16
Saved = Callable[..., tuple[Run, Path]]


def features_of(path: Path) -> np.ndarray:
    """Return made-up features: noise by picture, the emotion in one direction each, the set's kind in another."""
    rng = np.random.default_rng(list(str(Path(*path.parts[-3:])).encode()))
    values = rng.normal(size=WIDTH)
    values[CLASSES.index(path.parent.name)] += 6
    values[WIDTH - 1] += 9 * ("dog_eval" in path.parts)
    return values


@dataclass
class MadeUpJudge:
    """Gives ``features_of``; what they say most of is predicted. ``unreadable`` are pictures it cannot read."""

    run: Run
    unreadable: Sequence[Path] = ()
    classes: list[str] = field(default_factory=lambda: CLASSES)
    precision: str = "float32"
    asked: list[Path] = field(default_factory=list)

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        self.asked += pictures
        yield Progress(0, 1, "looking")
        rows = np.array([features_of(path) for path in pictures], dtype=np.float32)
        rows[[path in self.unreadable for path in pictures]] = np.nan
        return rows

    def judged(self, features: np.ndarray) -> np.ndarray:
        odds = np.exp(features[:, :4])
        return odds / odds.sum(1, keepdims=True)


@pytest.fixture
def saved(tmp_path: Path, make_pictures: Callable[..., Path]) -> Saved:
    """Return a function that makes a run and a saved comparison of happy people and dogs, 12 pictures a class."""

    def make(*names: str, count: int = 12) -> tuple[Run, Path]:
        run = create_run(TrainConfig(pictures=str(make_pictures("learnt", count=20))), root=tmp_path / "runs")
        sets = {name: make_pictures(f"{name}_eval", count=count) for name in names or ("human", "dog")}

        def score(paths: Sequence[Path]) -> list[dict[str, float]]:
            return [dict.fromkeys(CLASSES, 0.25) for _ in paths]

        request = Request(sets, emotion="happy", size=5)
        return run, save_comparison(compare(score, request, run=run, classes=CLASSES, precision="float32"), run=run)

    return make


def carried_out(study: FeatureMap, judge: Any) -> MapResult:
    steps = study.carry_out(judge)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_points_and_axes_are_those_of_sklearns_components_of_the_whitened_training_pictures(saved: Saved) -> None:
    run, file = saved()
    result = carried_out(FeatureMap(run, str(file)), MadeUpJudge(run))
    listed = list_pictures(Path(run.config().pictures).resolve())
    learnt = np.array([features_of(path) for paths in listed.values() for path in paths], dtype=np.float32)
    truth = torch.tensor([CLASSES.index(label) for label, paths in listed.items() for _ in paths])
    mean, projection = whitening([(torch.from_numpy(learnt), truth)], classes=4, width=WIDTH)
    axes = PCA(2).fit((learnt - mean.numpy()) @ projection.numpy())
    assert result.fitted_on == 80
    assert result.explained == pytest.approx(axes.explained_variance_ratio_, rel=1e-3)
    folders = {"human": file.parents[3] / "human_eval", "dog": file.parents[3] / "dog_eval"}
    rows = np.array([features_of(folders[point.set_name] / point.picture) for point in result.points])
    expected = axes.transform((rows - mean.numpy()) @ projection.numpy())
    assert np.array([(point.x, point.y) for point in result.points]) == pytest.approx(expected, abs=2e-3)


def test_every_point_is_a_picture_of_its_set_with_what_it_shows_and_what_the_run_says(saved: Saved) -> None:
    run, file = saved()
    result = carried_out(FeatureMap(run, str(file), per_class=5), MadeUpJudge(run))
    assert len(result.points) == len({(point.set_name, point.picture) for point in result.points}) == 2 * 4 * 5
    for point in result.points:
        assert point.picture.startswith(f"{point.label}/")
        features = features_of(Path(f"{point.set_name}_eval") / point.picture)
        assert point.predicted == CLASSES[int(features[:4].argmax())]


def test_the_draw_is_that_of_its_seed_and_no_more_than_a_page_can_show(saved: Saved) -> None:
    run, file = saved("human", "dog", "cat", count=25)
    first = carried_out(FeatureMap(run, str(file), per_class=25), MadeUpJudge(run))
    assert carried_out(FeatureMap(run, str(file), per_class=25), MadeUpJudge(run)) == first
    assert len(first.points) == MOST_POINTS == 240


def test_what_cannot_be_read_is_left_out_and_counted_and_does_not_move_the_axes(saved: Saved) -> None:
    run, file = saved()
    whole = carried_out(FeatureMap(run, str(file)), MadeUpJudge(run))
    dogs = list_pictures((file.parents[3] / "dog_eval").resolve())
    result = carried_out(FeatureMap(run, str(file)), MadeUpJudge(run, unreadable=dogs["sad"][:3]))
    assert result.unreadable == {"human": 0, "dog": 3}
    assert len(result.points) == len(whole.points) - 3
    assert [point for point in whole.points if point in result.points] == result.points
    learnt = list_pictures(Path(run.config().pictures).resolve())
    assert carried_out(FeatureMap(run, str(file)), MadeUpJudge(run, unreadable=learnt["sad"][:2])).fitted_on == 78
    people = list_pictures((file.parents[3] / "human_eval").resolve())
    everything = [path for listed in (dogs, people) for paths in listed.values() for path in paths]
    with pytest.raises(PictureError, match="Too few pictures can be read"):
        carried_out(FeatureMap(run, str(file)), MadeUpJudge(run, unreadable=everything))


def test_a_result_comes_back_from_its_file_as_it_was(saved: Saved) -> None:
    run, file = saved()
    result = carried_out(FeatureMap(run, str(file), per_class=2), MadeUpJudge(run))
    assert MapResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_dogs_that_lie_by_species_are_said_to(saved: Saved) -> None:
    run, file = saved()
    [said] = carried_out(FeatureMap(run, str(file)), MadeUpJudge(run)).sentences()
    assert said.startswith(
        "48 of 48 dogs lie nearer to the centres of dogs of other emotions than to that of humans of"
    )


def square(name: str, *, x: float, y: float) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return a happy and a sad pair of points, the two emotions 2 apart, moved by x and y."""
    rows = np.array([[x - 1, y + 0.1], [x - 1, y - 0.1], [x + 1, y + 0.1], [x + 1, y - 0.1]])
    return rows, [(name, "happy")] * 2 + [(name, "sad")] * 2


@pytest.mark.parametrize(("shift", "nearer"), [(5.0, 4), (0.5, 0)])
def test_distances_of_made_up_squares(shift: float, nearer: int) -> None:
    people, dogs = square("human", x=0, y=0), square("dog", x=0, y=shift)
    found = distances_to("human", np.vstack([people[0], dogs[0]]), people[1] + dogs[1])
    [dog] = found.values()
    assert (dog.n, dog.nearer) == (4, nearer)
    # Root mean squares over two directions.
    assert (dog.across, dog.within, dog.within_reference) == pytest.approx(np.array([shift, 2, 2]) / np.sqrt(2))


def test_a_set_that_shares_one_emotion_with_the_reference_has_no_distances() -> None:
    people, dogs = square("human", x=0, y=0), square("dog", x=0, y=5)
    assert distances_to("human", np.vstack([people[0], dogs[0][:2]]), people[1] + dogs[1][:2]) == {}
