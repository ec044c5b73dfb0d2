"""The resident predictor, seen from the server: one process that keeps a model loaded. Imports no torch itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from emotion.errors import EmotionError, RunError
from emotion.job import result_of
from emotion.processes import CONTEXT, start_process


class Predictor:
    """One resident process that keeps the ``loaded`` last used checkpoints. Calls wait for one another.

    With a ``niceness`` above 0 it gives way to others that want the processor.
    """

    def __init__(self, *, niceness: int = 0, loaded: int = 1) -> None:
        self._niceness, self._loaded = niceness, loaded
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            self._running_connection()

    def call(self, task: str, **values: Any) -> Any:
        """Let the process do a task of ``serving.Server`` and return its result.

        Raises:
            EmotionError: as the task raised it, or the process died.
        """
        return result_of(self.stream(task, **values))

    def stream(self, task: str, **values: Any) -> Generator[Any, None, Any]:
        """Do the same and yield what the task yields meanwhile. Whoever closes it early ends the process.

        Raises:
            EmotionError: as ``call``.
        """
        with self._lock:
            is_done = False
            try:
                connection = self._running_connection()
                connection.send((task, values))
                while not is_done:
                    is_done, answer = connection.recv()
                    if not is_done:
                        yield answer
            except (EOFError, OSError) as error:
                raise RunError("The predictor ended unexpectedly, perhaps for want of memory: try again.") from error
            finally:
                if not is_done:
                    # It may be in the middle of something that nobody waits for any more.
                    self._end()
        if isinstance(answer, EmotionError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        self._end()

    def _running_connection(self) -> Connection:
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._connection, theirs = CONTEXT.Pipe()
            self._process = start_process(_serve, theirs, self._niceness, self._loaded)
            # Kept open here, the far end would never look closed when the process dies.
            theirs.close()
        return self._connection

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None


def _serve(connection: Connection, niceness: int, loaded: int) -> None:
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    from emotion.server.logs import start_logging
    from emotion.serving import Server

    start_logging()

    server = Server(loaded=loaded)
    while True:
        try:
            task, values = connection.recv()
        except EOFError:
            return
        answers = server.do(task, values)
        try:
            while True:
                connection.send((False, next(answers)))
        except StopIteration as end:
            connection.send((True, end.value))
