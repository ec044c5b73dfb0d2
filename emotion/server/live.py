"""Live cameras: who may send pictures now and for how long, and what is said of them, so that no label flickers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emotion.core.errors import RefusedError
from emotion.core.prediction import Prediction

HALF_LIFE_SECONDS = 0.4
# Another class is named once it leads by so much, in the mean.
LEAD = 0.05
# A camera of which nothing came for so long is off.
GAP_SECONDS = 3.0
ELSEWHERE = "Your camera is live in another window: stop it there, and it goes on here."
WAITS = "Other visitors' cameras are live now: yours begins by itself as soon as one of them ends."


@dataclass(frozen=True)
class Smoothed:
    """The exponential mean of what is said of a camera's pictures up to ``at`` seconds: of every class's probability,
    and of how often the kind of picture is unfamiliar (0 to 1). ``label`` is the class that is named.
    """

    label: str
    scores: Mapping[str, float]
    unknown: float
    at: float


def smoothed(before: Smoothed | None, said: Prediction, *, at: float) -> Smoothed:
    """Return the mean with one more prediction in it; of a run with other classes it begins anew."""
    unknown = float(bool(said.is_unknown))
    if before is None or before.scores.keys() != said.scores.keys():
        return Smoothed(said.label, said.scores, unknown, at)
    old = 0.5 ** (max(0.0, at - before.at) / HALF_LIFE_SECONDS)
    scores = {name: old * before.scores[name] + (1 - old) * score for name, score in said.scores.items()}
    first = max(scores, key=scores.__getitem__)
    label = first if scores[first] > scores[before.label] + LEAD else before.label
    return Smoothed(label, scores, old * before.unknown + (1 - old) * unknown, at)


class Over(RefusedError):
    """A camera was live for as long as this server gives one visitor."""


@dataclass
class _Stream:
    session: str
    began: float
    seen: float
    run: str = ""
    mean: Smoothed | None = None


@dataclass
class LiveCameras:
    """Counts the cameras that are live: one of a visitor, ``most`` in all, each for ``seconds``; None is no limit."""

    most: int | None = None
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    _streams: dict[str, _Stream] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, visitor: str, session: str) -> None:
        """Let one picture of a visitor's page pass.

        Raises:
            Over: the camera was live long enough.
            RefusedError: the visitor has another one, or others have theirs; the page may ask again.
        """
        with self._lock:
            now = self.clock()
            self._streams = {who: each for who, each in self._streams.items() if now - each.seen < GAP_SECONDS}
            stream = self._streams.get(visitor)
            if stream is None:
                if self.most is not None and len(self._streams) >= self.most:
                    raise RefusedError(WAITS)
                stream = self._streams[visitor] = _Stream(session, began=now, seen=now)
            if stream.session != session:
                raise RefusedError(ELSEWHERE)
            if self.seconds is not None and now - stream.began > self.seconds:
                del self._streams[visitor]
                raise Over(f"The camera was live for {self.seconds:g} s, the limit of this public server: start again.")
            stream.seen = now

    def add(self, visitor: str, run: str, said: Prediction) -> Smoothed:
        """Return what is said by now of a visitor's camera by a run."""
        with self._lock:
            now = self.clock()
            stream = self._streams.get(visitor) or _Stream("", began=now, seen=now)
            before = stream.mean if stream.run == run else None
            stream.run, stream.mean = run, smoothed(before, said, at=now)
            return stream.mean
