"""What goes on beside something long: nobody waits for what somebody else asked for."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest
from helpers.pictures import write_pictures
from helpers.waiting import until

from emotion.comparison import Request
from emotion.run import Run
from emotion.worker import Workers


def giving_way() -> list[psutil.Process]:
    """The Python processes below this one that give way to others; a browser has such of its own."""
    own = psutil.Process()
    below = [each for each in own.children(recursive=True) if each.name().startswith("python")]
    return [each for each in below if each.nice() > own.nice()]


@pytest.mark.slow
def test_a_prediction_does_not_wait_for_a_comparison_which_gives_way_to_it(
    run: Path, tiny_pictures: Path, tmp_path: Path
) -> None:
    many, picture = write_pictures(tmp_path / "many", count=30), tiny_pictures / "dog_eval" / "sad" / "sad_000.png"
    compared: list[int] = []
    with Workers(runs_folder=run.parent) as workers:
        scores = workers.predict(Run(run), picture).scores
        assert giving_way() == []

        def compare() -> None:
            comparison, _ = workers.compare(Run(run), Request({"dog": many}, emotion=None, size=None))
            compared.append(comparison.pooled("dog").n)

        comparing = threading.Thread(target=compare)
        comparing.start()
        [process] = until(giving_way)
        os.kill(process.pid, signal.SIGSTOP)  # However fast it is, it is not over meanwhile.
        try:
            assert workers.predict(Run(run), picture).scores == scores
            assert compared == []
        finally:
            os.kill(process.pid, signal.SIGCONT)
        comparing.join()
    assert compared == [120]
