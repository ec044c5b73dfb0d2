"""Name the machine and the commit that figures come from."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path


def machine(load_before: float) -> str:
    """Return the machine as it is now in one sentence; ``load_before`` is its load when the work began."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    lines = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    name = lines.get("model name", platform.machine()).strip("\t :")
    flags = [flag for flag in ("avx512_bf16", "amx_bf16") if flag in text]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = f"{load_before:.1f} to {os.getloadavg()[0]:.1f}"
    versions = [f"{package} {importlib.metadata.version(package)}" for package in ("torch", "transformers", "gradio")]
    return (
        f"{name}, {len(os.sched_getaffinity(0))} cores, "
        f"{' and '.join(flags) or 'no bfloat16 instructions'}, {memory:.0f} GB of memory; "
        f"python {platform.python_version()}, {', '.join(versions)}; load average {load}."
    )


def commit() -> str:
    """Return the short name of the commit that is checked out; empty outside of git."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
