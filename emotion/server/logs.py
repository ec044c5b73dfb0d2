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
from typing import Any

from emotion.core.errors import ConfigError, EmotionError
from emotion.server.limits import is_public

VARIABLE = "EMOTION_LOG"
# Digits of a visitor's hash: enough to follow a visitor through a day, too few to identify one.
VISITOR_DIGITS = 10
_logger = logging.getLogger("emotion")


def start_logging() -> None:
    """Start this process's log as the environment sets it; on a public server, libraries write to it as well.
    Raises ConfigError if its file cannot be written.
    """
    # A log that cannot be written, say on a full disk, must not stop the server.
    logging.raiseExceptions = False
    _logger.setLevel(logging.INFO)
    target = os.environ.get(VARIABLE) or ("-" if is_public() else "")
    if not target:
        return  # Python prints errors with their traceback.
    try:
        handler = logging.StreamHandler() if target == "-" else logging.FileHandler(target)
    except OSError as error:
        raise ConfigError(f"{VARIABLE} is {target!r}, which cannot be written: {error.strerror}.") from error
    handler.setFormatter(JsonFormatter())
    (logging.getLogger() if is_public() else _logger).addHandler(handler)


def log(event: str, *, outcome: str = "done", **values: Any) -> None:
    """Write one event with its ``visitor``, ``run`` and other values; empty ones are left out.

    ``outcome`` is done, refused, failed or stopped. All strings are the program's own names, such as a handler's.
    """
    _logger.info(event, extra={"values": {**values, "outcome": outcome}})


@contextlib.contextmanager
def logged(event: str, **values: Any) -> Iterator[None]:
    """Write an event at its end, with its duration in seconds and its outcome; errors are raised again."""
    began, outcome = time.monotonic(), "stopped"  # Closed by the caller.
    try:
        yield
        outcome = "done"
    except Exception as error:
        outcome = "refused" if isinstance(error, EmotionError) else "failed"
        raise
    finally:
        log(event, outcome=outcome, **values, seconds=round(time.monotonic() - began, 3))


def log_unexpected(error: BaseException, *, visitor: str | None = None, what: str = "") -> None:
    """Log an unexpected error and its origin; without a log, Python prints its traceback."""
    values = {"visitor": visitor, "what": what, "outcome": "failed"}
    _logger.error("unexpected error", extra={"values": values}, exc_info=error)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON line, without error messages, which may name a visitor's file."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; of another library's, only where it came from."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = record.msg if hasattr(record, "values") else "warning"
        values: dict[str, Any] = getattr(record, "values", {"outcome": "failed", "what": record.name})
        visitor = (values.get("visitor") or "")[:VISITOR_DIGITS]
        trace = _trace(record.exc_info[1] if record.exc_info else None)
        told = {"time": moment, "event": event, **values, "visitor": visitor, "trace": trace}
        return json.dumps({name: value for name, value in told.items() if value not in (None, "", [])})


def _trace(error: BaseException | None) -> list[str]:
    """Return the types of an error and of its causes, each followed by its stack lines, without any messages."""
    if error is None:
        return []
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [type(error).__name__, *frames, *_trace(cause)]
