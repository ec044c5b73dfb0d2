"""Live cameras: what is said moves smoothly, no label flickers, and each visitor has a turn."""

from __future__ import annotations

import pytest

from emotion.core.errors import RefusedError
from emotion.core.prediction import Novelty, Prediction
from emotion.server.live import LiveCameras, Over, smoothed


def says(happy: float, *, nearer: int = 0) -> Prediction:
    """Return a prediction of two classes; with ``nearer`` of 90 validation pictures nearer than this one."""
    scores = {"happy": happy, "sad": 1 - happy}
    label = max(scores, key=scores.__getitem__)
    return Prediction(label, scores[label], scores, "float32", 0.01, Novelty(nearer, 90))


@pytest.mark.parametrize("pictures", [1, 4, 40])
def test_the_mean_is_half_way_after_four_tenths_of_a_second_however_many_pictures_came(pictures: int) -> None:
    mean = smoothed(None, says(1.0), at=0.0)
    for number in range(1, pictures + 1):
        mean = smoothed(mean, says(0.0), at=0.4 * number / pictures)
    assert mean.scores == pytest.approx({"happy": 0.5, "sad": 0.5})
    # Another run, of other classes, begins anew.
    calm = Prediction("calm", 1.0, {"calm": 1.0}, "float32", 0.01)
    assert smoothed(mean, calm, at=0.5).scores == {"calm": 1.0}


def test_a_label_stays_while_two_classes_are_as_likely_and_follows_a_change_that_lasts() -> None:
    means = [smoothed(None, says(0.52), at=0.0)]
    for number in range(1, 50):
        means.append(smoothed(means[-1], says(0.52 if number % 2 else 0.46), at=number * 0.1))
    assert {mean.label for mean in means} == {"happy"}
    for number in range(50, 60):
        means.append(smoothed(means[-1], says(0.1, nearer=90), at=number * 0.1))
    assert (means[-1].label, means[-1].unknown > 0.5) == ("sad", True)


def test_a_visitor_has_one_camera_others_wait_and_each_ends_after_its_time() -> None:
    now = [0.0]
    cameras = LiveCameras(most=1, seconds=120, clock=lambda: now[0])
    cameras.admit("anna", "page 1")
    for visitor, said in (("anna", "Your camera is live in another window"), ("bert", "Other visitors' cameras")):
        with pytest.raises(RefusedError, match=said):
            cameras.admit(visitor, "page 2")
    for now[0] in range(1, 121):
        cameras.admit("anna", "page 1")
    now[0] = 121
    with pytest.raises(Over, match="The camera was live for 120 s"):
        cameras.admit("anna", "page 1")
    cameras.admit("bert", "page 3")
    # Of whoever has gone without a word the place is free after a moment.
    now[0] = 125
    cameras.admit("anna", "page 2")
