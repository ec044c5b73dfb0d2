"""The server under soak: ``python app.py`` in a process of its own, which is killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import psutil
from soak_place import ROOT, Place

PATIENCE_SECONDS = 60.0


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Serves one place at one port, whatever becomes of its process. ``is_up`` is set while it can be asked."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.is_up = threading.Event()
        self.kills = 0
        self.left: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id of the server as it is now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it can be asked."""
        given = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO_", "EMOTION_"))}
        models = {name: value for name, value in os.environ.items() if name == "EMOTION_MODELS"}
        for name in ("HOST", "PORT", "SPACE_ID"):
            given.pop(name, None)
        environment = {**given, **models, **self.place.environment(), "PORT": str(self.port)}
        with self.place.errors.open("a") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("The dashboard is at"):
            raise RuntimeError(f"The server does not start: {self.place.errors.read_text()[-2000:]}")
        self.is_up.set()

    def kill(self) -> None:
        """Kill it as the system does, and note what of it is still there after a while."""
        assert self._process is not None
        self.is_up.clear()
        children = psutil.Process(self.pid).children(recursive=True)
        self._process.send_signal(signal.SIGKILL)
        self._wait()
        self.kills += 1
        _, left = psutil.wait_procs(children, timeout=60)
        self.left += [f"process {each.pid} outlived a killed server" for each in left]

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self._process is not None
        self.is_up.clear()
        self._process.terminate()
        return self._wait()

    def refuse_own_end(self) -> None:
        """Do nothing while it serves.

        Raises:
            RuntimeError: it has ended, and nobody has ended it.
        """
        if self.is_up.is_set() and self._process is not None and (code := self._process.poll()) is not None:
            said = self.place.errors.read_text()[-2000:]
            raise RuntimeError(f"The server ended by itself, exit code {code}: {said}")

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in this place: the server, and whatever it has started."""
        mark = str(self.place.runs)
        return [each for each in psutil.process_iter() if _variable(each, "EMOTION_RUNS") == mark]

    def trainers(self) -> Iterator[tuple[psutil.Process, str]]:
        """Yield the processes that hold a run's lock, with the run's name."""
        for process in self.processes():
            try:
                paths = {file.path for file in process.open_files() if file.path.endswith("/lock")}
            except psutil.Error:
                continue
            for path in paths:
                if path.startswith(f"{self.place.runs}/"):
                    yield process, path.split("/")[-2]

    def _wait(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.stdout.close()


def _variable(process: psutil.Process, name: str) -> str:
    try:
        return process.environ().get(name, "")
    except (psutil.Error, OSError):
        return ""
