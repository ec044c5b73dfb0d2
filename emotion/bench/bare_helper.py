"""The bare forward, seen from the bench: it lives in a process of its own, as nice as a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emotion.bench.helper import Helper
from emotion.bench.workplace import Workplace
from emotion.worker import NICENESS


def bare_of(workplace: Workplace, pictures: list[Path]) -> Helper:
    """Return the bare forward of ``pictures``, decoded and loaded.

    Raises:
        NotMeasured: it cannot be made.
    """
    workplace.say("  pixels for the bare forward")
    return Helper(_bare, niceness=NICENESS, backbone=workplace.backbone_folder, pictures=pictures)


def choose(bare: Helper, *, batches: int) -> str:
    """Let it take the fastest precision on its first ``batches``; return the remark that says which, and why."""
    note: str = bare.call("choose", batches=batches)
    return note


def _bare(backbone: Path, pictures: list[Path]) -> Any:
    from emotion.bench.bare import Bare

    return Bare(backbone, pictures)
