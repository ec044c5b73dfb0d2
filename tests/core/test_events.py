"""Every kind of event is written and read as a line; what is no event is refused; memory stays at hand."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunFinished,
    RunQueued,
    RunStarted,
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
    from_line,
    to_line,
)

SCORES = Scores(loss=0.5, accuracy=0.8, correct_confidence=0.7)
EVENTS: list[Event] = [
    RunQueued(elapsed_seconds=0.0),
    RunStarted(
        elapsed_seconds=0.1, classes=["happy", "sad"], train_pictures=10, validation_pictures=2, epochs=1,
        steps_per_epoch=1, device="cpu", precision="float32", processes=1,
    ),
    PicturesSkipped(elapsed_seconds=0.2, reasons={"ä.jpg": "ä.jpg is not a picture."}),
    TrunkProgress(elapsed_seconds=0.3, done=1, total=2, remaining_seconds=0.1, known=1),
    StepDone(
        elapsed_seconds=0.4, epoch=1, step=1, loss=1.0, accuracy=0.5, learning_rate=0.1, pictures_per_second=9.0,
        remaining_seconds=0.0,
    ),
    EpochDone(
        elapsed_seconds=0.5, epoch=0, train_loss=None, train_accuracy=None, validation=SCORES, is_best=False,
        remaining_seconds=0.0,
    ),
    RunFinished(elapsed_seconds=0.6, best_epoch=1, validation=SCORES, peak_memory_megabytes=500.0),
    RunStopped(elapsed_seconds=0.7, best_epoch=None, validation=None),
    RunStopped(elapsed_seconds=0.7, best_epoch=2, validation=SCORES),
    RunFailed(elapsed_seconds=0.8, message="No."),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_round_trips_through_its_line(event: Event) -> None:
    line = to_line(event)
    assert line.startswith(f'{{"event": "{type(event).__name__}", "elapsed_seconds": ')
    assert "\n" not in line
    assert from_line(line) == event


STRANGE_SCORES = '{"event": "RunStopped", "elapsed_seconds": 1, "best_epoch": 1, "validation": {"loss": 1, "f1": 1}}'


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"event": "Nothing"}', '{"event": []}', '{"event": "StepDone"}', '"text"', STRANGE_SCORES]
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_line(line)


# Takes 20 MB and gives them back, again and again; prints how often the system had to hand out a page for it.
SCRIPT = """
import ctypes, resource, sys
from emotion.allocator import keep_freed_memory
if sys.argv[1] == "keep": assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def take():
    place, other = libc.malloc(20_000_000), libc.malloc(1_000)
    ctypes.memset(place, 1, 20_000_000)
    libc.free(other), libc.free(place)
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Only glibc can be told to keep memory.")
def test_freed_memory_is_taken_again_without_asking_the_system() -> None:
    kept, left = (
        int(subprocess.run([sys.executable, "-c", SCRIPT, how], check=True, capture_output=True, text=True).stdout)
        for how in ("keep", "leave")
    )
    assert 10 * kept < left
