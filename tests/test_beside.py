"""What goes on beside something long: nobody waits for what somebody else asked for."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from emotion.comparison import Request
from emotion.config import TrainConfig
from emotion.events import RunFinished
from emotion.pictures.folders import list_pictures
from emotion.predictor import Predictor
from emotion.runs import create_run
from emotion.training.session import train_run
from emotion.worker import NICENESS, Workers


def nice_of(predictor: Predictor) -> int:
    assert predictor._process is not None
    return int(psutil.Process(predictor._process.pid).nice() - psutil.Process().nice())


def test_a_prediction_does_not_wait_for_a_comparison_which_gives_way_to_it(
    tiny_config: TrainConfig, make_pictures: Callable[..., Path], tmp_path: Path
) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    many, picture = make_pictures("many", count=30), list_pictures(Path(tiny_config.pictures))["sad"][0]
    compared: list[int] = []
    with Workers(runs_folder=tmp_path / "runs") as workers:
        workers.predict(run, picture)

        def compare() -> None:
            comparison, _ = workers.compare(run, Request({"dog": many}, emotion=None, size=None))
            compared.append(comparison.pooled("dog").n)

        comparing = threading.Thread(target=compare)
        comparing.start()
        while (process := workers._comparer._process) is None:
            time.sleep(0.001)
        # However fast it is, it is not over meanwhile.
        os.kill(process.pid, signal.SIGSTOP)
        try:
            assert workers.predict(run, picture).scores
            assert compared == []
        finally:
            os.kill(process.pid, signal.SIGCONT)
        comparing.join()
        assert [nice_of(each) for each in (workers._predictor, workers._comparer)] == [0, NICENESS]
    assert compared == [120]
