"""Atomic writes, SHA-256 of files, and a lock that the system releases when its process ends."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE_SECONDS = 1.0


@contextlib.contextmanager
def hold(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock for this process.
    Raises BlockingIOError where another process holds it; OSError where the file cannot be written.
    """
    with path.open("a") as file:
        # A process that checks the lock holds it for a moment, so a single failure proves nothing.
        deadline = time.monotonic() + patience_seconds
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise BlockingIOError(f"{path} is held by another process")
            time.sleep(0.02)
        yield


def is_held(path: Path) -> bool:
    """Whether a running process holds the lock."""
    try:
        with path.open("a") as file:
            return not _try_lock(file.fileno(), is_onlooker=True)
    except OSError:
        return False


def _try_lock(descriptor: int, *, is_onlooker: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            # Onlookers share the lock, or each would take the other for a training.
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_onlooker else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_json(value: Any) -> str:
    """Return a value in the project's JSON format."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON as ``write_files``."""
    write_files(path.parent, {path.name: as_json(value)})


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write files by their names: a reader gets either the old or the new content.

    All are on disk before any replaces its file, so a full disk changes nothing.
    Raises OSError where the folder is missing, full or cannot be written; the old content stays.
    """
    beside = {name: folder / f".{name}.{os.getpid()}-{time.monotonic_ns()}" for name in contents}
    try:
        for name, content in contents.items():
            beside[name].write_bytes(content.encode() if isinstance(content, str) else content)
        for name, path in beside.items():
            path.replace(folder / name)
    finally:
        for path in beside.values():
            with contextlib.suppress(OSError):
                path.unlink()
