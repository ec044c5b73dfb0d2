"""What a training keeps: the best epoch's checkpoint, and the state to go on from. Each whole or not at all."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.device import quiet
from emotion.backbones.network import Head, Network
from emotion.core.config import TrainConfig
from emotion.core.events import Scores
from emotion.core.prediction import FEWEST
from emotion.data.sampling import Split
from emotion.inference.novelty import Seen, save_seen
from emotion.runs.card import model_card
from emotion.runs.validation import save_validation
from emotion.training.optimizer import copy_in_order

STATE = "state.pt"


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest validation loss: its scores, the trained weights, and the (C,) probabilities of each
    validation picture by its index among all pictures of the split. ``seen`` is what its run will know its pictures by.
    """

    epoch: int
    scores: Scores
    probabilities: dict[int, list[float]]
    weights: dict[str, Tensor]
    seen: Seen | None = None

    def to_state(self) -> dict[str, Any]:
        """Return tensors and plain values only."""
        seen = {name: torch.from_numpy(value) for name, value in vars(self.seen).items()} if self.seen else None
        return {**vars(self), "scores": asdict(self.scores), "seen": seen}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Best:
        """Rebuild what ``to_state`` returned. The state of an older version holds nothing of what was seen."""
        values = state.get("seen")
        seen = Seen(**{name: value.numpy() for name, value in values.items()}) if values else None
        return cls(**{**state, "scores": Scores(**state["scores"]), "seen": seen})


def keep_best(
    best: Best,
    network: Network,
    head: Head,
    weights: Mapping[str, Tensor],
    processor: BaseImageProcessor,
    split: Split,
    *,
    config: TrainConfig,
    folder: Path,
    unreadable: Collection[Path],
) -> None:
    """Put ``best`` into the model's ``weights`` and write ``checkpoint/``, ``validation.json`` and what was seen.

    ``unreadable`` are pictures of the split that were left out: the card does not count them.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    copy_in_order(best.weights, into=weights)
    root = Path(config.pictures).resolve()
    pictures = split.train + split.validation
    rows = []
    for index, probabilities in sorted(best.probabilities.items()):
        path = pictures[index].path
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        rows.append((shown.as_posix(), pictures[index].label, dict(zip(split.classes, probabilities, strict=True))))
    save_validation(rows, epoch=best.epoch, classes=split.classes, folder=folder)
    if best.seen is not None:
        save_seen(best.seen, folder)
    knows_unknown = best.seen is not None and len(best.seen.distances) >= FEWEST
    read = split.without(unreadable)
    card = model_card(config, read, best_epoch=best.epoch, scores=best.scores, knows_unknown=knows_unknown)
    save_checkpoint(network, head, processor, card=card, folder=folder / "checkpoint")


def save_checkpoint(network: Network, head: Head, processor: BaseImageProcessor, *, card: str, folder: Path) -> None:
    """Write a network, its head's whitening folded in, into ``folder``, which loads at any moment if it did before.

    It loads in ``transformers.pipeline("image-classification", model=folder)``. Where there is one of the same run
    already, each file takes the old one's place, the weights last.
    """
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    state = {name: value.detach() for name, value in network.model.state_dict().items()}
    state[f"{network.head_name}.weight"], state[f"{network.head_name}.bias"] = head.folded()
    try:
        with quiet():
            network.model.save_pretrained(beside, state_dict=state)
            processor.save_pretrained(beside)
        (beside / "README.md").write_text(card, encoding="utf-8")
        for file in beside.iterdir():
            # safetensors keeps its files from everybody else on the machine.
            file.chmod((beside / "README.md").stat().st_mode)
        if not folder.exists():
            beside.rename(folder)
            return
        for file in sorted(beside.iterdir(), key=lambda file: file.suffix == ".safetensors"):
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def save_state(state: dict[str, Any], *, folder: Path) -> None:
    """Write a training's state into ``folder`` in one rename.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{STATE}-{os.getpid()}"
    try:
        with beside.open("wb") as file:
            torch.save(state, file)
        beside.replace(folder / STATE)
    except RuntimeError as error:
        # What torch makes of a write that failed into a file of ours; into one of its own it would lose the reason.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    finally:
        beside.unlink(missing_ok=True)


def has_state(folder: Path) -> bool:
    """Whether there is a state in ``folder``; it is not looked into."""
    return zipfile.is_zipfile(folder / STATE)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state in ``folder``; None where there is none, or none that is whole: then all begins anew."""
    if not has_state(folder):
        return None
    try:
        state: dict[str, Any] = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return state
