"""What happened in a soak: every call, every fault, and what is owed to each run. Shared by all threads."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

DONE, AWAY = "done", "the server was away"
FILLED, SERVER_KILLED = "filled the disk", "killed the server"


@dataclass(frozen=True)
class Call:
    """One thing that a visitor did: ``outcome`` is DONE, AWAY, a code, or what should never be."""

    action: str
    at: float
    seconds: float
    outcome: str
    is_odd: bool = False


@dataclass
class Record:
    """Times are those of ``time.monotonic()``; runs are told by name."""

    began: float = field(default_factory=time.monotonic)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    asked_to_stop: set[str] = field(default_factory=set)
    killed: set[str] = field(default_factory=set)
    starved: set[str] = field(default_factory=set)
    said: dict[str, dict[str, float]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    retired: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        """Note a call."""
        with self._lock:
            self.calls.append(call)

    def fault(self, text: str) -> None:
        """Note a fault that was made on purpose."""
        with self._lock:
            self.faults.append((time.monotonic(), text))

    def compare_with_before(self, run: str, scores: dict[str, float]) -> None:
        """Hold what a run says of the reference picture against what it said first."""
        with self._lock:
            first = self.said.setdefault(run, scores)
            if first != scores:
                apart = max(abs(first[label] - scores[label]) for label in first)
                self.changed.append(f"{run} says otherwise than before: a probability moved by {apart:.2g}")

    def outcomes(self) -> dict[str, Counter[str]]:
        """Return how often each action came out how."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for call in self.calls:
            found[call.action][call.outcome] += 1
        return dict(found)

    def seconds_of(self, action: str) -> list[float]:
        """Return how long each call of an action took that was answered."""
        return [call.seconds for call in self.calls if call.action == action and call.outcome == DONE]

    def odd(self) -> list[str]:
        """Return what no visitor should ever have seen."""
        return [f"{call.action}: {call.outcome}" for call in self.calls if call.is_odd]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share (0 to 1) of the values does not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0
