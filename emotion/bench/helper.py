"""A process of its own for what needs torch: an object that lives there and answers calls. Imports no torch itself."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from emotion.bench.figure import NotMeasured
from emotion.processes import CONTEXT, start_process

PATIENCE_SECONDS = 10


class Helper:
    """Makes an object with ``factory`` in a child, which is as nice as ``niceness`` says, and calls its methods.

    Used as a context manager: leaving it ends the child.
    """

    def __init__(self, factory: Callable[..., Any], *, niceness: int = 0, **values: Any) -> None:
        """Start the child and wait until the object is made.

        Raises:
            NotMeasured: it could not be made.
        """
        self._connection, theirs = CONTEXT.Pipe()
        self._process = start_process(_serve, theirs, factory, niceness, values)
        theirs.close()
        try:
            self._answer()
        except NotMeasured:
            self.close()
            raise

    def call(self, method: str, **values: Any) -> Any:
        """Return what the object's method returns.

        Raises:
            NotMeasured: it raised an error, or the process died.
        """
        self._connection.send((method, values))
        return self._answer()

    def close(self) -> None:
        """Let the child end in its own order, which gives back its semaphores; after a while end it."""
        self._connection.close()
        self._process.join(PATIENCE_SECONDS)
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        try:
            result = self._connection.recv()
        except (EOFError, OSError) as error:
            raise NotMeasured("the process that measures it died, perhaps for want of memory.") from error
        if isinstance(result, NotMeasured):
            raise result
        return result


def warm() -> None:
    """Return once children are forked from a process that has imported everything."""
    start_process(_nothing).join()


def _nothing() -> None:
    pass


def _serve(connection: Connection, factory: Callable[..., Any], niceness: int, values: dict[str, Any]) -> None:
    if hasattr(os, "nice"):
        os.nice(niceness)
    target: Any = None
    call: Callable[..., Any] = factory
    while True:
        try:
            result = call(**values)
            if target is None:
                target, result = result, None
        except Exception as error:  # noqa: BLE001  # whatever it is, the bench goes on with the next figure
            traceback.print_exception(error)
            result = NotMeasured(f"{type(error).__name__}: {error}")
        connection.send(result)
        try:
            method, values = connection.recv()
        except EOFError:
            return
        call = getattr(target, method)
