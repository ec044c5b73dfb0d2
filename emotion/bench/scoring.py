"""One prediction and one comparison beside the bare forward, in one process as in the resident predictor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emotion.bench.bare import Bare
from emotion.classifier import Classifier
from emotion.comparison import Request
from emotion.run import Run
from emotion.serving import Server

PREDICTIONS, WARM_UP = 100, 10
COMPARISONS = 10


class Scoring:
    """Takes one prediction and one bare forward in turns, or comparisons likewise."""

    def __init__(self, run: Run, backbone: Path) -> None:
        self._run, self._backbone = run, backbone

    def predictions(self, picture: Path) -> dict[str, Any]:
        """Return the seconds of each prediction and each bare forward of ``picture``, and the bare one's precision."""
        classifier, bare = Classifier(self._run), Bare(self._backbone, [picture])
        note = bare.choose(batches=1)
        ours, floor = [], []
        for _ in range(WARM_UP + PREDICTIONS):
            began = time.perf_counter()
            classifier.predict(picture)
            ours.append(time.perf_counter() - began)
            floor.append(bare.forward())
        return {"ours": ours[WARM_UP:], "bare": floor[WARM_UP:], "note": note}

    def comparisons(self, sets: Mapping[str, Path], pictures: Sequence[Path], *, size: int) -> dict[str, Any]:
        """Return the seconds of each comparison of ``size`` pictures a set and each bare forward of ``pictures``."""
        server, bare = Server(), Bare(self._backbone, pictures)
        note = bare.choose(batches=len(pictures))
        ours, floor = [], []
        for seed in range(1 + COMPARISONS):
            began = time.perf_counter()
            # Another sample each time: none profits from pictures that were scored before.
            server.compare(self._run, Request(sets, emotion="happy", size=size, seed=seed))
            ours.append(time.perf_counter() - began)
            floor.append(bare.forward())
        return {"ours": ours[1:], "bare": floor[1:], "note": note}
