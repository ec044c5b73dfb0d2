"""A picture of none of the classes is said to be that first, and its bars step back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.prediction import Familiarity, Prediction
from emotion.run import Run
from emotion.ui.api.results import prediction_answer
from emotion.ui.charts.results import probability_chart
from emotion.ui.predict.verdict import verdict_html

SCORES = {"happy": 0.7, "sad": 0.1, "angry": 0.1, "tired": 0.1}
SAID = Prediction("happy", 0.7, SCORES, "float32", 0.05)
UNKNOWN = replace(SAID, familiarity=Familiarity(nearer=90, validation=90))
KNOWN = replace(SAID, familiarity=Familiarity(nearer=12, validation=90))


def lines(prediction: Prediction) -> list[str]:
    """Return the verdict's headline and what stands below it."""
    html = verdict_html(prediction, Run(Path("runs/a-run")), is_drawn=False)
    return re.findall(r"<(?:b|span)>(.*?)</", html)


def test_what_is_none_of_the_classes_is_said_so_first_and_the_class_after_it() -> None:
    head, asked, rest = lines(UNKNOWN)
    assert head.startswith("None of these, as far as the run can tell")
    assert "95 % of its validation pictures (n = 90)" in head
    assert asked == "Asked for one of its classes all the same: Looks happy: 70 %."
    assert rest.startswith("Run a-run, float32")


def test_what_is_like_the_training_pictures_is_judged_with_what_that_rests_on() -> None:
    head, familiar, _ = lines(KNOWN)
    assert head == "Looks happy: 70 %."
    assert "12 of 90 are nearer" in familiar


def test_a_run_that_does_not_know_makes_no_claim() -> None:
    head, familiar, _ = lines(SAID)
    assert head == "Looks happy: 70 %."
    assert familiar == "This run does not know what it has never seen: train again."


@pytest.mark.parametrize(("prediction", "unknown"), [(UNKNOWN, True), (KNOWN, False), (SAID, None)])
def test_a_program_is_told_too(prediction: Prediction, unknown: bool | None) -> None:
    answer = prediction_answer(prediction, Run(Path("runs/a-run")))
    assert answer["unknown"] is unknown
    assert answer["unknown_sentence"] == prediction.familiarity_sentence()
    assert answer["scores"] == SCORES, "the probabilities stay what they are"


def test_the_bars_of_an_unknown_picture_step_back_and_keep_their_lengths() -> None:
    plain, muted = (probability_chart(SCORES, is_muted=is_muted).data[0] for is_muted in (False, True))
    assert muted.opacity < 0.5 < plain.opacity
    assert muted.x == plain.x
