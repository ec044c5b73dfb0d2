"""What studies of a comparison came to, in a folder beside the comparison's file. Knows nothing of any one study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotion.core.errors import RunError
from emotion.core.files import write_json

SCHEMA = 1


def keep(comparison: Path, name: str, values: Mapping[str, Any]) -> None:
    """Write a study's result beside the file of the comparison it belongs to, whole or not at all.

    Raises:
        RunError: the run folder cannot be written.
    """
    folder = comparison.with_suffix("")
    try:
        folder.mkdir(exist_ok=True)
        write_json(folder / f"{name}.json", {"schema": SCHEMA, **values})
    except OSError as error:
        raise RunError(f"The result cannot be written to {folder} ({error.strerror}): free the disk.") from error


def kept(comparison: Path, name: str) -> dict[str, Any] | None:
    """Return what ``keep`` wrote; None where there is nothing, or nothing that can be read."""
    try:
        values: dict[str, Any] = json.loads((comparison.with_suffix("") / f"{name}.json").read_text(encoding="utf-8"))
        return values if values.pop("schema") == SCHEMA else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None
