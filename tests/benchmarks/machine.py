"""Name the machine that figures come from. Measures nothing of it but its load."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "gradio")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What figures depend on. ``memory`` is in GB (10^9 bytes), 0 where the system does not tell.

    ``bfloat16`` lists the processor's instructions for it; ``load_before`` and ``load_after`` are the average number
    of processes that wanted a core in the last minute, None where the system does not tell.
    """

    processor: str
    cores: int
    bfloat16: list[str]
    memory: float
    versions: dict[str, str]
    load_before: float | None
    load_after: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def sentence(self) -> str:
        """Return the machine in one sentence."""
        instructions = f"bfloat16 instructions {', '.join(self.bfloat16)}" if self.bfloat16 else "no bfloat16"
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        load = " to ".join(f"{value:.1f}" for value in (self.load_before, self.load_after) if value is not None)
        return (
            f"{self.processor}, {self.cores} cores, {instructions}, {self.memory:.0f} GB of memory; {versions}; "
            f"load average {load or 'unknown'}."
        )


def this_machine() -> Machine:
    """Return the machine as it is now."""
    names, flags = _processor()
    versions = {"python": platform.python_version()}
    return Machine(
        processor=names,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        bfloat16=[flag for flag in BFLOAT16_FLAGS if flag in flags],
        memory=_memory(),
        versions=versions | {name: importlib.metadata.version(name) for name in PACKAGES},
        load_before=load(),
    )


def load() -> float | None:
    """Return the load average of the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _processor() -> tuple[str, set[str]]:
    """Return the processor's name and its flags."""
    name, flags = platform.processor() or platform.machine(), set[str]()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return name, flags
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() == "flags":
            flags = set(value.split())
    return name, flags


def _memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return 0.0
