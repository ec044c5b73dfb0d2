"""What the server needs meanwhile: memory and open files, and how long a prediction takes."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
import psutil
from soak_place import Place
from soak_record import DONE, Call, Record
from soak_server import Server
from soak_visitor import OddError, RefusedError, Visitor

PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Sample:
    """``at`` is a ``time.monotonic()``; ``server`` and ``tree`` are PSS in bytes, ``tree`` that of all processes."""

    at: float
    incarnation: int
    server: int
    tree: int
    processes: int
    files: int
    threads: int

    def to_json(self, began: float) -> dict[str, Any]:
        """Return plain values, with ``at`` in seconds since the soak began."""
        return {**asdict(self), "at": round(self.at - began, 1)}


@dataclass
class Watch:
    """Takes samples and predictions until the soak ends."""

    place: Place
    server: Server
    record: Record
    ended: threading.Event
    seconds_between: float
    samples: list[Sample] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Take samples; a server that ends by itself ends the soak."""
        while not self.ended.wait(self.seconds_between):
            self.server.refuse_own_end()
            with contextlib.suppress(psutil.Error, OSError, KeyError):
                self.samples.append(self._sample())

    def predict_idle(self, run: str, *, count: int) -> None:
        """Take predictions while nobody else asks for anything."""
        visitor = Visitor(self.server.url)
        visitor.enter()
        for number in range(count):
            at = time.monotonic()
            visitor.predict(self.place.pictures[number % len(self.place.pictures)], run)
            self.idle.append(time.monotonic() - at)
        visitor.close()

    def predict_under_load(self, run: str) -> None:
        """Take predictions while everybody does."""
        visitor, number = Visitor(self.server.url), 0
        while not self.ended.wait(PAUSE_SECONDS):
            at, kills = time.monotonic(), self.server.kills
            try:
                number += 1
                visitor.predict(self.place.pictures[number % len(self.place.pictures)], run)
                self.record.add(Call("watched prediction", at, time.monotonic() - at, DONE))
            except (httpx.TransportError, OddError, RefusedError) as error:
                if self.server.kills == kills and self.server.is_up.is_set():
                    said = f"{type(error).__name__}: {error}"
                    self.record.add(Call("watched prediction", at, time.monotonic() - at, said, is_odd=True))
        visitor.close()

    def _sample(self) -> Sample:
        process = psutil.Process(self.server.pid)
        tree = {each.pid: each.memory_full_info().pss for each in (process, *process.children(recursive=True))}
        return Sample(
            at=time.monotonic(),
            incarnation=self.server.kills,
            server=tree[process.pid],
            tree=sum(tree.values()),
            processes=len(tree),
            files=process.num_fds(),
            threads=process.num_threads(),
        )
