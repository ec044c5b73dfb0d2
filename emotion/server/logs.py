"""The server's log: one JSON line per event, free of pictures and of visitors' file names.

A public server writes to stderr, or to the file named by ``$EMOTION_LOG``; one's own machine logs only to that file
(``-`` for stderr).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from emotion.core.errors import EmotionError
from emotion.server.limits import is_public

Outcome = Literal["done", "refused", "failed", "stopped"]
VARIABLE = "EMOTION_LOG"
# Digits of a visitor's hash: enough to follow a visitor through a day, too few to identify one.
VISITOR_DIGITS = 10
_logger = logging.getLogger("emotion")


def start_logging() -> None:
    """Start this process's log as the environment sets it; on a public server, libraries write to it as well."""
    # A log that cannot be written, say on a full disk, must not stop the server.
    logging.raiseExceptions = False
    _logger.setLevel(logging.INFO)
    target = os.environ.get(VARIABLE) or ("-" if is_public() else "")
    if target:
        writing = _LogFile(target, delay=True) if target != "-" else logging.StreamHandler()
        writing.setFormatter(JsonFormatter())
        (logging.getLogger() if is_public() else _logger).addHandler(writing)
    if not is_public():
        plain = logging.StreamHandler()
        plain.setLevel(logging.ERROR)
        _logger.addHandler(plain)


def log(event: str, *, outcome: Outcome = "done", **values: Any) -> None:
    """Write one event with its ``visitor``, ``run`` and other values; empty ones are left out.

    All strings are the program's own names, such as a handler's or an error type's.
    """
    _logger.info(event, extra={"values": {**values, "outcome": outcome}})


@contextlib.contextmanager
def logged(event: str, **values: Any) -> Iterator[None]:
    """Write an event at its end, with its duration in seconds and its outcome; errors are raised again."""
    began = time.monotonic()
    outcome: Outcome = "stopped"  # Closed by the caller.
    try:
        yield
        outcome = "done"
    except EmotionError:
        outcome = "refused"
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        log(event, outcome=outcome, **values, seconds=time.monotonic() - began)


def log_unexpected(error: BaseException, *, visitor: str | None = None, what: str = "") -> None:
    """Log an unexpected error and its origin; on one's own machine print its traceback too."""
    values = {"visitor": visitor, "what": what, "outcome": "failed"}
    _logger.error("unexpected error", extra={"values": values}, exc_info=error)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON line, without error messages, which may name a visitor's file."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        is_ours = hasattr(record, "values")
        values: dict[str, Any] = dict(getattr(record, "values", {"outcome": "failed", "what": record.name}))
        values["visitor"] = (values.get("visitor") or "")[:VISITOR_DIGITS]
        values["trace"] = _trace(record.exc_info[1] if record.exc_info else None)
        values = {name: round(value, 3) if name == "seconds" else value for name, value in values.items()}
        told = {name: value for name, value in values.items() if value not in (None, "", [])}
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": moment, "event": record.msg if is_ours else "warning", **told})


class _LogFile(logging.FileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # Opening the file is not covered by logging's own error handling.
            super().emit(record)


def _trace(error: BaseException | None) -> list[str]:
    """Return the types of an error and of its causes, each followed by its stack lines, without any messages."""
    if error is None:
        return []
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [type(error).__name__, *frames, *_trace(cause)]
