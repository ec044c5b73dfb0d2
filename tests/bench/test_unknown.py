"""The measurement of what a run has never seen: the rules against textbooks, and the whole of it on a tiny run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from emotion.bench import unknown
from emotion.bench.faceless import OTHERS, SCENES, find_faceless
from emotion.bench.figure import NotMeasured
from emotion.bench.unknown import ROWS, measure_unknown
from emotion.bench.unknown_rules import Rules, make_rules
from emotion.bench.workplace import Trained, Workplace
from emotion.classifier import Classifier
from emotion.config import TrainConfig, preset
from emotion.events import RunFinished
from emotion.pictures.decoding import open_picture
from emotion.prediction import Judged
from emotion.runs import create_run
from emotion.training.session import train_run

LABELS = ["happy"] * 40 + ["sad"] * 40


def features(count: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6))


def test_mahalanobis_is_scipys_with_the_covariance_of_ledoit_and_wolf() -> None:
    train, asked = features(80, seed=1), features(5, seed=2)
    means = [train[:40].mean(axis=0), train[40:].mean(axis=0)]
    precision = LedoitWolf(assume_centered=True).fit(train - np.repeat(means, 40, axis=0)).precision_
    expected = [min(mahalanobis(row, mean, precision) ** 2 for mean in means) for row in asked]
    rules = make_rules(train, LABELS, np.ones((2, 6)), np.zeros(2))
    assert rules["Mahalanobis (Lee et al. 2018)"](asked) == pytest.approx(expected)


def test_energy_and_max_softmax_are_torchs() -> None:
    weight, bias, asked = features(4, seed=3), np.arange(4.0), features(7, seed=4)
    logits = torch.from_numpy(asked @ weight.T + bias)
    rules = make_rules(features(80, seed=1), LABELS, weight, bias)
    assert rules["energy (Liu et al. 2020)"](asked) == pytest.approx(-logits.logsumexp(1).numpy())
    softmax = rules["max softmax (Hendrycks and Gimpel 2017)"](asked)
    assert softmax == pytest.approx(-logits.softmax(1).amax(1).numpy())


def test_pictures_of_no_face_are_made_and_found(tmp_path: Path) -> None:
    (tmp_path / "own" / "chairs").mkdir(parents=True)
    (tmp_path / "own" / "empty").mkdir()
    (tmp_path / "own" / "chairs" / "a.png").write_bytes(b"")
    found = find_faceless(tmp_path / "own", made=tmp_path / "made")
    assert {name: len(pictures) for name, pictures in found.items()} == {
        "drawn scenes": SCENES,
        "photographs of scikit-learn": 2,
        "noise": OTHERS,
        "plain colours": OTHERS,
        "text": OTHERS,
        "chairs": 1,
    }
    contents = {open_picture(path).tobytes() for name in ("drawn scenes", "noise", "text") for path in found[name]}
    assert len(contents) > 0.9 * (SCENES + 2 * OTHERS), "but for empty backdrops of one colour, each is another picture"


def test_the_rules_are_held_against_one_another_on_a_run(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(replace(tiny_config, validation_share=0.5), root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    sources = {name: pictures[:10] for name, pictures in find_faceless(None, made=tmp_path / "made").items()}
    outcomes = Rules().outcomes(run.path, sources)
    assert len(outcomes) == 12
    assert all(list(found) == list(sources) for found in outcomes.values())
    assert all(0 <= value <= 1 for found in outcomes.values() for pair in found.values() for value in pair)

    told = Rules().unknown(run.path, sources)
    assert told["validation"] == (1, 24)
    said = [each for each in Classifier(run).judge(sources["noise"]) if isinstance(each, Judged)]
    expected = [each.familiarity.is_unknown for each in said if each.familiarity]
    assert told["noise"] == (sum(map(bool, expected)), 10)
    assert told["noise"][0] / 10 == outcomes["standardised Euclidean, k = 5"]["noise"][1], "the rule that is used"


def test_it_is_measured_in_full_only(workplace: Workplace) -> None:
    with pytest.raises(NotMeasured, match="only --full does"):
        measure_unknown(workplace)
    assert len({row.name for row in ROWS}) == 4


def test_the_runs_that_it_asks_are_of_the_quick_preset(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[TrainConfig] = []

    def train(_: Workplace, config: TrainConfig) -> Trained:
        asked.append(config)
        raise NotMeasured("it is seen what would be trained.")

    monkeypatch.setattr(Workplace, "train", train)
    monkeypatch.setattr(unknown, "Helper", lambda make: nullcontext())
    with pytest.raises(NotMeasured, match="would be trained"):
        measure_unknown(replace(workplace, is_full=True))
    drawn = str(workplace.pictures / "human_train")
    assert asked == [replace(preset("Quick", pictures=drawn), seed=42)]
