"""Services that play a script: believable runs, predictions and comparisons without a model."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from emotion.comparison import Comparison, Request, compare, save_comparison
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.events import (
    EpochDone,
    Event,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
)
from emotion.job import Progress
from emotion.labels import EMOTIONS, emotion_meant
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import Picture
from emotion.prediction import Judged, Prediction, Saliency
from emotion.run import Run
from emotion.runs import create_run
from emotion.sweep import SweepMember

STEPS_PER_EPOCH = 6
# How likely the scripted model finds the correct class, by species.
SKILL = {"human": 0.75, "dog": 0.25, "cat": 0.3}


def script(config: TrainConfig, *, epoch_seconds: float = 0.02) -> list[Event]:
    """Return the events of a whole run that goes well."""
    rng = random.Random(config.batch_size)
    events: list[Event] = [
        RunStarted(
            elapsed_seconds=0.5, classes=list(EMOTIONS), train_pictures=510, validation_pictures=90,
            epochs=config.epochs, steps_per_epoch=STEPS_PER_EPOCH, device="cpu", precision="bfloat16", processes=1,
        )
    ]  # fmt: skip
    for done in range(0, 601, 150):
        left = (600 - done) * 0.026
        events.append(TrunkProgress(elapsed_seconds=0.6 + done * 0.026, done=done, total=600, remaining_seconds=left))
    began, step, best = events[-1].elapsed_seconds, 0, scores_at(0, rng)
    events.append(_epoch(0, began, best, None, config))
    best_epoch = 0
    for epoch in range(1, config.epochs + 1):
        for _ in range(STEPS_PER_EPOCH):
            step += 1
            at = began + step * epoch_seconds / STEPS_PER_EPOCH
            loss, share = 1.4 * math.exp(-0.07 * step) + rng.uniform(-0.12, 0.15) + 0.3, step / STEPS_PER_EPOCH
            events.append(
                StepDone(
                    elapsed_seconds=at, epoch=epoch, step=step, loss=loss, learning_rate=1e-3,
                    accuracy=min(1.0, 0.3 + 0.65 * (1 - math.exp(-0.5 * share)) + rng.uniform(-0.1, 0.08)),
                    pictures_per_second=900.0, remaining_seconds=(config.epochs - share) * epoch_seconds,
                )
            )  # fmt: skip
        scores = scores_at(epoch, rng)
        trained = (1.4 * math.exp(-0.42 * epoch) + 0.3, 0.3 + 0.65 * (1 - math.exp(-0.5 * epoch)))
        if scores.loss < best.loss:
            best, best_epoch = scores, epoch
        events.append(_epoch(epoch, events[-1].elapsed_seconds, scores, trained, config, is_best=best_epoch == epoch))
    end = events[-1].elapsed_seconds + 0.1
    events.append(RunFinished(elapsed_seconds=end, best_epoch=best_epoch, validation=best, peak_memory_megabytes=700.0))
    return events


def scores_at(epoch: int, rng: random.Random) -> Scores:
    loss = 0.62 + 0.8 * math.exp(-0.5 * epoch) + 0.012 * max(0, epoch - 6) + rng.uniform(-0.01, 0.01)
    return Scores(loss=loss, accuracy=0.25 + 0.52 * (1 - math.exp(-0.6 * epoch)), correct_confidence=1 - loss / 2)


def _epoch(
    epoch: int, at: float, scores: Scores, trained: tuple[float, float] | None, config: TrainConfig,
    *, is_best: bool = False,
) -> EpochDone:  # fmt: skip
    loss, accuracy = trained or (None, None)
    return EpochDone(
        elapsed_seconds=at, epoch=epoch, train_loss=loss, train_accuracy=accuracy, validation=scores,
        is_best=is_best, remaining_seconds=float(config.epochs - epoch),
    )  # fmt: skip


@dataclass
class ScriptedServices:
    """``pause`` is called after each event, so that a test can hold a run where it wants it."""

    runs_folder: Path
    pause: Callable[[Run, Event], None] = lambda run, event: None
    epoch_seconds: float = 0.02
    failure: str = ""
    places: dict[str, int] = field(default_factory=dict)
    waiting: list[Run] = field(default_factory=list)
    twins: dict[Path, str] = field(default_factory=dict)
    skill: dict[str, float] = field(default_factory=dict)

    def start_training(self, config: TrainConfig, *, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
        run = create_run(config, root=self.runs_folder, sweep=sweep, owner=owner)
        self._enqueue(run)
        return run

    def _enqueue(self, run: Run) -> None:
        self.waiting.append(run)
        threading.Thread(target=self._train_in_turn, args=(run,), daemon=True).start()

    def _train_in_turn(self, run: Run) -> None:
        while self.waiting[0] is not run and not run.stop_requested():
            time.sleep(0.02)
        try:
            if run.stop_requested():
                run.append(RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None))
            else:
                self._train(run)
        finally:
            self.waiting.remove(run)

    def _train(self, run: Run) -> None:
        last: EpochDone | None = None
        with run.lock():
            for event in script(run.config(), epoch_seconds=self.epoch_seconds):
                if run.stop_requested():
                    write_checkpoint(run)
                    kept = last.epoch if last and last.epoch else None
                    scores = last.validation if last and kept else None
                    run.append(RunStopped(elapsed_seconds=event.elapsed_seconds, best_epoch=kept, validation=scores))
                    return
                if self.failure and isinstance(event, StepDone):
                    run.append(RunFailed(elapsed_seconds=event.elapsed_seconds, message=self.failure))
                    return
                if isinstance(event, RunFinished):
                    write_checkpoint(run)
                run.append(event)
                last = event if isinstance(event, EpochDone) else last
                self.pause(run, event)

    def resume_training(self, run: Run) -> None:
        run.queue_again()
        self._enqueue(run)

    def queue_place(self, run: Run) -> int | None:
        return self.places.get(run.name)

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        open_picture(picture, name=name)
        scores = scores_for(picture, label=picture.parent.name, skill=0.75)
        label = max(scores, key=scores.__getitem__)
        return Prediction(label=label, confidence=scores[label], scores=scores, precision="bfloat16", seconds=0.048)

    def compare(self, run: Run, request: Request) -> tuple[Comparison, Path]:
        if not run.checkpoint.is_dir():
            raise RunError("This run has kept no checkpoint: choose another one.")
        known = SKILL | self.skill
        skills = {folder.resolve(): known.get(name, 0.3) for name, folder in request.sets.items()}

        def score(paths: Sequence[Path]) -> list[dict[str, float] | PictureError]:
            return [
                scores_for(
                    path,
                    label=emotion_meant(path.parent.name),
                    skill=next(skill for folder, skill in skills.items() if path.is_relative_to(folder)),
                )
                for path in paths
            ]

        comparison = compare(
            score, request, run=run, classes=EMOTIONS, precision="bfloat16", find_twins=self._twins_of, checked=600
        )
        return comparison, save_comparison(comparison, run=run)

    def _twins_of(self, pictures: Sequence[Picture]) -> dict[Path, str]:
        return {each.path: self.twins[each.path] for each in pictures if each.path in self.twins}

    def study(self, study: Any) -> Generator[Any, None, Any]:
        return (yield from study.carry_out(ScriptedJudge(study.run)))

    def do(self, job: Any) -> Generator[Any, None, Any]:
        return (yield from job.carry_out())


class HeldServices(ScriptedServices):
    """Carries studies out to their first step, and on once it is let go; a study that is closed is counted."""

    def __init__(self, runs_folder: Path) -> None:
        super().__init__(runs_folder)
        self.let_go = threading.Event()
        self.let_go.set()
        self.closed = 0

    def study(self, study: Any) -> Generator[Any, None, Any]:
        steps = super().study(study)
        try:
            step = next(steps)
            while not self.let_go.wait(0.05):
                yield step
            yield step
            return (yield from steps)
        except GeneratorExit:
            self.closed += 1
            raise


@dataclass
class ScriptedJudge:
    """Answers what a study asks, without a model: always the same for the same picture."""

    run: Run
    classes: list[str] = field(default_factory=lambda: list(EMOTIONS))
    precision: str = "bfloat16"

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        return [
            scores_for(each, label=each.parent.name, skill=0.7)
            if isinstance(each, Path)
            else scores_for(Path(f"{sum(each.resize((4, 4)).tobytes())}"), label="happy", skill=0.5)
            for each in pictures
        ]

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Judged | PictureError]:
        return [each if isinstance(each, PictureError) else Judged(each) for each in self.score(pictures)]

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        [scores] = self.score([picture])
        rng = random.Random(label)
        values = tuple(tuple(rng.random() for _ in range(16)) for _ in range(16))
        return Saliency(label, scores[label], values, (0.0, 0.0, 1.0, 1.0))  # type: ignore[index]

    def features(self, pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        yield Progress(len(pictures), len(pictures), "looking at the pictures")
        rows = [np.random.default_rng(sum(map(ord, each.name))).normal(size=8) for each in pictures]
        return np.array(rows, dtype=np.float32)

    def judged(self, features: np.ndarray) -> np.ndarray:
        odds = np.exp(features[:, : len(self.classes)])
        return odds / odds.sum(1, keepdims=True)  # type: ignore[no-any-return]

    def retrained(self, seeds: Sequence[int], pictures: Sequence[Path]) -> Generator[Progress, None, np.ndarray]:
        yield Progress(0, len(seeds), "training")
        rows = [
            [list(scores_for(each.with_name(f"{seed}{each.name}"), label=each.parent.name, skill=0.6).values())
             for each in pictures]
            for seed in seeds
        ]  # fmt: skip
        return np.array(rows)


def scores_for(picture: Path, *, label: str, skill: float) -> dict[str, float]:
    """Return probabilities that are the same for the same picture; a low skill says "tired"."""
    rng = random.Random(picture.name + label)
    weights = {name: rng.uniform(0.2, 1.0) for name in EMOTIONS}
    favourite = label if label in EMOTIONS and rng.random() < skill else "tired"
    weights[favourite] += rng.uniform(0.8, 3.0)
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def write_checkpoint(run: Run) -> None:
    run.checkpoint.mkdir(exist_ok=True)
    (run.checkpoint / "config.json").write_text("{}", encoding="utf-8")
