"""The options that say how to train, and the settings that they amount to."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from emotion.backbones.registry import DEFAULT
from emotion.cli.codes import add_use_aliases
from emotion.config import AUGMENTATIONS, PRECISIONS, PRESETS, SCHEDULES, TrainConfig, parse_depth, preset


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for the pictures, one for the preset, and one for each setting but the seed."""
    quick = preset("Quick", pictures="-")
    parser.add_argument("--pictures", required=True, metavar="DIR", help="one folder of pictures per class")
    parser.add_argument("--preset", choices=list(PRESETS), default="Quick", help="settings to begin with")

    def setting(name: str, kind: Callable[[str], Any], text: str, choices: Sequence[str] | None = None) -> None:
        # No default here: what is not given is left to the preset.
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=kind,
            choices=choices,
            default=argparse.SUPPRESS,
            help=f"{text} (default of Quick: {getattr(quick, name)})",
        )

    setting("backbone", str, "a name of `backbones`, a Hub id, or a local folder")
    setting("epochs", int, "1 to 50")
    setting("batch_size", int, "1 to 128, over all processes")
    setting("depth", parse_depth, "what is trained: head, the number of last blocks, or all")
    setting("head_learning_rate", float, "of the classifier")
    setting("block_learning_rate", float, "of the blocks")
    setting("layer_decay", float, "learning rate of a block over that of the block above it, 0.1 to 1")
    setting("weight_decay", float, "0 to 1")
    setting("schedule", str, "how the learning rate goes on", SCHEDULES)
    setting("warmup_share", float, "share of the steps in which the learning rate rises")
    setting("label_smoothing", float, "0 to 0.5")
    setting("augmentation", str, "variations of the training pictures", AUGMENTATIONS)
    setting("image_size", int, "side in pixels")
    setting("validation_share", float, "share held back of every class")
    setting("early_stopping", int, "epochs without a better validation loss until it ends, 0 for never")
    setting("patch_dropout", float, "share of the patches that a step of the last blocks leaves out")
    setting("gradient_clipping", float, "largest norm of a step's gradient, 0 for any")
    setting("precision", str, "what the backbone computes in", PRECISIONS)
    for name, text in (
        ("--weight-averaging", "judge and keep a moving average of the weights, as Quick does"),
        ("--class-weights", "let every class count alike in the training loss, however many pictures it has"),
    ):
        parser.add_argument(name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
    add_use_aliases(parser)


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
