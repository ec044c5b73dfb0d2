"""Features of the drawn pictures that come with the project, so that a first training on them waits for nothing.

They are found by the backbone's weights, the pictures' content, view and size, and what of the processor decides the
pixels, whatever the precision, the device or the packages' versions: in half precision each is within 0.02, in norm, of
a fresh one. ``emotion.training.shipping`` writes them.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from emotion.cache.recipe import Recipe, row_key
from emotion.config import Augmentation
from emotion.data.drawn import DRAWN_FOLDER

FILE = DRAWN_FOLDER / "features.safetensors"
_DECIDING = (
    "size", "crop_size", "do_center_crop", "do_resize", "do_rescale", "do_normalize", "image_mean", "image_std",
    "resample", "rescale_factor",
)  # fmt: skip


@dataclass(frozen=True)
class Shipped:
    """Features by the names of views: ``rows`` has the place of each in ``features``, (N, F) in half precision.

    ``fingerprints`` are the pictures' own, by the SHA-256 of their content.
    """

    made_of: str
    rows: dict[str, int]
    features: NDArray[np.float16]
    fingerprints: dict[str, bytes]

    def save(self, file: Path, *, augmentation: Augmentation) -> None:
        """Write it.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        views = [int(name.rpartition("-")[2]) if "-" in name else 0 for name in self.rows]
        tensors: dict[str, NDArray[Any]] = {
            "features": self.features,
            "contents": _bytes([bytes.fromhex(name.partition("/")[0]) for name in self.rows]),
            "views": np.array(views, np.uint8),
            "printed": _bytes([bytes.fromhex(sha256) for sha256 in self.fingerprints]),
            "fingerprints": _bytes(list(self.fingerprints.values())),
        }
        about = {"made_of": self.made_of, "augmentation": augmentation, "sum": _sum(tensors)}
        file.write_bytes(save(tensors, about))


def features_for(recipe: Recipe) -> Shipped | None:
    """Return what is shipped for a recipe; None where that is of something else."""
    found = shipped()
    is_for_this = found is not None and not recipe.trained_blocks and found.made_of == made_of(recipe)
    return found if is_for_this else None


def made_of(recipe: Recipe) -> str:
    """Return what decides a feature besides the picture and its view."""
    settings = json.loads(recipe.processor)
    deciding = {name: settings.get(name) for name in _DECIDING}
    return json.dumps([recipe.weights, recipe.image_size, deciding], sort_keys=True)


def shipped() -> Shipped | None:
    """Return all that is shipped; None where it is missing or damaged: then it is computed."""
    try:
        return _read(FILE, FILE.stat().st_mtime_ns)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=1)
def _read(file: Path, written: int) -> Shipped:
    with safe_open(file, framework="numpy") as opened:
        about = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # no dictionary
    if about["sum"] != _sum(tensors):
        raise ValueError("damaged")
    views = zip(tensors["contents"], tensors["views"].tolist(), strict=True)
    names = [row_key(sha256.tobytes().hex(), view=view, augmentation=about["augmentation"]) for sha256, view in views]
    prints = zip(tensors["printed"], tensors["fingerprints"], strict=True)
    return Shipped(
        about["made_of"],
        {name: row for row, name in enumerate(names)},
        tensors["features"],
        {sha256.tobytes().hex(): bits.tobytes() for sha256, bits in prints},
    )


def _bytes(rows: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def _sum(tensors: dict[str, NDArray[Any]]) -> str:
    return f"{zlib.crc32(b''.join(tensors[name].tobytes() for name in sorted(tensors))):08x}"
