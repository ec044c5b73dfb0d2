"""The server's log: one line of JSON an event, with numbers and names of our own. No picture, no visitor's file name.

A public server writes to stderr, or to the file that ``$EMOTION_LOG`` names; on one's own machine only where it names
one (``-`` for stderr).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from emotion.errors import EmotionError
from emotion.public import is_public

Outcome = Literal["done", "refused", "failed", "stopped"]
VARIABLE = "EMOTION_LOG"
# Of a visitor's hash: enough to follow one of them through a day, and useless as a key to anything.
VISITOR_DIGITS = 10
ROOT = Path(__file__).resolve().parents[1]


def log(
    event: str,
    *,
    outcome: Outcome = "done",
    visitor: str | None = None,
    run: str = "",
    what: str = "",
    because: str = "",
    seconds: float | None = None,
    trace: list[str] | None = None,
    **counts: int,
) -> None:
    """Write one event; ``what`` and ``because`` are names of the program's own: a handler's, an error's kind.

    A log that cannot be written, on a full disk say, stops nothing.
    """
    target = os.environ.get(VARIABLE) or ("-" if is_public() else "")
    if not target:
        return
    values: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
    told = {"visitor": (visitor or "")[:VISITOR_DIGITS], "run": run, "what": what, "because": because}
    values |= {name: value for name, value in told.items() if value} | {"outcome": outcome} | counts
    if seconds is not None:
        values["seconds"] = round(seconds, 3)
    if trace:
        values["trace"] = trace
    line = (json.dumps(values, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    with contextlib.suppress(OSError, ValueError):
        if target == "-":
            print(line.decode(), end="", file=sys.stderr, flush=True)
        else:
            # One write, so that several processes share the file line by line.
            with Path(target).open("ab", buffering=0) as file:
                file.write(line)


@contextlib.contextmanager
def logged(event: str, *, visitor: str | None = None, run: str = "", what: str = "", **counts: Any) -> Iterator[None]:
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
        log(
            event, outcome=outcome, visitor=visitor, run=run, what=what, seconds=time.monotonic() - began, **counts,
        )  # fmt: skip


def log_unexpected(error: BaseException, *, visitor: str | None = None, what: str = "") -> None:
    """Write down an error that nobody foresaw and where it came from; on one's own machine print its traceback too.

    What the error says is left out of the log, since it may name a visitor's file.
    """
    log("unexpected error", outcome="failed", visitor=visitor, what=what, trace=where(error))
    if not is_public():
        traceback.print_exception(error)


def where(error: BaseException) -> list[str]:
    """Return an error and its causes by their kinds, each followed by the lines it went through; no text of theirs."""
    found: list[str] = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        found.append(type(each).__name__)
        found += [
            f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(each.__traceback__)
        ]
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found


def hide_texts() -> None:
    """Let Python, and so every library, print tracebacks without what errors say, which may name a visitor's file."""
    traceback.print_exception = _print_without_text
    sys.excepthook = lambda kind, error, trace: _print_without_text(error)
    threading.excepthook = lambda given: _print_without_text(given.exc_value)


def _print_without_text(
    error: Any, /, value: BaseException | None = None, tb: TracebackType | None = None, limit: Any = None,
    file: Any = None, chain: bool = True, **_: Any,
) -> None:  # fmt: skip
    given = value if isinstance(value, BaseException) else error
    lines = where(given) if isinstance(given, BaseException) else []
    with contextlib.suppress(OSError, ValueError):
        print("Traceback, without what the errors say:", *lines, sep="\n  ", file=file or sys.stderr)


def _short(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return path.relative_to(ROOT).as_posix()
    return "/".join(path.parts[-2:])
