"""What is said of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import script

from emotion.config import TrainConfig
from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunStopped,
    StepDone,
    TrunkProgress,
)
from emotion.ui.words import progress, skipped, time_left, verdict
from emotion.words import count, duration

ENDED = "Interrupted: its process ended without a word."
EVENTS = script(TrainConfig(pictures="-"))


def until(kind: type[Event], number: int) -> list[Event]:
    """Return the scripted events up to the ``number``-th one of a kind."""
    places = [place for place, event in enumerate(EVENTS) if isinstance(event, kind)]
    return EVENTS[: places[number - 1] + 1]


def test_a_run_without_events_says_what_it_waits_for():
    assert progress([], "queued").sentence == "Queued: the training before it goes first. Stop withdraws it."
    assert progress([], "queued", queue_place=1).sentence.startswith("Queued: the training in hand goes first.")
    assert progress([], "queued", queue_place=3).sentence.startswith("Queued: 3 trainings go first.")
    assert "loading the backbone" in progress([], "running").sentence


def test_whoever_may_not_stop_a_waiting_run_is_promised_no_stop():
    waits = progress([], "queued", queue_place=2, is_guests=True).sentence
    assert waits == "Queued: it begins after those that wait before it."
    assert progress([], "queued", is_guests=True).sentence == "Queued: it begins as soon as the server is ready."


def test_the_look_at_the_pictures_is_counted():
    said = progress(until(TrunkProgress, 3), "running")
    assert said.sentence.startswith("Looking once at 600 pictures: 300 of 600, ")
    assert said.sentence.endswith(" s left; later runs skip this.")
    assert said.share == 0.5


def test_what_is_known_of_a_look_and_what_finds_no_room_is_said():
    *before, look = until(TrunkProgress, 3)
    said = progress([*before, replace(look, known=150, kept=False)], "running").sentence
    assert "600 pictures, 150 known from earlier runs: 300 of 600" in said
    assert said.endswith("there is no room to keep them, so later runs look again.")
    views = progress([*before, replace(look, total=1110)], "running").sentence
    assert "600 pictures in 1,110 views: 300 of 1,110" in views


def test_a_run_that_looked_at_nothing_says_so_at_its_end():
    known = [replace(event, known=600) if isinstance(event, TrunkProgress) else event for event in EVENTS]
    assert progress(known, "finished").sentence.endswith(
        "It had no picture to look at: all are known from earlier runs."
    )


def test_a_running_epoch_is_named_with_the_time_left():
    said = progress(until(StepDone, 15), "running")
    assert said.sentence.startswith("Epoch 3 of 8, ")
    assert said.sentence.endswith(" left.")


def test_the_last_epoch_says_that_the_checkpoint_is_written():
    assert "writing the checkpoint" in progress(until(EpochDone, 9), "running").sentence


def test_the_end_names_the_best_epoch_and_its_accuracy():
    said = progress(EVENTS, "finished").sentence
    assert said.startswith("Finished in ")
    assert "epoch 6 is best" in said
    assert "% of the validation pictures right" in said


@pytest.mark.parametrize(("best", "words"), [(2, "epoch 2 is kept"), (None, "nothing is kept")])
def test_a_stop_says_what_is_kept(best: int | None, words: str):
    stopped = RunStopped(elapsed_seconds=3.0, best_epoch=best, validation=None)
    assert words in progress([*EVENTS[:9], stopped], "stopped").sentence


def test_a_failure_carries_its_own_sentence():
    failed = RunFailed(elapsed_seconds=3.0, message="The disk is full: make room.")
    assert progress([failed], "failed").sentence == "It could not go on. The disk is full: make room."


def test_an_interrupted_run_says_where_it_would_go_on():
    said = progress(EVENTS[:9], "interrupted").sentence
    assert said.startswith(f"{ENDED} Resume begins it anew. If it was for want of memory, a smaller batch")
    third = next(place for place, event in enumerate(EVENTS) if isinstance(event, EpochDone) and event.epoch == 3)
    assert "Resume goes on after epoch 3." in progress(EVENTS[: third + 4], "interrupted").sentence


def test_a_stopping_run_says_what_will_be_kept():
    assert "nothing is kept" in progress(EVENTS[:9], "stopping").sentence
    third = next(place for place, event in enumerate(EVENTS) if isinstance(event, EpochDone) and event.epoch == 3)
    assert "the best finished epoch is kept" in progress(EVENTS[: third + 1], "stopping").sentence


def test_pictures_that_were_left_out_are_counted_and_the_first_is_named():
    reasons = {"a.jpg": "a.jpg is not a picture.", "b.jpg": "b.jpg is cut short."}
    events = [PicturesSkipped(elapsed_seconds=0.1, reasons=reasons)]
    assert skipped(events) == "2 pictures were left out. The first: a.jpg is not a picture."
    assert skipped(EVENTS) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.012, "12 ms"), (0.14, "0.1 s"), (9.96, "10 s"), (59.6, "1 min"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_times_are_said_as_a_person_says_them(seconds: float, words: str):
    assert duration(seconds) == words


def test_an_estimate_promises_no_tenths():
    assert time_left(0.2) == "1 s left"
    assert time_left(8.04) == "8 s left"


def test_one_is_singular():
    assert count(1, "picture") == "1 picture"
    assert count(1200, "picture") == "1,200 pictures"


@pytest.mark.parametrize(
    ("happy", "sad", "words"),
    [(0.9, 0.05, "Looks happy"), (0.45, 0.3, "Perhaps happy"), (0.36, 0.34, "Undecided between happy")],
)
def test_a_verdict_is_as_sure_as_its_numbers(happy: float, sad: float, words: str):
    rest = (1 - happy - sad) / 2
    scores = {"happy": happy, "sad": sad, "angry": rest, "tired": rest}
    assert verdict(scores, label="happy").startswith(words)
