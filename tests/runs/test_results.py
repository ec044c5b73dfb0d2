"""What a run came to: one honest sentence on its curves, who was taken for whom, the most wrong first."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from emotion.core.errors import RunError
from emotion.core.events import EpochDone, Event, RunStarted, Scores
from emotion.runs.curves import reading
from emotion.runs.run import Run
from emotion.runs.validation import Validation, load_validation


def curves(
    trained: Sequence[float], validated: Sequence[float], *, accuracy: float | Sequence[float] = 0.8, n: int = 90
) -> list[Event]:
    accuracies = [accuracy] * len(trained) if isinstance(accuracy, float) else accuracy
    started = RunStarted(
        elapsed_seconds=0.0, classes=["happy", "sad", "angry", "tired"], train_pictures=510, validation_pictures=n,
        epochs=len(trained), steps_per_epoch=1, device="cpu", precision="float32", processes=1,
    )  # fmt: skip
    epochs = [
        EpochDone(
            elapsed_seconds=float(epoch), epoch=epoch, train_loss=train_loss, train_accuracy=0.5, is_best=False,
            validation=Scores(loss=loss, accuracy=right, correct_confidence=0.5), remaining_seconds=0.0,
        )
        for epoch, (train_loss, loss, right) in enumerate(zip(trained, validated, accuracies, strict=True), 1)
    ]  # fmt: skip
    return [started, *epochs]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (curves([1.0, 0.5, 0.2, 0.1], [1.0, 0.7, 0.8, 0.9]), "Over-fitting from epoch 3"),
        (curves([1.0, 0.8, 0.6], [1.2, 1.0, 0.8], accuracy=(0.7, 0.8, 0.9)), "Still improving at epoch 3"),
        # The loss alone improves: the model gets surer of what it says, right or not.
        (curves([1.0, 0.8, 0.6, 0.4], [1.2, 1.0, 0.8, 0.6], accuracy=(0.6, 0.9, 0.9, 0.9)), "Surer, but .*epoch 2"),
        (curves([1.0, 0.5, 0.4, 0.39], [0.9, 0.6, 0.59, 0.595]), "Levelled off: .*since epoch 2"),
        (curves([1.4, 1.3, 1.2], [1.4, 1.39, 1.38], accuracy=0.3), "Nothing learned beyond chance: 27 of 90 .* = 30 %"),
        (curves([1.0, 0.5, 0.2], [1.0, 0.7, 0.9], accuracy=0.5, n=8), "Nothing learned beyond chance"),
        # A validation loss that rises with the training loss is no over-fitting.
        (curves([0.5, 0.6, 0.9], [0.6, 0.7, 1.0]), "Unsteady: after epoch 1"),
        (curves([1.0], [1.0]), "$"),
        ([], "$"),
    ],
)
def test_fault_the_sentence_names_what_the_curves_show(events: list[Event], sentence: str):
    assert re.match(sentence, reading(events)), reading(events)


def validation(folder: Path, *rows: tuple[str, str, float]) -> Validation:
    """Write what a training writes of its validation pictures, and read it."""
    pictures = [
        {"picture": name, "label": label, "scores": {"happy": happy, "sad": 1 - happy}} for name, label, happy in rows
    ]
    record = {"epoch": 3, "classes": ["happy", "sad"], "pictures": pictures}
    (folder / "validation.json").write_text(json.dumps(record))
    loaded = load_validation(Run(folder))
    assert loaded is not None
    return loaded


def test_confusion_precision_recall_and_the_most_wrong_are_those_of_the_pictures(tmp_path: Path):
    rows = [("a", "happy", 0.9), ("b", "happy", 0.2), ("c", "happy", 0.4), ("d", "sad", 0.3), ("e", "sad", 0.6)]
    found = validation(tmp_path, *rows)
    assert found.confusion() == {"happy": {"happy": 1, "sad": 2}, "sad": {"happy": 1, "sad": 1}}
    assert [picture.picture for picture in found.cell("happy", "sad")] == ["b", "c"], "the surest first"
    assert [picture.picture for picture in found.most_wrong(9)] == ["b", "c", "e"], "right ones never"
    happy, sad = found.per_class()
    assert (happy.precision, happy.recall, happy.support) == pytest.approx((1 / 2, 1 / 3, 3))
    assert (sad.precision, sad.recall, sad.support) == pytest.approx((1 / 3, 1 / 2, 2))
    assert validation(tmp_path, ("a", "sad", 0.9)).per_class()[1].precision is None, "never said"


def test_a_torn_file_is_one_sentence_and_a_missing_one_is_nothing(tmp_path: Path):
    assert load_validation(Run(tmp_path)) is None
    (tmp_path / "validation.json").write_text('{"epoch": 1')
    with pytest.raises(RunError, match="cannot be read"):
        load_validation(Run(tmp_path))
