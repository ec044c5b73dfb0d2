"""Trainings of the product, looked at from outside: by what stands in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.run_folder import events_of

if TYPE_CHECKING:
    from emotion.core.config import TrainConfig
    from emotion.inference.classifier import Classifier


# Settings of a training of blocks, with everything that only such a one has.
BLOCKS: dict[str, Any] = {"depth": 2, "layer_decay": 0.8, "augmentation": "frame", "patch_dropout": 0.5}


@dataclass(frozen=True)
class Told:
    """A run's folder, and what its training has written into ``events.jsonl``."""

    path: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event, in order."""
        return events_of(self.path)

    @property
    def last(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def losses(self) -> dict[str, float]:
        """The loss of every step and of every epoch's validation; where a training went on, those that count."""
        steps = {f"step {event['step']}": event["loss"] for event in self.of("StepDone")}
        return steps | {f"epoch {event['epoch']}": event["validation"]["loss"] for event in self.of("EpochDone")}

    @property
    def computed(self) -> int:
        """How many views of pictures the last training looked at, and did not know from earlier ones."""
        last = self.of("TrunkProgress")[-1]
        assert last["done"] == last["total"]
        return int(last["total"] - last["known"])

    def read(self, name: str) -> Any:
        """What a JSON file of the folder holds."""
        return json.loads((self.path / name).read_text("utf-8"))

    def weights(self) -> dict[str, Any]:
        """The checkpoint's tensors by their names."""
        from safetensors.torch import load_file

        return load_file(self.path / "checkpoint" / "model.safetensors")


def same_weights(one: Told, other: Told) -> bool:
    """Whether two trainings came to the same checkpoint."""
    found = other.weights()
    return all((value == found[name]).all() for name, value in one.weights().items())


def start(config: TrainConfig, runs: Path, **settings: Any) -> Path:
    """Make the folder of a run that waits to be trained."""
    from emotion.runs.folder import create_run

    return create_run(replace(config, **settings), root=runs).path


def go_on(run: Path, *, stop: Callable[[dict[str, Any]], object] = lambda event: False) -> Told:
    """Train a run to its end, or ask it to stop after the first event of which ``stop`` is true."""
    from emotion.runs.run import Run
    from emotion.training.session import train_run

    told = Told(run)
    for _ in train_run(Run(run)):
        if stop(told.last):
            (run / "stop").touch()
    (run / "stop").unlink(missing_ok=True)
    return told


def train(config: TrainConfig, runs: Path, **settings: Any) -> Told:
    """Train to the end and see that it came to it."""
    told = go_on(start(config, runs, **settings))
    assert told.last["event"] == "RunFinished", told.last
    return told


@dataclass(frozen=True)
class Trainer:
    """Trains with the settings of ``tiny_config`` and others, each time a run of its own."""

    config: TrainConfig
    runs: Path

    @property
    def pictures(self) -> Path:
        """The folder of its pictures, which a test may change."""
        return Path(self.config.pictures)

    @property
    def words(self) -> list[object]:
        """The options of the command that say the same."""
        options = ["--pictures", self.pictures, "--backbone", self.config.backbone, "--image-size", 32]
        return [*options, "--epochs", 3, "--batch-size", 8, "--precision", "float32"]

    def start(self, **settings: Any) -> Path:
        """Make a run that waits."""
        return start(self.config, self.runs, **settings)

    def __call__(self, **settings: Any) -> Told:
        """Train to the end."""
        return train(self.config, self.runs, **settings)


def after_step(number: int) -> Callable[[dict[str, Any]], bool]:
    """For ``stop``: once so many steps are taken."""
    return lambda event: event["event"] == "StepDone" and event["step"] >= number


def classifier(run: Path) -> Classifier:
    """A run's model, as the dashboard uses it."""
    from emotion.inference.classifier import Classifier
    from emotion.runs.run import Run

    return Classifier(Run(run))


def piped(run: Path, picture: Path) -> dict[str, float]:
    """What anyone's pipeline says of a picture with the run's checkpoint."""
    from transformers import pipeline

    classify = pipeline("image-classification", model=str(run / "checkpoint"), device="cpu")
    return {row["label"]: row["score"] for row in classify(str(picture), top_k=None)}
