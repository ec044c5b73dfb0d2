"""One honest sentence on what a training's curves show."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emotion.curves import reading
from emotion.events import EpochDone, Event, RunStarted, Scores


def curves(trained: Sequence[float], validated: Sequence[float], *, accuracy: float = 0.8, n: int = 90) -> list[Event]:
    started = RunStarted(
        elapsed_seconds=0.0,
        classes=["happy", "sad", "angry", "tired"],
        train_pictures=510,
        validation_pictures=n,
        epochs=len(trained),
        steps_per_epoch=1,
        device="cpu",
        precision="float32",
        processes=1,
    )
    return [
        started,
        *(
            EpochDone(
                elapsed_seconds=float(epoch),
                epoch=epoch,
                train_loss=train_loss,
                train_accuracy=0.5,
                validation=Scores(loss=loss, accuracy=accuracy, correct_confidence=0.5),
                is_best=False,
                remaining_seconds=0.0,
            )
            for epoch, (train_loss, loss) in enumerate(zip(trained, validated, strict=True), 1)
        ),
    ]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (curves([1.0, 0.5, 0.2, 0.1], [1.0, 0.7, 0.8, 0.9]), "Over-fitting from epoch 3"),
        (curves([1.0, 0.8, 0.6, 0.4], [1.2, 1.0, 0.8, 0.6]), "Still improving at epoch 4"),
        (curves([1.0, 0.5, 0.4, 0.39], [0.9, 0.6, 0.59, 0.595]), "Levelled off: .*since epoch 2"),
        (curves([1.4, 1.3, 1.2], [1.4, 1.39, 1.38], accuracy=0.3), "Nothing learned beyond chance: 30% of 90"),
        (curves([1.0, 0.5, 0.2], [1.0, 0.7, 0.9], accuracy=0.5, n=8), "Nothing learned beyond chance"),
    ],
)
def test_the_sentence_names_what_the_curves_show(events: list[Event], sentence: str) -> None:
    import re

    assert re.match(sentence, reading(events)), reading(events)


def test_a_loss_that_rises_with_the_training_loss_is_not_called_over_fitting() -> None:
    assert reading(curves([0.5, 0.6, 0.9], [0.6, 0.7, 1.0])).startswith("Unsteady: after epoch 1")


def test_one_epoch_shows_nothing_yet() -> None:
    assert reading(curves([1.0], [1.0])) == ""
    assert reading([]) == ""
