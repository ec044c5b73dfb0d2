"""The server's log: one line of JSON an event, with numbers and names of our own. No picture, no visitor's file name.

A public server writes to stderr, or to the file that ``$EMOTION_LOG`` names; on one's own machine only where it names
one (``-`` for stderr).
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
from pathlib import Path
from typing import Any, Literal

from emotion.core.errors import EmotionError
from emotion.server.limits import is_public

Outcome = Literal["done", "refused", "failed", "stopped"]
VARIABLE = "EMOTION_LOG"
# Of a visitor's hash: enough to follow one of them through a day, and useless as a key to anything.
VISITOR_DIGITS = 10
ROOT = Path(__file__).resolve().parents[2]
_logger = logging.getLogger("emotion")


def start_logging() -> None:
    """Write this process's log where the environment says; a public server's libraries write into it too."""
    # A log that cannot be written, on a full disk say, stops nothing.
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
    """Write one event with its ``visitor``, ``run`` and whatever else is said of it; what is empty is left out.

    All texts are names of the program's own, such as a handler's or of an error's kind.
    """
    _logger.info(event, extra={"values": {**values, "outcome": outcome}})


@contextlib.contextmanager
def logged(event: str, **values: Any) -> Iterator[None]:
    """Write an event when it is over, with how long it took and what came of it; errors go on."""
    began = time.monotonic()
    outcome: Outcome = "stopped"  # Closed by whoever waited for it.
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
    """Write down an error that nobody foresaw and where it came from; on one's own machine print its traceback too."""
    values = {"visitor": visitor, "what": what, "outcome": "failed"}
    _logger.error("unexpected error", extra={"values": values}, exc_info=error)


class JsonFormatter(logging.Formatter):
    """Makes one line of JSON of a record. What an error or a library says is left out: it may name a visitor's file."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values: dict[str, Any] = dict(getattr(record, "values", {"outcome": "failed", "what": record.name}))
        values["visitor"] = (values.get("visitor") or "")[:VISITOR_DIGITS]
        values = {name: round(value, 3) if name == "seconds" else value for name, value in values.items()}
        error = record.exc_info[1] if record.exc_info else None
        values["trace"] = _trace(error) if error else []
        event = record.msg if hasattr(record, "values") else "warning"
        told = {name: value for name, value in values.items() if value not in (None, "", [])}
        return json.dumps({"time": moment, "event": event, **told})


class _LogFile(logging.FileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # It is opened outside of what logging guards.
            super().emit(record)


def _trace(error: BaseException) -> list[str]:
    """Return an error and its causes by their kinds, each followed by the lines it went through; no text of theirs."""
    found, seen = list[str](), set[int]()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        frames = traceback.extract_tb(each.__traceback__)
        found += [type(each).__name__, *(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)]
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found


def _short(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return path.relative_to(ROOT).as_posix()
    return "/".join(path.parts[-2:])
