"""The order in which pictures are trained on, each process's part of a batch, and what varies from epoch to epoch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence


def batches(count: int, *, batch_size: int, seed: int, epoch: int) -> Iterator[list[int]]:
    """Yield the indices 0 … ``count`` - 1 in global batches, shuffled by seed and epoch alone."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def steps_in(count: int, *, batch_size: int) -> int:
    """Return how many optimizer steps an epoch over so many pictures has."""
    return -(-count // batch_size)


def shard(batch: Sequence[int], *, rank: int, processes: int) -> tuple[list[int], list[float]]:
    """Return a process's indices of a global batch and a weight for each.

    Every process gets equally many, so that averaged gradients are those of the whole batch: what is missing is
    filled up with the batch's first picture at weight 0.
    """
    share = -(-len(batch) // processes)
    mine = list(batch[rank * share : (rank + 1) * share])
    padding = share - len(mine)
    return mine + [batch[0]] * padding, [1.0] * len(mine) + [0.0] * padding


def view_of(index: int, *, views: int, seed: int, epoch: int) -> int:
    """Return which fixed view of a picture an epoch trains on."""
    return random.Random(f"{seed}/{epoch}/{index}").randrange(views) if views > 1 else 0


def kept_tokens(index: int, *, tokens: int, patches: int, share: float, seed: int, epoch: int) -> list[int]:
    """Return which tokens of a picture an epoch trains on, with a ``share`` of its patches, the last tokens, left out.

    Others for each picture and epoch (PatchDropout: Liu et al. 2023, arXiv 2208.07220).
    """
    special, count = tokens - patches, max(1, round(patches * (1 - share)))
    chosen = random.Random(f"{seed}/{epoch}/{index}/patches").sample(range(special, tokens), count)
    return [*range(special), *sorted(chosen)]
