"""The command line that asks for the same training as a configuration does."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

from emotion.config import TrainConfig, preset


def command_line(config: TrainConfig) -> str:
    """Return ``python -m emotion train …``, quoted for a shell; what is as in the Quick preset is left out."""
    quick = asdict(preset("Quick", pictures=config.pictures, backbone=config.backbone))
    quick["backbone"] = TrainConfig(pictures=config.pictures).backbone  # Another one has to be named.
    words = ["python", "-m", "emotion", "train", "--pictures", _short(config.pictures)]
    for name, value in asdict(config).items():
        if value != quick[name]:
            option = name.replace("_", "-")
            words += ["--no-" + option] if value is False else ["--" + option]
            words += [] if isinstance(value, bool) else [str(value)]
    return shlex.join(words)


def _short(folder: str) -> str:
    path, here = Path(folder), Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else folder
