"""The options that say how to train, and the settings that they amount to."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from emotion.backbones.registry import DEFAULT
from emotion.config import PRESETS, SETTINGS, TrainConfig, parse_depth, preset


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for the pictures, one for the preset, and one for each setting but the seed."""
    quick = preset("Quick", pictures="-")
    parser.add_argument("--pictures", required=True, metavar="DIR", help="one folder of pictures per class")
    parser.add_argument("--preset", choices=list(PRESETS), default="Quick", help="settings to begin with")

    # No default here: what is not given is left to the preset.
    backbone = "a name of `backbones`, a Hub id, or a local folder"
    parser.add_argument(
        "--backbone", default=argparse.SUPPRESS, help=f"{backbone} (default of Quick: {quick.backbone})"
    )
    for name, setting in SETTINGS.items():
        option, value = "--" + name.replace("_", "-"), getattr(quick, name)
        bounds = f" {setting.low:g} to {setting.high:g}" if setting.low is not None else ""
        text = f"{setting.help or setting.label}{bounds} (default of Quick: {value})"
        how: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text}
        if isinstance(value, bool):
            how["action"] = "store_true" if name == "use_aliases" else argparse.BooleanOptionalAction
        elif name == "depth":
            how["type"] = parse_depth
        elif setting.choices:
            how["choices"] = setting.choices
        else:
            how["type"] = int if setting.whole else float
        parser.add_argument(option, **how)


def settings_of(options: argparse.Namespace) -> TrainConfig:
    """Return the settings that were given, with the preset's for the others; folders by their absolute path.

    Raises:
        ConfigError: one is out of its range.
    """
    names = set(asdict(TrainConfig(pictures="-")))
    given = {name: value for name, value in vars(options).items() if name in names}
    given["pictures"] = str(Path(options.pictures).absolute())
    config = TrainConfig.from_json(
        {**preset(options.preset, pictures="-", backbone=given.get("backbone")).to_json(), **given}
    )
    if config.backbone != DEFAULT and Path(config.backbone).is_dir():
        # As with the pictures: the run may go on, or be looked at, from another folder.
        config = replace(config, backbone=str(Path(config.backbone).absolute()))
    return config
