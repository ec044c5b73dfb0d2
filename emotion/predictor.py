"""The resident predictor, seen from the server: one process that keeps a model loaded. Imports no torch itself."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from emotion.errors import EmotionError, RunError
from emotion.processes import CONTEXT, start_process


class Predictor:
    """One resident process that keeps the last used checkpoint loaded. Calls wait for one another."""

    def __init__(self) -> None:
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
        with self._lock:
            connection = self._running_connection()
            try:
                connection.send((task, values))
                result = connection.recv()
            except (EOFError, OSError) as error:
                self._end()
                raise RunError("The predictor ended unexpectedly, perhaps for want of memory: try again.") from error
        if isinstance(result, EmotionError):
            raise result
        return result

    def close(self) -> None:
        """End the process."""
        self._end()

    def _running_connection(self) -> Connection:
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._connection, theirs = CONTEXT.Pipe()
            self._process = start_process(_serve, theirs)
            # Kept open here, the far end would never look closed when the process dies.
            theirs.close()
        return self._connection

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None


def _serve(connection: Connection) -> None:
    from emotion.serving import Server

    server = Server()
    while True:
        try:
            task, values = connection.recv()
        except EOFError:
            return
        connection.send(server.do(task, values))
