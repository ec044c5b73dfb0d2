"""The comparison that the Cross-species tab shows, found again from what the page sends: two names, never a path."""

from __future__ import annotations

from pathlib import Path

from emotion.analysis import Comparison, load_comparison
from emotion.core.errors import RunError
from emotion.ui.run_board import RunBoard


def shown_comparison(board: RunBoard, run: str | None, saved: str | None) -> tuple[Comparison, Path]:
    """Return the saved comparison of a run and its file.

    Raises:
        RunError: nothing is compared yet, or it is gone or cannot be read.
    """
    if not run or not saved:
        raise RunError("Nothing is compared yet: press Compare first.")
    for path in board.find(run).comparisons.glob("*.json"):
        if path.name == saved:
            return load_comparison(path), path
    raise RunError("That comparison is gone: choose another one.")
