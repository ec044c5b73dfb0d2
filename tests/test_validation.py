"""Validation pictures: confusion, precision and recall, and the ones most wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.events import RunFinished
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run
from emotion.validation import FILE, Validation, load_validation, save_validation

CLASSES = ["happy", "sad"]


@pytest.fixture
def validation(tmp_path: Path) -> Validation:
    rows = [("a", "happy", 0.9), ("b", "happy", 0.2), ("c", "happy", 0.4), ("d", "sad", 0.3), ("e", "sad", 0.6)]
    save_validation(
        [(name, label, {"happy": happy, "sad": 1 - happy}) for name, label, happy in rows],
        epoch=3,
        classes=CLASSES,
        folder=tmp_path,
    )
    loaded = load_validation(Run(tmp_path))
    assert loaded is not None
    return loaded


def test_the_confusion_matrix_counts_every_picture_once(validation: Validation) -> None:
    assert validation.confusion() == {"happy": {"happy": 1, "sad": 2}, "sad": {"happy": 1, "sad": 1}}


def test_a_cell_opens_its_pictures_the_surest_first(validation: Validation) -> None:
    assert [picture.picture for picture in validation.cell("happy", "sad")] == ["b", "c"]


def test_the_most_wrong_come_first_and_right_ones_never(validation: Validation) -> None:
    assert [picture.picture for picture in validation.most_wrong(9)] == ["b", "c", "e"]


def test_precision_and_recall_are_those_of_the_matrix(validation: Validation) -> None:
    happy, sad = validation.per_class()
    assert (happy.precision, happy.recall, happy.support) == pytest.approx((1 / 2, 1 / 3, 3))
    assert (sad.precision, sad.recall, sad.support) == pytest.approx((1 / 3, 1 / 2, 2))


def test_a_class_that_was_never_said_has_no_precision(tmp_path: Path) -> None:
    save_validation([("a", "sad", {"happy": 0.9, "sad": 0.1})], epoch=1, classes=CLASSES, folder=tmp_path)
    loaded = load_validation(Run(tmp_path))
    assert loaded is not None
    assert loaded.per_class()[1].precision is None


def test_a_torn_file_is_one_sentence_and_a_missing_one_is_nothing(tmp_path: Path) -> None:
    assert load_validation(Run(tmp_path)) is None
    (tmp_path / FILE).write_text('{"epoch": 1')
    with pytest.raises(RunError, match="cannot be read"):
        load_validation(Run(tmp_path))


def test_a_training_leaves_its_validation_pictures_with_the_best_epochs_scores(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    finished = list(train_run(run))[-1]
    assert isinstance(finished, RunFinished)
    kept = load_validation(run)
    assert kept is not None
    assert kept.epoch == finished.best_epoch
    assert len(kept.pictures) == 7
    assert all((Path(tiny_config.pictures) / picture.picture).is_file() for picture in kept.pictures)
    right = sum(picture.predicted == picture.label for picture in kept.pictures)
    assert right / 7 == pytest.approx(finished.validation.accuracy)
