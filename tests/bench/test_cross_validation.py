"""Whole trainings under cross-validation: what is judged was not trained on, and nothing is left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion.bench import choice_folds, cross_validation
from emotion.bench.choice_folds import FOLDS, Indices
from emotion.bench.cross_validation import cross_validate
from emotion.cli import main
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.labels import EMOTIONS
from emotion.pictures.folders import find_pictures
from emotion.training import fit as fit_module


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice_folds, "SHUFFLES", 4)


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"EMOTION_{name}", str(tmp_path / name))
    return tmp_path


@pytest.fixture
def config(tmp_path: Path, tiny_dinov2: Path) -> TrainConfig:
    """Settings of a training on forty patterns of noise, no two of them alike."""
    rng, pictures = np.random.default_rng(5), tmp_path / "human_train"
    for label in EMOTIONS:
        (pictures / label).mkdir(parents=True)
        for number in range(10):
            pattern = rng.integers(0, 256, size=(5, 4, 3), dtype=np.uint8)
            Image.fromarray(pattern).resize((40, 50)).save(pictures / label / f"{number}.png")
    return TrainConfig(pictures=str(pictures), backbone=str(tiny_dinov2), epochs=2, batch_size=8, image_size=28)


def silent(_: str) -> None:
    """Say nothing."""


def test_what_is_judged_was_not_trained_on_and_nothing_of_its_group(
    config: TrainConfig, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[Indices] = []
    trainings: list[set[Path]] = []
    judged: list[list[Path]] = []
    real_fit, real_train = fit_module.fit, cross_validation._train_and_score

    def fit(settings: TrainConfig, parts: Any, **options: Any) -> Iterator[Any]:
        trainings.append({picture.path for picture in parts.train + parts.validation})
        return real_fit(settings, parts, **options)

    def divide(made: Indices, labels: Indices, *, seed: int) -> Indices:
        groups.append(made)
        return choice_folds.divide(made, labels, seed=seed)

    def train_and_score(settings: Any, source: Any, trained_on: Any, paths: list[Path]) -> Any:
        judged.append(list(paths))
        return real_train(settings, source, trained_on, paths)

    monkeypatch.setattr(fit_module, "fit", fit)
    monkeypatch.setattr(cross_validation, "divide", divide)
    monkeypatch.setattr(cross_validation, "_train_and_score", train_and_score)
    found = cross_validate(config, seeds=range(2), kinds=["near-duplicates"], say=silent)
    pictures = [picture.path for picture in find_pictures(Path(config.pictures))]
    group_of = dict(zip(pictures, groups[0].tolist(), strict=True))
    assert len(trainings) == len(judged) == 2 * FOLDS
    for seen, unseen in zip(trainings, judged, strict=True):
        assert seen | set(unseen) == set(pictures)
        assert not {group_of[path] for path in seen} & {group_of[path] for path in unseen}
    for seed in range(2):
        assert sorted(path for fold in judged[seed * FOLDS : (seed + 1) * FOLDS] for path in fold) == sorted(pictures)
    assert len(found.scores["near-duplicates"].accuracy) == 2
    assert not (own_folders / "RUNS").exists()


def test_scores_are_those_of_all_pictures_by_either_kind_of_folds(
    config: TrainConfig, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_half_sure_of_sad(
        settings: Any, source: Any, trained_on: Any, paths: list[Path]
    ) -> list[dict[str, float]]:
        return [{label: 0.5 if label == "sad" else 0.5 / 3 for label in EMOTIONS} for _ in paths]

    monkeypatch.setattr(cross_validation, "_train_and_score", always_half_sure_of_sad)
    found = cross_validate(config, seeds=[0], kinds=["hard", "near-duplicates"], say=silent)
    assert list(found.scores) == ["hard", "near-duplicates"]
    for scores, sentence in zip(found.scores.values(), found.sentences(), strict=True):
        assert scores.accuracy == [0.25]
        assert scores.log_loss == [pytest.approx(np.log(2) / 4 + 3 * np.log(6) / 4)]
        assert "accuracy 0.250" in sentence
        assert "chance 0.250" in sentence
        assert "±" not in sentence


def test_the_command_says_settings_seeds_and_scores_and_no_folder(
    config: TrainConfig, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--pictures", config.pictures, "--backbone", config.backbone, "--image-size", "28", "--epochs", "1"]
    assert main(["cross-validate", *options, "--seeds", "2", "--folds", "hard", "--depth", "1", "--json"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    values = json.loads(line)
    assert values["settings"]["depth"] == 1
    assert values["seeds"] == [0, 1]
    assert values["pictures"] == 40
    assert [len(scores["accuracy"]["seeds"]) for scores in values["scores"].values()] == [2]
    assert config.pictures not in line


def test_an_evaluation_set_is_refused_before_anything_is_computed(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(config.pictures, tmp_path / "human_eval")
    options = ["--pictures", str(tmp_path / "human_eval"), "--backbone", config.backbone]
    assert main(["cross-validate", *options]) == 1
    assert "choose on the pictures that are trained on" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence(config: TrainConfig, own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any, **__: Any) -> Iterator[Any]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield

    monkeypatch.setattr(fit_module, "fit", fit)
    with pytest.raises(RunError, match=r"No space left on device\): make room there"):
        cross_validate(config, seeds=[0], kinds=["hard"], say=silent)


def test_a_picture_that_cannot_be_read_is_named(config: TrainConfig, own_folders: Path) -> None:
    broken = next(Path(config.pictures).glob("sad/*"))
    broken.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=broken.name):
        cross_validate(config, seeds=[0], kinds=["hard"], say=silent)
