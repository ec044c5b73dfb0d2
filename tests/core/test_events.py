"""Every kind of event is written and read as a line, and what is no event is refused."""

import json
from pathlib import Path

import pytest

from emotion.core.events import from_line, to_line

SCORES = '"validation": {"loss": 0.5, "accuracy": 0.8, "correct_confidence": 0.7}'
# What a training that comes to its end does not write.
OTHERS = [
    '{"event": "RunQueued", "elapsed_seconds": 0.0}',
    '{"event": "PicturesSkipped", "elapsed_seconds": 0.2, "reasons": {"ä.jpg": "ä.jpg is not a picture."},'
    ' "train_pictures": 9, "validation_pictures": 2, "steps_per_epoch": 1}',
    '{"event": "RunStopped", "elapsed_seconds": 0.7, "best_epoch": null, "validation": null}',
    f'{{"event": "RunStopped", "elapsed_seconds": 0.7, "best_epoch": 2, {SCORES}}}',
    '{"event": "RunFailed", "elapsed_seconds": 0.8, "message": "No."}',
]
STRANGE_SCORES = '{"event": "RunStopped", "elapsed_seconds": 1, "best_epoch": 1, "validation": {"loss": 1, "f1": 1}}'


def test_every_event_is_read_from_its_line_and_written_as_it_was(trained_run: Path) -> None:
    lines = [*(trained_run / "events.jsonl").read_text("utf-8").splitlines(), *OTHERS]
    assert [to_line(from_line(line)) for line in lines] == lines
    assert len({json.loads(line)["event"] for line in lines}) == 9


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"event": "Nothing"}', '{"event": []}', '{"event": "StepDone"}', STRANGE_SCORES]
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_line(line)
