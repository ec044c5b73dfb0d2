"""A dashboard that runs in a process of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Dashboard:
    """A running server and where it keeps its runs."""

    url: str
    runs: Path
    process: subprocess.Popen[str]
    log: Path
    uploads: Path
