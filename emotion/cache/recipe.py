"""What decides an activation besides the picture itself, and how large one is. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emotion.config import Augmentation, Depth

# Raised whenever decoding, variation or pooling comes out otherwise than before: what is kept is then void.
VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture becomes an activation: two that differ in anything share nothing.

    ``weights`` is the SHA-256 of the backbone's file, ``trained_blocks`` how many blocks come after the cut (0 for
    pooled features), ``processor`` the image processor's settings as JSON, ``packages`` the versions of what decodes
    and computes.
    """

    weights: str
    trained_blocks: int
    image_size: int
    precision: str
    device: str
    processor: str
    packages: str
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stand for the recipe."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]


def row_key(sha256: str, *, view: int, augmentation: Augmentation) -> str:
    """Return the name of a picture's activation: its content and its view, 0 for the picture as it is."""
    return f"{sha256}/{augmentation}-{view}" if view else f"{sha256}/plain"


def row_bytes(backbone: Mapping[str, Any], *, depth: Depth, image_size: int, value_bytes: int) -> int:
    """Return the bytes of one activation from a backbone's ``config.json``; 0 where nothing is frozen.

    ``value_bytes`` is the size of a token's values; pooled features are float32 always.
    """
    if depth == "all":
        return 0
    width = int(backbone["hidden_size"])
    if depth == "head":
        # DINOv2's own class pools the class token and the mean patch, the others the class token alone.
        return width * 4 * (2 if str(backbone["model_type"]).startswith("dinov2") else 1)
    tokens = (image_size // int(backbone["patch_size"])) ** 2 + 1 + int(backbone.get("num_register_tokens", 0))
    return tokens * width * value_bytes
