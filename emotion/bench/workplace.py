"""Where a bench works: pictures, a peer, and folders of its own that the user's runs and cache never meet."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emotion.backbones.registry import DEFAULT, locate
from emotion.bench.figure import NotMeasured
from emotion.bench.helper import warm
from emotion.cache.store import open_cache
from emotion.config import TrainConfig, preset
from emotion.events import RunFailed, RunFinished, RunStopped
from emotion.pictures.drawn import DRAWN_FOLDER
from emotion.run import Run
from emotion.worker import Workers

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT.parent / "shared" / "photos"
PEER = ROOT.parent / "shared" / "bench" / "reference_finetune.py"
# Its own default.
PEER_SEED = 42
LOOK_SECONDS = 0.005
# A process that has written its last event still has to end before the next one begins.
SETTLE_SECONDS = 0.5


@dataclass(frozen=True)
class Trained:
    """A run that is finished; ``seconds`` from its accepted start to its last event on the disk."""

    run: Run
    seconds: float
    finished: RunFinished


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What every measurement needs. ``pictures`` holds the sets ``human_train``, ``human_eval`` and ``dog_eval``;
    ``faceless``, where it is given, a folder of pictures without a face for each kind of them; ``peer_seeds`` are those
    of the peer's whole runs.
    """

    folder: Path
    pictures: Path
    peer: Path
    workers: Workers
    is_full: bool
    backbone: str = DEFAULT
    faceless: Path | None = None
    peer_seeds: tuple[int, ...] = (PEER_SEED,)

    @property
    def training_set(self) -> Path:
        """The pictures that every training of the bench sees."""
        return self.pictures / "human_train"

    @cached_property
    def backbone_folder(self) -> Path:
        """Where the backbone lies, in the Hub's layout."""
        return locate(self.backbone).path

    def config(self, **values: object) -> TrainConfig:
        """Return the settings that the bounds of speed name: Quick, but at 224 pixels and one view. ``values`` win."""
        plain = TrainConfig(pictures=str(self.training_set), backbone=self.backbone).to_json()
        return TrainConfig.from_json({**plain, **values})

    def quick(self, **values: object) -> TrainConfig:
        """Return the Quick preset on the training set, with ``values`` in place of its own."""
        asked = preset("Quick", pictures=str(self.training_set), backbone=self.backbone).to_json()
        return TrainConfig.from_json({**asked, **values})

    def say(self, text: str) -> None:
        """Tell the person who waits what is done now."""
        print(text, file=sys.stderr, flush=True)

    def forget(self) -> None:
        """Empty the cache of activations, so that the next training begins cold."""
        open_cache().clear()

    def train(self, config: TrainConfig) -> Trained:
        """Start one training as a page does and wait for its end.

        Raises:
            NotMeasured: it did not finish.
        """
        return self.train_all([config])[0][0]

    def train_all(self, configs: list[TrainConfig]) -> tuple[list[Trained], float]:
        """Start trainings at once; return them, and the seconds until the last of them is finished.

        Raises:
            NotMeasured: one did not finish.
        """
        began = time.perf_counter()
        runs = [self.workers.start_training(config) for config in configs]
        trained = [Trained(run, *_finish(run, began)) for run in runs]
        seconds = time.perf_counter() - began
        for each in trained:
            while each.run.is_locked():
                time.sleep(LOOK_SECONDS)
        time.sleep(SETTLE_SECONDS)
        return trained, seconds

    def discard(self, *trained: Trained) -> None:
        """Delete runs whose numbers are taken: each holds the weights of a whole model."""
        for each in trained:
            shutil.rmtree(each.run.path, ignore_errors=True)

    @cached_property
    def plain_run(self) -> Run:
        """A finished run of ``config`` on the training set, made when it is first asked for.

        Raises:
            NotMeasured: it did not finish.
        """
        self.say("  a run to work with")
        return self.train(self.config()).run


@contextmanager
def open_workplace(
    *,
    photos: Path = PHOTOS,
    peer: Path = PEER,
    is_full: bool = False,
    backbone: str = DEFAULT,
    faceless: Path | None = None,
    peer_seeds: Sequence[int] = (PEER_SEED,),
) -> Iterator[Workplace]:
    """Make the folders and warm the worker; delete and end all of it afterwards.

    The drawn sets stand in where ``photos`` holds no ``human_train``. The process that trainings are forked from keeps
    the first cache that it was given, so one process opens one workplace.
    """
    kept = {name: os.environ.get(name) for name in ("EMOTION_RUNS", "EMOTION_CACHE", "EMOTION_CACHE_GB")}
    with tempfile.TemporaryDirectory(prefix="emotion-bench-") as text:
        folder = Path(text)
        os.environ["EMOTION_RUNS"], os.environ["EMOTION_CACHE"] = str(folder / "runs"), str(folder / "cache")
        os.environ.pop("EMOTION_CACHE_GB", None)
        try:
            with Workers(runs_folder=folder / "runs") as workers:
                warm()
                workers.warm_up()
                yield Workplace(
                    folder=folder,
                    pictures=photos.resolve() if (photos / "human_train").is_dir() else DRAWN_FOLDER,
                    peer=peer.resolve(),
                    workers=workers,
                    is_full=is_full,
                    backbone=backbone,
                    faceless=faceless.resolve() if faceless else None,
                    peer_seeds=tuple(peer_seeds),
                )
        finally:
            for name, value in kept.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _finish(run: Run, began: float) -> tuple[float, RunFinished]:
    """Wait for a run's last event; return the seconds since ``began`` and the event."""
    looked_at_status = began
    while True:
        last = run.last_event()
        if isinstance(last, RunFinished):
            return time.perf_counter() - began, last
        if isinstance(last, RunFailed):
            raise NotMeasured(f"a training failed: {last.message}")
        if isinstance(last, RunStopped):
            raise NotMeasured("a training was stopped.")
        if time.perf_counter() - looked_at_status > 1:
            looked_at_status = time.perf_counter()
            if run.status() == "interrupted":
                raise NotMeasured("a training's process died, perhaps for want of memory.")
        time.sleep(LOOK_SECONDS)
