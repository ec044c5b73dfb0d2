"""Files that are written whole or not at all, their SHA-256, and a lock that falls with the process that holds it."""

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

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file cannot be written.
    """
    with path.open("a") as file:
        # An onlooker holds the lock for a moment, so one refusal proves nothing.
        deadline = time.monotonic() + patience_seconds
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise BlockingIOError(f"{path} is held by another process")
            time.sleep(0.02)
        yield


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with path.open("a") as file:
            return not try_lock(file.fileno(), is_onlooker=True)
    except OSError:
        return False


def try_lock(descriptor: int, *, is_onlooker: bool = False) -> bool:
    """Take the lock on an open file unless somebody has it, and say whether it was taken."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            # Onlookers share the lock: they would otherwise take each other for a training.
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_onlooker else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
