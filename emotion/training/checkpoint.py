"""What a training saves: the best epoch's checkpoint, and the state to resume from. Each is written atomically."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emotion.core.config import TrainConfig
from emotion.core.events import Scores
from emotion.core.prediction import FEWEST
from emotion.core.scored import ScoredPicture
from emotion.data.sampling import Split
from emotion.inference.novelty import Seen, save_seen
from emotion.runs.card import model_card
from emotion.runs.validation import Validation, save_validation
from emotion.training.model import Model
from emotion.training.optimizer import copy_in_order

STATE = "state.pt"


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest validation loss; ``probabilities`` maps each validation picture's index among all
    pictures of the split to its (C,) probabilities. ``seen`` lets the run recognise familiar pictures.
    """

    epoch: int
    scores: Scores
    probabilities: dict[int, list[float]]
    weights: dict[str, Tensor]
    seen: Seen | None = None

    def to_state(self) -> dict[str, Any]:
        """Return a dictionary of tensors and plain values."""
        seen = {name: torch.from_numpy(value) for name, value in vars(self.seen).items()} if self.seen else None
        return {**vars(self), "scores": asdict(self.scores), "seen": seen}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Best:
        """Rebuild what ``to_state`` returned. The state of an older version has no ``seen``."""
        values = state.get("seen")
        seen = Seen(**{name: value.numpy() for name, value in values.items()}) if values else None
        return cls(**{**state, "scores": Scores(**state["scores"]), "seen": seen})


def keep_best(
    best: Best, model: Model, split: Split, *, config: TrainConfig, folder: Path, unreadable: Collection[Path]
) -> None:
    """Load the ``best`` weights into the model and write ``checkpoint/``, ``validation.json`` and ``seen``.

    ``unreadable`` are the skipped pictures of the split; the model card does not count them.
    Raises OSError where the disk is full or cannot be written.
    """
    copy_in_order(best.weights, into=model.weights())
    root = Path(config.pictures).resolve()
    pictures = split.train + split.validation
    rows = []
    for index, probabilities in sorted(best.probabilities.items()):
        path = pictures[index].path
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        scores = dict(zip(split.classes, probabilities, strict=True))
        rows.append(ScoredPicture(shown.as_posix(), "", pictures[index].label, scores))
    save_validation(Validation(best.epoch, split.classes, rows), folder)
    if best.seen is not None:
        save_seen(best.seen, folder)
    knows_unknown = best.seen is not None and len(best.seen.distances) >= FEWEST
    read = split.without(unreadable)
    card = model_card(config, read, best_epoch=best.epoch, scores=best.scores, knows_unknown=knows_unknown)
    _save_checkpoint(model, card=card, folder=folder / "checkpoint")


def _save_checkpoint(model: Model, *, card: str, folder: Path) -> None:
    """Write a model into ``folder``, with the whitening folded into its head; a checkpoint there stays loadable.

    Each file replaces that of an older checkpoint of the same run, the weights last.
    """
    beside, network = folder.with_name(f".{folder.name}-{os.getpid()}"), model.network
    shutil.rmtree(beside, ignore_errors=True)
    state = {name: value.detach() for name, value in network.model.state_dict().items()}
    state[f"{network.head_name}.weight"], state[f"{network.head_name}.bias"] = model.head.folded()
    try:
        network.model.save_pretrained(beside, state_dict=state)
        model.processor.save_pretrained(beside)
        (beside / "README.md").write_text(card, encoding="utf-8")
        for file in beside.iterdir():
            # safetensors makes its files readable by their owner only.
            file.chmod((beside / "README.md").stat().st_mode)
        if not folder.exists():
            beside.rename(folder)
            return
        for file in sorted(beside.iterdir(), key=lambda file: file.suffix == ".safetensors"):
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def save_state(state: dict[str, Any], *, folder: Path) -> None:
    """Write a training's state into ``folder`` in one rename. Raises RuntimeError, of an OSError, on a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{STATE}-{os.getpid()}"
    try:
        # Given a path, torch would lose the cause of a failed write.
        with beside.open("wb") as file:
            torch.save(state, file)
        beside.replace(folder / STATE)
    finally:
        beside.unlink(missing_ok=True)


def has_state(folder: Path) -> bool:
    """Whether ``folder`` has a state file; its content is not checked."""
    return zipfile.is_zipfile(folder / STATE)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state in ``folder``; None where it is missing or damaged, so the training starts anew."""
    if not has_state(folder):
        return None
    try:
        state: dict[str, Any] = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return state
