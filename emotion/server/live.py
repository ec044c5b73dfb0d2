"""Live cameras: admission within the limits, and smoothing of the predictions, so that no label flickers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from emotion.core.errors import RefusedError
from emotion.core.prediction import Prediction

HALF_LIFE_SECONDS = 0.4
# Another class is named once its mean probability leads by this much.
LEAD = 0.05
# A camera is off after this long without a picture.
GAP_SECONDS = 3.0
ELSEWHERE = "Your camera is live in another window: stop it there, and it goes on here."
WAITS = "Other visitors' cameras are live now: yours begins by itself as soon as one of them ends."


@dataclass(frozen=True)
class Smoothed:
    """The exponential mean of a camera's predictions up to ``at`` seconds: the probability of every class, and the
    share of unfamiliar pictures (0 to 1). ``label`` is the class that is shown.
    """

    label: str
    scores: Mapping[str, float]
    unknown: float
    at: float


def smoothed(before: Smoothed | None, said: Prediction, *, at: float) -> Smoothed:
    """Return the mean updated with one prediction; it restarts if the run has other classes."""
    unknown = float(bool(said.is_unknown))
    if before is None or before.scores.keys() != said.scores.keys():
        return Smoothed(said.label, said.scores, unknown, at)
    old = 0.5 ** (max(0.0, at - before.at) / HALF_LIFE_SECONDS)
    scores = {name: old * before.scores[name] + (1 - old) * score for name, score in said.scores.items()}
    first = max(scores, key=scores.__getitem__)
    label = first if scores[first] > scores[before.label] + LEAD else before.label
    return Smoothed(label, scores, old * before.unknown + (1 - old) * unknown, at)


class Over(RefusedError):
    """A camera has reached the time limit of this server."""


@dataclass
class _Stream:
    session: str
    began: float
    seen: float
    run: str = ""
    mean: Smoothed | None = None


class LiveCameras:
    """Counts live cameras: one per visitor, ``most`` in all, each for ``seconds``."""

    def __init__(self, most: float = inf, seconds: float = inf, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()

    def admit(self, visitor: str, session: str) -> None:
        """Admit one picture of a visitor's page.
        Raises Over if the camera has reached its time limit; RefusedError if the visitor has another camera, or too
        many are live; the page may then try again.
        """
        with self._lock:
            now = self._clock()
            self._streams = {who: each for who, each in self._streams.items() if now - each.seen < GAP_SECONDS}
            if visitor not in self._streams and len(self._streams) >= self._most:
                raise RefusedError(WAITS)
            stream = self._streams.setdefault(visitor, _Stream(session, began=now, seen=now))
            if stream.session != session:
                raise RefusedError(ELSEWHERE)
            if now - stream.began > self._seconds:
                del self._streams[visitor]
                said = f"The camera was live for {self._seconds:g} s, the limit of this public server: start again."
                raise Over(said)
            stream.seen = now

    def add(self, visitor: str, run: str, said: Prediction) -> Smoothed:
        """Return the smoothed prediction for a visitor's camera."""
        with self._lock:
            now = self._clock()
            stream = self._streams.get(visitor) or _Stream("", began=now, seen=now)
            before = stream.mean if stream.run == run else None
            stream.run, stream.mean = run, smoothed(before, said, at=now)
            return stream.mean
