"""Keep a training's best epoch: the checkpoint, its card, and what it said of the validation pictures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import CutModel
from emotion.card import model_card
from emotion.config import TrainConfig
from emotion.data.sampling import Split
from emotion.events import Scores
from emotion.familiarity import Seen, save_seen
from emotion.prediction import FEWEST
from emotion.training.checkpoint import save_checkpoint
from emotion.training.remembering import from_tensors, to_tensors
from emotion.validation import save_validation


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
        return {**vars(self), "scores": asdict(self.scores), "seen": to_tensors(self.seen)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Best:
        """Rebuild what ``to_state`` returned."""
        # The state of an older version holds nothing of what was seen.
        return cls(**{**state, "scores": Scores(**state["scores"]), "seen": from_tensors(state.get("seen"))})


def trained_weights(parts: CutModel) -> dict[str, Tensor]:
    """Return the weights that are trained, by name; writing into them changes the model."""
    return {name: value.data for name, value in parts.top.named_parameters() if value.requires_grad}


def keep_best(
    best: Best, parts: CutModel, processor: BaseImageProcessor, split: Split, *, config: TrainConfig, folder: Path,
    unreadable: Collection[Path],
) -> None:  # fmt: skip
    """Put ``best`` into the model and write it into ``folder``: ``checkpoint/``, ``validation.json`` and what was seen.

    ``unreadable`` are pictures of the split that were left out: the card does not count them.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    with torch.no_grad():
        for name, value in trained_weights(parts).items():
            value.copy_(best.weights[name])
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
    save_checkpoint(parts.model, processor, state=parts.plain_state(), card=card, folder=folder / "checkpoint")
