"""Which pictures look like others, among many at once: fingerprints held against fingerprints. Opens no picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from emotion.pictures.duplicates import NEAR_SHARE, SIDE

BITS = SIDE * SIDE
_ROWS = 64  # held against all others at once, so that 50,000 of these need 25 MB
Words = NDArray[np.uint64]


def as_words(prints: Sequence[bytes]) -> Words:
    """Return packed fingerprints as (N, 4) words."""
    return np.frombuffer(b"".join(prints), dtype=np.uint64).reshape(-1, BITS // 64)


def nearest_before(prints: Words, mirrored: Words) -> Iterator[tuple[int, int, float]]:
    """Yield (row, earlier row, share of bits that differ) for each row that looks like one before it.

    ``prints`` and ``mirrored`` are (N, 4), as are the pictures' mirror images. The nearest one is named, the first of
    several; at most ``NEAR_SHARE`` of the bits differ.
    """
    for start in range(0, len(prints), _ROWS):
        rows = slice(start, start + _ROWS)
        apart = _apart(prints[rows], mirrored[rows], prints[: start + _ROWS])
        # A row is not held against itself and those after it.
        apart[np.arange(apart.shape[1]) >= start + np.arange(len(apart))[:, None]] = BITS
        yield from _near(apart, start)


def nearest_of(prints: Words, mirrored: Words, others: Words) -> Iterator[tuple[int, int, float]]:
    """Yield (row, row of ``others``, share of bits that differ) for each row that looks like one of the others."""
    if not len(others):
        return
    for start in range(0, len(prints), _ROWS):
        rows = slice(start, start + _ROWS)
        yield from _near(_apart(prints[rows], mirrored[rows], others), start)


def _apart(prints: Words, mirrored: Words, others: Words) -> NDArray[np.uint16]:
    """Return how many bits differ, (rows, others), mirrored or not, whichever are fewer."""
    return np.minimum(_count(prints, others), _count(mirrored, others))


def _count(prints: Words, others: Words) -> NDArray[np.uint16]:
    counted = np.zeros((len(prints), len(others)), dtype=np.uint16)
    for word in range(prints.shape[1]):
        counted += np.bitwise_count(prints[:, word, None] ^ others[None, :, word])
    return counted


def _near(apart: NDArray[np.uint16], start: int) -> Iterator[tuple[int, int, float]]:
    nearest = apart.argmin(1)
    for row, other in enumerate(nearest):
        share = float(apart[row, other]) / BITS
        if share <= NEAR_SHARE:
            yield start + row, int(other), share
