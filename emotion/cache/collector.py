"""Gather new activations into shards, so that a training that is stopped or killed loses the last few at most."""

from __future__ import annotations

from emotion.cache.recipe import Recipe
from emotion.cache.shard import Shard, ShardWriter
from emotion.cache.store import Cache

SHARD_ROWS = 512
SHARD_BYTES = 64_000_000


class Collector:
    """Writes rows into one shard after the other; with ``keeps`` the cache has each as soon as it is full."""

    def __init__(self, cache: Cache, recipe: Recipe, *, keeps: bool) -> None:
        self.shards: list[Shard] = []
        self._cache, self._recipe, self._keeps = cache, recipe, keeps
        self._writer: ShardWriter | None = None

    def add(self, name: str, row: bytes, *, dtype: str, shape: tuple[int, ...]) -> None:
        """Append a row.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        if self._writer is None:
            self._writer = self._cache.write(self._recipe)
        self._writer.add(name, row, dtype=dtype, shape=shape)
        if self._writer.rows == SHARD_ROWS or self._writer.size >= SHARD_BYTES:
            self.finish()

    def finish(self) -> None:
        """Close the shard in hand.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            shard = writer.finish()
        except OSError:
            writer.discard()
            raise
        self.shards.append(self._cache.keep(shard) if self._keeps else shard)
