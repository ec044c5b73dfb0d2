"""Where the drawn picture sets lie, and which folders are theirs. Opens no picture."""

from __future__ import annotations

from pathlib import Path

DRAWN_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "faces"


def is_drawn(folder: str | Path) -> bool:
    """Whether a folder or a picture in it belongs to the drawn sets: what it shows says nothing of real animals."""
    return Path(folder).resolve().is_relative_to(DRAWN_FOLDER)
