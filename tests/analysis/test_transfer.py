"""How much of the way a model goes: made-up features of which the answer is known, the command, and drawn faces."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.command import Emotion
from helpers.pictures import EMOTIONS, write_pictures
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score

from emotion.analysis.species_look import shifted
from emotion.analysis.statistics import area_of, area_under_curve
from emotion.analysis.transfer import LabelledSet, TransferResult, transfer
from emotion.core.progress import result_of

FACES = Path(__file__).parents[2] / "assets" / "faces"
A_CLASS, WIDTH = 30, 12
Range = tuple[float, float]
CENTRES = 3.0 * np.eye(4, WIDTH)


def made(centres: np.ndarray = CENTRES, *, seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return features of four classes around their centres, and the classes."""
    truth = np.repeat(np.arange(4), A_CLASS)
    noise = np.random.default_rng(seed).normal(0, spread, (len(truth), WIDTH))
    return (centres[truth] + noise).astype(np.float32), truth


def found(people: Any, dogs: Any, *, groups: Any = None) -> tuple[TransferResult, Any]:
    """Return what comes out of people and dogs, and how much of the way dogs are."""
    sets = {
        name: LabelledSet(features, truth, np.arange(len(truth)) if groups is None else groups)
        for name, (features, truth) in (("human", people), ("dog", dogs))
    }
    result = result_of(transfer(sets, classes=EMOTIONS))
    assert (result.reference, list(result.share)) == ("human", ["dog"])
    return result, result.share["dog"]


PEOPLE, DOGS = made(seed=1), made(seed=2)


@pytest.mark.parametrize(
    ("dogs", "within", "accuracy", "auc", "way"),
    [
        (DOGS, (0.8, 1), (0.8, 1), (0.9, 1), (0.9, 1.1)),
        # Where only a mean is shifted each class is ranked above the others as before.
        ((DOGS[0] + 8 * CENTRES[0], DOGS[1]), (0.8, 1), (0, 0.35), (0.85, 1), (-9, 0.2)),
        (made(np.roll(CENTRES, 1, axis=0), seed=2), (0.8, 1), (0, 0.15), (0, 0.5), (-9, 0)),
        (made(0 * CENTRES, seed=2), (0, 0.35), (0, 0.4), (0.35, 0.65), None),
    ],
    ids=["as people are", "shifted by a mean", "with an axis that is turned", "nothing to learn"],
)
def test_a_shift_that_is_only_a_mean_costs_the_way_and_no_ranking_and_a_turn_both(
    dogs: Any, within: Range, accuracy: Range, auc: Range, way: Range | None
) -> None:
    result, share = found(PEOPLE, dogs)
    across = result.matrix["human"]["dog"]
    assert within[0] <= result.matrix["dog"]["dog"].accuracy <= within[1]
    assert accuracy[0] <= across.accuracy <= accuracy[1]
    assert auc[0] <= across.auc <= auc[1]
    assert (share is None) == (way is None)
    if share and way:
        assert way[0] <= share.value <= way[1]
        assert share.low <= share.value <= share.high


def test_near_duplicates_are_not_judged_by_one_another() -> None:
    # As many directions as pictures: each picture can be learnt by heart, and nothing else.
    truth = np.repeat(np.arange(4), A_CLASS)
    features = np.random.default_rng(3).normal(0, 1, (len(truth), 300)).astype(np.float32)
    twice = np.repeat(features, 2, axis=0), np.repeat(truth, 2)
    apart, _ = found(twice, twice)
    together, _ = found(twice, twice, groups=np.repeat(np.arange(len(truth)), 2))
    assert apart.matrix["human"]["human"].accuracy > 0.7
    assert together.matrix["human"]["human"].accuracy == pytest.approx(0.25, abs=0.12)


def test_taking_off_the_mean_ends_a_collapse_that_is_only_a_mean() -> None:
    features, truth = made(seed=4)
    classifier = SimpleNamespace(of_features=lambda rows: softmax(rows.astype(np.float64) @ CENTRES.T, axis=1))
    judge: Any = SimpleNamespace(classes=list(EMOTIONS), classifier=classifier)
    moved = (features + 8 * CENTRES[3]).astype(np.float32)
    look = shifted(judge, moved, truth, mean=features.mean(0))
    plain = classifier.of_features(features)
    assert look.before.predicted == {**dict.fromkeys(EMOTIONS, 0), EMOTIONS[3]: len(truth)}
    assert look.after.correct == int((plain.argmax(1) == truth).sum())
    assert look.after.log_loss == pytest.approx(log_loss(truth, plain), rel=1e-3)
    assert look.after.log_loss < look.before.log_loss


def test_the_area_under_the_curve_is_scikit_learns_ties_half_and_a_temperature_does_not_move_it() -> None:
    rng = np.random.default_rng(5)
    scores, truth = rng.random((3, 60)).round(1), rng.random((3, 60)) < 0.3
    expected = [roc_auc_score(each, row) for each, row in zip(truth, scores, strict=True)]
    assert area_under_curve(scores, truth) == pytest.approx(expected)
    assert np.isnan(area_under_curve(scores, np.zeros_like(truth))).all()
    one, other = area_of(scores[0], truth[0], seed=1), area_of(scores[0] ** 3, truth[0], seed=1)
    assert one == other
    assert one is not None
    assert one.low < one.value < one.high


def test_the_command_says_the_matrix_and_the_share_of_the_way(emotion: Emotion, run: Path, tmp_path: Path) -> None:
    sets = {name: write_pictures(tmp_path / name, count=8) for name in ("human", "dog")}
    named = [word for name, folder in sets.items() for word in ("--set", f"{name}={folder}")]
    said = emotion("transfer", "--run", run, *named, "--json")
    assert said.code == 0, said.err
    assert list(said.json) == ["run", "classes", "chance", "matrix", "share"]
    assert (said.json["run"], said.json["classes"], said.json["chance"]) == (str(run), list(EMOTIONS), 0.25)
    for row in said.json["matrix"].values():
        assert {name: list(each) for name, each in row.items()} == {other: ["n", "accuracy", "auc"] for other in sets}
        assert row["dog"]["n"] == 32
    assert list(said.json["share"]) == ["dog"]
    assert said.json["share"]["dog"] is None or list(said.json["share"]["dog"]) == ["value", "low", "high"]
    gone = emotion("transfer", "--run", run, "--set", f"human={tmp_path / 'gone'}")
    assert (gone.code, gone.err.count("\n")) == (1, 1)


@pytest.mark.slow
def test_of_drawn_faces_what_people_teach_reads_people_better_than_dogs(emotion: Emotion) -> None:
    trained = emotion("train", "--pictures", FACES / "human_train", "--epochs", 1, "--json")
    named = [word for name in ("human", "dog") for word in ("--set", f"{name}={FACES / f'{name}_eval'}")]
    matrix = emotion("transfer", "--run", trained.json["run"], *named, "--json").json["matrix"]
    assert matrix["human"]["human"]["accuracy"] > matrix["human"]["dog"]["accuracy"] + 0.1
    assert matrix["dog"]["dog"]["accuracy"] > matrix["human"]["dog"]["accuracy"]
