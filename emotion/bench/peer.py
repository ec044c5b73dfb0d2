"""The peer: a plain full fine-tune in a process of its own. Knows nothing of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.bench.figure import NotMeasured
from emotion.bench.workplace import PEER_SEED, Workplace
from emotion.worker import NICENESS

STEPS = 12
EPOCHS, BATCH = 8, 24


@dataclass(frozen=True)
class PeerRun:
    """What a run of the peer reports; ``seconds`` its training time, extrapolated where it took a few steps only."""

    seconds: float
    epochs: int
    evaluation: Mapping[str, Mapping[str, float]]

    @property
    def epoch_seconds(self) -> float:
        """Steps and validation of one epoch."""
        return self.seconds / self.epochs


def run_peer(
    workplace: Workplace,
    *,
    bf16: bool = False,
    steps: int | None = STEPS,
    sets: Mapping[str, Path] | None = None,
    seed: int = PEER_SEED,
) -> PeerRun:
    """Fine-tune every weight for 8 epochs of batch 24, or a few ``steps`` of it; ``sets`` are judged after a whole run.

    It is as nice as our own trainings, so that what else runs on a shared machine slows both alike.

    Raises:
        NotMeasured: the peer is absent, or did not come to its end.
    """
    if not workplace.peer.is_file():
        raise NotMeasured(f"the peer {workplace.peer.name} is absent: give its path with --peer.")
    nice = ["nice", "-n", str(NICENESS)] if shutil.which("nice") else []
    command = [
        *nice, sys.executable, str(workplace.peer), "--backbone", str(workplace.backbone_folder),
        "--train", str(workplace.training_set), "--batch", str(BATCH), "--epochs", str(EPOCHS),
        "--seed", str(seed),
    ]  # fmt: skip
    command += ["--bf16"] if bf16 else []
    command += ["--max-steps", str(steps)] if steps else []
    for name, folder in (sets or {}).items():
        command += ["--eval", f"{name}={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return PeerRun(float(values["training_seconds"]), int(values["epochs"]), values.get("eval", {}))
    except (IndexError, ValueError, KeyError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotMeasured(f"the peer ended with exit code {done.returncode}: {last}") from error
