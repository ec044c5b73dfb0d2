"""Where the drawn picture sets are, and which folders belong to them."""

from __future__ import annotations

from pathlib import Path

DRAWN_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "faces"


def is_drawn(folder: str | Path) -> bool:
    """Whether a folder or picture belongs to the drawn sets; results on them do not apply to real animals."""
    return Path(folder).resolve().is_relative_to(DRAWN_FOLDER)
