"""What a training remembers of its pictures, so that its run can tell what it has never seen. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from accelerate.utils import gather_object
from torch import Tensor, nn

from emotion.backbones.anatomy import CutModel
from emotion.familiarity import Seen, chosen, see
from emotion.training.context import Context
from emotion.training.inputs import ActivationInputs, Inputs

BATCH = 64


class Memory(Protocol):
    """Notes what the classifier is given of each picture, and sums it up once an epoch is the best so far."""

    def trained_on(self, indices: Sequence[int]) -> None:
        """Note the training pictures that have just been through the model."""

    def validated(self, indices: Sequence[int]) -> None:
        """Note the validation pictures that have just been through the model."""

    def seen(self) -> Seen:
        """Return what was seen up to now. Every process of a group asks at once."""


def remember(
    parts: CutModel, inputs: Inputs, train: Sequence[int], validation: Sequence[int], *, context: Context
) -> Memory:
    """Return the memory of a training whose ``inputs`` are as the look at the pictures left them."""
    width, seed = parts.top.classifier.in_features, context.config.seed
    if parts.trunk_only and isinstance(inputs, ActivationInputs):
        return FrozenMemory(inputs, train, validation, width=width, seed=seed)
    return PassingMemory(parts.top.body, train, width=width, seed=seed, processes=context.processes)


class FrozenMemory:
    """Of a frozen backbone: its features are there before the first epoch, and no epoch changes them."""

    def __init__(
        self, features: ActivationInputs, train: Sequence[int], validation: Sequence[int], *, width: int, seed: int
    ) -> None:
        """Read the features, of ``width``, of the pictures as they are."""
        references = chosen(train, width=width, seed=seed)
        self._seen = see(_read(features, references), _read(features, validation))

    def trained_on(self, indices: Sequence[int]) -> None:
        """There is nothing to note."""

    def validated(self, indices: Sequence[int]) -> None:
        """There is nothing to note."""

    def seen(self) -> Seen:
        """Return what the backbone made of the pictures."""
        return self._seen


class PassingMemory:
    """Of a backbone that is trained: notes features as they pass, so that no picture is computed for it.

    The training pictures' are those of the epoch's steps, in its variations and with the weights of that moment; the
    validation pictures' are those of the weights that are kept, as any picture's are later. Held against the same
    references, the threshold stays true whatever the references are.
    """

    def __init__(self, body: nn.Module, train: Sequence[int], *, width: int, seed: int, processes: int) -> None:
        """Listen to ``body``, whose output, (B, ``width``), is what the classifier is given."""
        self._wanted = set(chosen(train, width=width, seed=seed))
        self._processes = processes
        self._latest: Tensor | None = None
        self._training: dict[int, Tensor] = {}
        self._validation: dict[int, Tensor] = {}
        body.register_forward_hook(self._listen)

    def trained_on(self, indices: Sequence[int]) -> None:
        """Note the training pictures that have just been through the model, where they are among the chosen."""
        self._training |= {index: row for index, row in self._rows(indices) if index in self._wanted}

    def validated(self, indices: Sequence[int]) -> None:
        """Note the validation pictures that have just been through the model."""
        self._validation |= dict(self._rows(indices))

    def seen(self) -> Seen:
        """Return what passed in the epoch that has just been validated."""
        return see(self._gathered(self._training), self._gathered(self._validation))

    def _listen(self, _module: nn.Module, _inputs: Any, features: Tensor) -> None:
        self._latest = features.detach()

    def _rows(self, indices: Sequence[int]) -> list[tuple[int, Tensor]]:
        # Each a copy: a part of a batch would keep all of it in memory.
        latest = self._latest
        return [(index, latest[place].clone()) for place, index in enumerate(indices)] if latest is not None else []

    def _gathered(self, rows: dict[int, Tensor]) -> np.ndarray:
        own = [(index, row.float().cpu().numpy()) for index, row in rows.items()]
        found = dict(gather_object(own) if self._processes > 1 else own)
        return np.stack([found[index] for index in sorted(found)])


def to_tensors(seen: Seen | None) -> dict[str, Tensor] | None:
    """Return what was seen as a training's kept state holds it."""
    return {name: torch.from_numpy(value) for name, value in vars(seen).items()} if seen else None


def from_tensors(values: dict[str, Tensor] | None) -> Seen | None:
    """Rebuild what ``to_tensors`` returned."""
    return Seen(**{name: value.numpy() for name, value in values.items()}) if values else None


def _read(features: ActivationInputs, indices: Sequence[int]) -> np.ndarray:
    parts = [list(indices[start : start + BATCH]) for start in range(0, len(indices), BATCH)]
    return np.concatenate([features.plain(part).numpy() for part in parts])
