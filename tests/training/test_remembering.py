"""A training leaves what it has seen in its run folder, however it ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emotion.classifier import Classifier
from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFinished, RunStopped, StepDone
from emotion.familiarity import FILE, load_seen
from emotion.pictures.folders import find_pictures
from emotion.pictures.splitting import split
from emotion.prediction import NOT_KNOWN, Familiarity, Judged
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import rescue_run, train_run

WIDTH = 32


@pytest.fixture
def config(tiny_config: TrainConfig) -> TrainConfig:
    """A training with 24 validation pictures, enough for a claim."""
    return replace(tiny_config, validation_share=0.5)


def trained(config: TrainConfig, root: Path) -> Run:
    """Return a finished run."""
    run = create_run(config, root=root)
    assert isinstance(list(train_run(run))[-1], RunFinished)
    return run


def after_steps(run: Run, count: int) -> Callable[[], bool]:
    """Return what asks to stop once a run has taken so many steps."""
    return lambda: sum(isinstance(event, StepDone) for event in run.events()) >= count


def kept(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the references and the distances that a run holds."""
    seen = load_seen(run.path, width=WIDTH)
    assert seen is not None
    return seen.references, seen.distances


def familiarities(classifier: Classifier, pictures: list[Path]) -> list[Familiarity | None]:
    return [each.familiarity for each in classifier.judge(pictures) if isinstance(each, Judged)]


@pytest.mark.parametrize("depth", ["head", 1, "all"])
def test_what_is_kept_is_of_the_saved_checkpoint(config: TrainConfig, tmp_path: Path, depth: str | int) -> None:
    run = trained(replace(config, depth=depth, augmentation="light", block_learning_rate=2e-3), tmp_path)
    held_back = split(find_pictures(Path(config.pictures)), fraction=0.5, seed=config.seed).validation
    told = familiarities(Classifier(run), [picture.path for picture in held_back])
    # Each validation picture is found at its own place, but for two that are equally far.
    places = sorted(each.nearer for each in told if isinstance(each, Familiarity))
    assert len(places) == len(held_back) == 24
    assert np.abs(np.array(places) - np.arange(24)).max() <= 1
    assert len(kept(run)[0]) == 24


def test_a_prediction_says_how_familiar_a_picture_is(config: TrainConfig, tmp_path: Path) -> None:
    run = trained(config, tmp_path)
    classifier = Classifier(run)
    learnt = [p.path for p in split(find_pictures(Path(config.pictures)), fraction=0.5, seed=config.seed).train]
    said = classifier.predict(learnt[0])
    told = familiarities(classifier, learnt)
    assert said.familiarity == told[0]
    unknown = [bool(each.is_unknown) for each in told if isinstance(each, Familiarity)]
    assert len(unknown) == 24
    assert sum(unknown) <= 4, "what it was trained on is not strange to it"


@pytest.mark.parametrize("depth", ["head", 1, "all"])
def test_a_resumed_run_keeps_what_an_uninterrupted_one_does(
    config: TrainConfig, tmp_path: Path, depth: str | int
) -> None:
    config = replace(config, depth=depth)
    whole = trained(config, tmp_path / "whole")
    cut = create_run(config, root=tmp_path / "cut")
    assert isinstance(list(train_run(cut, asked_to_stop=after_steps(cut, 4)))[-1], RunStopped)
    assert kept(cut)[0].shape == (24, WIDTH)
    (cut.path / FILE).unlink()
    assert isinstance(list(train_run(cut))[-1], RunFinished)
    for expected, found in zip(kept(whole), kept(cut), strict=True):
        assert (expected == found).all()


@pytest.mark.parametrize("depth", ["head", 1])
def test_a_rescued_run_keeps_it_too(config: TrainConfig, tmp_path: Path, depth: str | int) -> None:
    run = create_run(replace(config, depth=depth), root=tmp_path)
    list(train_run(run, asked_to_stop=after_steps(run, 7)))
    before = kept(run)
    # As a killed process leaves it: a state, and nothing that is only written at the end.
    shutil.rmtree(run.checkpoint)
    (run.path / FILE).unlink()
    rescue_run(run)
    for expected, found in zip(before, kept(run), strict=True):
        assert (expected == found).all()
    assert sum(isinstance(event, EpochDone) and bool(event.epoch) for event in run.events()) == 2


def test_a_state_of_an_older_version_goes_on_without_a_claim(config: TrainConfig, tmp_path: Path) -> None:
    run = create_run(config, root=tmp_path)
    list(train_run(run, asked_to_stop=after_steps(run, 4)))
    (run.path / FILE).unlink()
    shutil.rmtree(run.checkpoint)
    path = run.path / "resume" / "state.pt"
    state = torch.load(path, weights_only=True)
    del state["best"]["seen"]
    torch.save(state, path)
    rescue_run(run)
    assert (run.checkpoint / "config.json").is_file()
    assert not (run.path / FILE).exists()


def test_a_run_with_a_torn_file_predicts_and_makes_no_claim(config: TrainConfig, tmp_path: Path) -> None:
    run = trained(config, tmp_path)
    (run.path / FILE).write_bytes((run.path / FILE).read_bytes()[:200])
    picture = find_pictures(Path(config.pictures))[0].path
    said = Classifier(run).predict(picture)
    assert said.is_unknown is None
    assert said.familiarity_sentence() == NOT_KNOWN
    assert sum(said.scores.values()) == pytest.approx(1)
