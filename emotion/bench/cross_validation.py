"""Whole trainings judged by grouped cross-validation, with any settings, inside the pictures that they train on."""

from __future__ import annotations

import math
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from safetensors import SafetensorError

from emotion.backbones.registry import BackboneSource, locate
from emotion.bench.choice import Scores, group_sizes, require_training_set
from emotion.bench.choice_folds import FOLDS, Indices, divide, group
from emotion.bench.machine import Machine, this_machine
from emotion.cache.store import open_cache
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.pictures.folders import Picture, class_names, find_pictures
from emotion.pictures.splitting import split
from emotion.runs import create_run
from emotion.statistics.probabilities import Judged


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """What trainings with ``config`` say of ``count`` pictures that they have not seen, by kind of folds."""

    config: TrainConfig
    classes: list[str]
    count: int
    seeds: Sequence[int]
    seconds: float
    machine: Machine
    groups: dict[str, tuple[int, int]]
    scores: dict[str, Scores]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; a group's are how many there are and how many pictures the largest holds."""
        return {
            "settings": {
                name: value for name, value in self.config.to_json().items() if name not in ("pictures", "seed")
            },
            "classes": self.classes,
            "pictures": self.count,
            "seeds": list(self.seeds),
            "folds": FOLDS,
            "seconds": self.seconds,
            "machine": self.machine.to_json(),
            "groups": {kind: {"count": count, "largest": largest} for kind, (count, largest) in self.groups.items()},
            "scores": {kind: scores.to_json() for kind, scores in self.scores.items()},
        }

    def sentences(self) -> list[str]:
        """Return a sentence for each kind of folds."""
        return [self._sentence(kind, scores) for kind, scores in self.scores.items()]

    def _sentence(self, kind: str, scores: Scores) -> str:
        accuracy, log_loss, seeds = mean(scores.accuracy), mean(scores.log_loss), f"seed {self.seeds[0]}"
        values = f"accuracy {accuracy:.3f}, log loss {log_loss:.3f} nats"
        if len(self.seeds) > 1:
            values = "accuracy {}, log loss {} nats".format(*scores.cells().split(" | "))
            seeds = f"mean ± standard deviation over seeds {self.seeds[0]} to {self.seeds[-1]}"
        count, largest = self.groups[kind]
        error = math.sqrt(accuracy * (1 - accuracy) / self.count)
        return (
            f"{kind}: {values} ({seeds}; {self.count} pictures in {count} groups, the largest of {largest}; "
            f"standard error of an accuracy {error:.3f}, chance {1 / len(self.classes):.3f})"
        )


def cross_validate(
    config: TrainConfig, *, seeds: Sequence[int], kinds: Sequence[str], say: Callable[[str], None]
) -> CrossValidation:
    """Train ``FOLDS`` times for each seed and each of ``kinds``, each time judging the pictures that were kept out.

    Folds are those of ``choose``: no group of look-alikes, found with the backbone at its plain size, is on both sides.
    The training itself is the product's, with its own pictures held back to choose the epoch. ``say`` is told what is
    done now.

    Raises:
        BackboneError: the backbone cannot be loaded or cut as asked.
        PictureError: a picture cannot be read, there are too few, or they are an evaluation set.
        RunError: the disk is full or cannot be written.
    """
    picture_set = Path(config.pictures)
    require_training_set(picture_set)
    from emotion.bench.choice_features import MIRROR, PLAIN, look

    began, source = time.time(), locate(config.backbone)
    pictures = find_pictures(picture_set, use_aliases=config.use_aliases)
    classes = class_names(pictures)
    labels = np.array([classes.index(picture.label) for picture in pictures])
    say("features, to find look-alikes by")
    features = look(source.path, [picture.path for picture in pictures], crops=("margin",), zoomed=False, say=say)[
        "margin"
    ]
    found = group(features[PLAIN].numpy(), features[MIRROR].numpy())
    groups = {kind: found[kind] for kind in kinds}
    scores: dict[str, Scores] = {}
    for kind, made in groups.items():
        said = []
        for seed in seeds:
            say(f"{kind}, seed {seed}")
            folds = divide(made, labels, seed=seed)
            said.append(Judged(_out_of_fold(replace(config, seed=seed), source, pictures, folds, say=say), labels))
        scores[kind] = Scores(accuracy=[each.accuracy for each in said], log_loss=[each.log_loss for each in said])
    return CrossValidation(
        config=config,
        classes=classes,
        count=len(pictures),
        seeds=seeds,
        seconds=time.time() - began,
        machine=this_machine(),
        groups={kind: group_sizes(made) for kind, made in groups.items()},
        scores=scores,
    )


def _out_of_fold(
    config: TrainConfig,
    source: BackboneSource,
    pictures: Sequence[Picture],
    folds: Indices,
    *,
    say: Callable[[str], None],
) -> np.ndarray:
    """Return (N, C) probabilities, each picture's by a training on the other (N,) ``folds``."""
    classes = class_names(list(pictures))
    probabilities = np.full((len(pictures), len(classes)), np.nan)
    for fold in range(FOLDS):
        rest = [pictures[number] for number in (folds != fold).nonzero()[0]]
        tested = (folds == fold).nonzero()[0]
        scores = _train_and_score(config, source, rest, [pictures[number].path for number in tested])
        probabilities[tested] = [[each[label] for label in classes] for each in scores]
        say(f"  fold {fold + 1} of {FOLDS}")
    return probabilities


def _train_and_score(
    config: TrainConfig, source: BackboneSource, trained_on: Sequence[Picture], judged: Sequence[Path]
) -> list[dict[str, float]]:
    from emotion.classifier import Classifier
    from emotion.training.fit import fit

    parts = split(trained_on, fraction=config.validation_share, seed=config.seed)
    with tempfile.TemporaryDirectory(prefix="emotion-fold-") as folder:
        run = create_run(config, root=Path(folder))
        try:
            deque(fit(config, parts, backbone=source, folder=run.path, cache=open_cache()), maxlen=0)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"A training could not be written to {folder} ({reason}): make room there, or name another folder in "
                "TMPDIR."
            ) from error
        scores = Classifier(run).score(judged)
    unreadable = [each for each in scores if isinstance(each, PictureError)]
    if unreadable:
        raise unreadable[0]
    return [each for each in scores if not isinstance(each, PictureError)]
