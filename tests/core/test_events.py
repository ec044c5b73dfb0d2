"""Every kind of event is written and read as a line, and what is no event is refused."""

from __future__ import annotations

import pytest

from emotion.core.events import from_line, to_line

SCORES = '"validation": {"loss": 0.5, "accuracy": 0.8, "correct_confidence": 0.7}'
LINES = [
    '{"event": "RunQueued", "elapsed_seconds": 0.0}',
    '{"event": "RunStarted", "elapsed_seconds": 0.1, "classes": ["happy", "sad"], "train_pictures": 10,'
    ' "validation_pictures": 2, "epochs": 1, "steps_per_epoch": 1, "device": "cpu", "precision": "float32",'
    ' "processes": 1, "resumed_epochs": 2, "notes": ["It takes 224 pixels alone."]}',
    '{"event": "PicturesSkipped", "elapsed_seconds": 0.2, "reasons": {"ä.jpg": "ä.jpg is not a picture."},'
    ' "train_pictures": 9, "validation_pictures": 2, "steps_per_epoch": 1}',
    '{"event": "TrunkProgress", "elapsed_seconds": 0.3, "done": 1, "total": 2, "remaining_seconds": 0.1, "known": 1,'
    ' "kept": false}',
    '{"event": "StepDone", "elapsed_seconds": 0.4, "epoch": 1, "step": 1, "loss": 1.0, "accuracy": 0.5,'
    ' "learning_rate": 0.1, "pictures_per_second": 9.0, "remaining_seconds": 0.0}',
    '{"event": "EpochDone", "elapsed_seconds": 0.5, "epoch": 0, "train_loss": null, "train_accuracy": null,'
    f' {SCORES}, "is_best": false, "remaining_seconds": 0.0}}',
    f'{{"event": "RunFinished", "elapsed_seconds": 0.6, "best_epoch": 1, {SCORES}, "peak_memory_megabytes": 500.0,'
    ' "stopped_early": true}',
    '{"event": "RunStopped", "elapsed_seconds": 0.7, "best_epoch": null, "validation": null}',
    f'{{"event": "RunStopped", "elapsed_seconds": 0.7, "best_epoch": 2, {SCORES}}}',
    '{"event": "RunFailed", "elapsed_seconds": 0.8, "message": "No."}',
]
STRANGE_SCORES = '{"event": "RunStopped", "elapsed_seconds": 1, "best_epoch": 1, "validation": {"loss": 1, "f1": 1}}'


@pytest.mark.parametrize("line", LINES)
def test_every_event_is_read_from_its_line_and_written_as_it_was(line: str) -> None:
    assert to_line(from_line(line)) == line


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"event": "Nothing"}', '{"event": []}', '{"event": "StepDone"}', '"text"', STRANGE_SCORES]
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_line(line)
