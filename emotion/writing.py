"""Files that are written whole or not at all, and the SHA-256 of their content. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_json(value: Any) -> str:
    """Return a value as the project writes JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON, so that a reader sees the old or the new content and nothing between.

    Raises:
        OSError: the folder is missing, full or cannot be written; the old content stays.
    """
    write_texts(path.parent, {path.name: as_json(value)})


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write texts by their files' names. All are on the disk before any takes its place: a full disk leaves the old.

    Raises:
        OSError: as ``write_json``.
    """
    beside = {name: folder / f".{name}.{os.getpid()}-{time.monotonic_ns()}" for name in texts}
    try:
        for name, text in texts.items():
            beside[name].write_text(text, encoding="utf-8")
        for name, path in beside.items():
            path.replace(folder / name)
    finally:
        for path in beside.values():
            with contextlib.suppress(OSError):
                path.unlink()
