"""What a frozen part made of pictures, as tensors that lie on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from emotion.cache.shard import Shard

THROUGH_BATCH = 32
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Job = tuple[int, int]  # view, picture index


@dataclass(frozen=True)
class Activations:
    """What the frozen part made of the pictures, memory-mapped.

    ``places`` is a (views, pictures, 2) tensor: which of ``maps`` has a picture's view, and in which row; -1 where
    none has. ``unreadable`` maps the index of each picture that could not be read to one sentence.
    """

    maps: list[Tensor]
    places: Tensor
    unreadable: dict[int, str]
    opened: contextlib.ExitStack

    def take(self, views: Sequence[int], indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) activations in float32, of the given view of each picture."""
        places = self.places[torch.tensor(views), torch.tensor(indices)].tolist()
        return torch.stack([self.maps[shard][row] for shard, row in places]).float()

    def through(self, work: Callable[[Tensor], Tensor]) -> Activations:
        """Return what ``work`` makes of them, (B, …) to (B, F), held in memory: of these pictures alone.

        A shard may hold many others.
        """
        maps, places = [], self.places.clone()
        for number, rows in enumerate(self.maps):
            here = self.places[..., 0] == number
            wanted, places[..., 1][here] = torch.unique(self.places[..., 1][here], return_inverse=True)
            parts = [work(rows[part].float()) for part in torch.split(wanted, THROUGH_BATCH) if len(part)]
            maps.append(torch.cat(parts) if parts else torch.empty(0))
        return replace(self, maps=maps, places=places)

    def close(self) -> None:
        """Let others evict what was used here."""
        self.opened.close()


def place_rows(
    known: Sequence[tuple[Tensor, Mapping[str, int]]], names: dict[Job, str], shape: tuple[int, int]
) -> tuple[list[Tensor], Tensor]:
    """Return the rows of (rows, place of each name in them), and where in them names are: (views, pictures, 2)."""
    maps = [rows for rows, _ in known]
    found = {name: (number, row) for number, (_, rows) in enumerate(known) for name, row in rows.items()}
    places = torch.full((*shape, 2), -1)
    for (view, index), name in names.items():
        if name in found:
            places[view, index] = torch.tensor(found[name])
    return maps, places


def rows_of(shard: Shard) -> Tensor:
    """Return a shard's rows, memory-mapped."""
    length = shard.file.stat().st_size // DTYPES[shard.dtype].itemsize
    values = torch.from_file(str(shard.file), shared=False, size=length, dtype=DTYPES[shard.dtype])
    return values.view(-1, *shard.shape)
