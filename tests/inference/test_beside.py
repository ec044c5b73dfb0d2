"""What goes on beside something long: nobody waits for what somebody else asked for."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from helpers.pictures import write_pictures
from helpers.processes import giving_way, held
from helpers.waiting import until

from emotion.comparison import Request
from emotion.run import Run
from emotion.worker import Workers


@pytest.mark.slow
def test_a_prediction_does_not_wait_for_a_comparison_which_gives_way_to_it(
    run: Path, tiny_pictures: Path, tmp_path: Path
) -> None:
    many, picture = write_pictures(tmp_path / "many", count=30), tiny_pictures / "dog_eval" / "sad" / "sad_000.png"
    compared: list[int] = []
    with Workers(runs_folder=run.parent) as workers:
        scores = workers.predict(Run(run), picture).scores
        assert giving_way(os.getpid()) == []

        def compare() -> None:
            comparison, _ = workers.compare(Run(run), Request({"dog": many}, emotion=None, size=None))
            compared.append(comparison.pooled("dog").n)

        comparing = threading.Thread(target=compare)
        comparing.start()
        [process] = until(lambda: giving_way(os.getpid()))
        with held(process):
            assert workers.predict(Run(run), picture).scores == scores
            assert compared == []
        comparing.join()
    assert compared == [120]
