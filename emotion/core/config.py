"""The settings of a training: one frozen dataclass, validated once, that round-trips through JSON.

Each setting is a field of ``TrainConfig`` with its label, help, range and choices; the page's widgets, the command
line's options and the checks are generated from them.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from emotion.core.errors import ConfigError
from emotion.core.labels import ALIASES_SETTING

Depth = Literal["head", "all"] | int
Augmentation = Literal["off", "light", "zoom", "strong", "frame"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]
PresetName = Literal["Quick", "Thorough", "The report"]

# The number of views of each picture for the frozen layers: the unchanged picture, then fixed, seeded variations.
# Features are computed once, so every view costs one more forward pass.
VIEWS: dict[str, int] = {"off": 1, "light": 2, "zoom": 3, "strong": 4, "frame": 6}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a setting is presented and checked.

    ``low`` and ``high`` bound a number, ``choices`` are words allowed as well or instead; ``more`` puts it under "More
    settings", ``sweep`` are the initial values of a sweep (empty: it cannot be swept).
    """

    label: str
    help: str = ""
    whole: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    more: bool = True
    sweep: str = ""

    def check(self, value: object) -> None:
        """Check that a value is in range. Raises ConfigError where it is not."""
        if isinstance(value, bool):
            is_allowed = self.low is None and not self.choices
        elif self.low is not None and self.high is not None and isinstance(value, int if self.whole else int | float):
            is_allowed = self.low <= value <= self.high
        else:
            is_allowed = value in self.choices
        if not is_allowed:
            raise ConfigError(f"{self.label} is {json.dumps(value)}: use {self.allowed()}.")

    def allowed(self) -> str:
        """Return the allowed values in words: a whole number from 1 to 48 (or head, or all)."""
        if self.low is None or self.high is None:
            return f"one of {', '.join(self.choices)}" if self.choices else "true or false"
        low, high = (format(bound, "d" if self.whole else "g") for bound in (self.low, self.high))
        words = f" ({', '.join(f'or {word}' for word in self.choices)})" if self.choices else ""
        return f"{'a whole number' if self.whole else 'a number'} from {low} to {high}{words}"

    def read(self, text: str) -> Any:
        """Parse a person's text into a value, without a range check: text where it is no number."""
        try:
            return int(text) if self.whole else float(text)
        except ValueError:
            return text


def _setting(default: Any, label: str, help: str = "", **how: Any) -> Any:
    return field(default=default, metadata={"setting": Setting(label=label, help=help, **how)})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All that determines a training's outcome, apart from the content of the pictures.

    ``batch_size`` is the global batch, for any number of processes. Learning rates are those at the end of the warm-up;
    shares are 0 to 1. Frozen layers are computed once; ``depth`` says what is trained on top of them.
    Raises ConfigError where a value is out of range.
    """

    pictures: str
    backbone: str = "dinov2-small"
    epochs: int = _setting(8, "Epochs", whole=True, low=1, high=50, more=False, sweep="2, 4, 8, 16")
    batch_size: int = _setting(
        24, "Batch size", "pictures a step, over all processes", whole=True, low=1, high=128, more=False,
        sweep="4, 8, 16, 24",
    )  # fmt: skip
    depth: Depth = _setting(
        "head", "Depth", "what is trained: the head, so many last blocks and the head, or all", whole=True, low=1,
        high=48, choices=("head", "all"), sweep="head, 1, 2",
    )  # fmt: skip
    augmentation: Augmentation = _setting(
        "off", "Augmentation",
        "flip, crop, colour; zoom and frame also show pictures smaller. A frozen backbone sees each training picture "
        + ", ".join(f"{name} {views}×" for name, views in VIEWS.items()),
        choices=tuple(VIEWS), sweep="off, light, zoom",
    )  # fmt: skip
    head_learning_rate: float = _setting(
        1.5e-3, "Head learning rate", low=1e-7, high=1.0, sweep="5e-4, 1.5e-3, 5e-3, 1.5e-2"
    )
    block_learning_rate: float = _setting(
        1e-5, "Block learning rate", "of what is trained below the head", low=1e-8, high=1.0, sweep="1e-5, 5e-5, 2e-4"
    )
    layer_decay: float = _setting(
        1.0, "Layer decay", "a block's learning rate over that of the next", low=0.1, high=1.0
    )
    weight_decay: float = _setting(0.01, "Weight decay", low=0.0, high=1.0, sweep="0, 0.01, 0.1")
    schedule: Schedule = _setting(
        "cosine", "Schedule", "how the learning rate goes on", choices=("constant", "linear", "cosine")
    )
    warmup_share: float = _setting(
        0.1, "Warm-up share", "share of the steps in which the learning rate rises", low=0.0, high=0.9
    )
    label_smoothing: float = _setting(0.05, "Label smoothing", low=0.0, high=0.5, sweep="0, 0.05, 0.1, 0.2")
    patch_dropout: float = _setting(
        0.0, "Patch dropout", "share of the patches that a step of the last blocks leaves out", low=0.0, high=0.9
    )
    gradient_clipping: float = _setting(
        1.0, "Gradient clipping", "largest norm of a step's gradient, 0 for any", low=0.0, high=100.0
    )
    weight_averaging: bool = _setting(True, "Weight averaging", "judge and keep a moving average of the weights")
    class_weights: bool = _setting(
        False, "Class weights", "every class counts alike in the training loss, however many pictures it has"
    )
    validation_share: float = _setting(0.15, "Validation share", "share held back of every class", low=0.05, high=0.5)
    early_stopping: int = _setting(
        0, "Early stopping", "epochs without a better validation loss until it ends, 0 for never", whole=True, low=0,
        high=50,
    )  # fmt: skip
    image_size: int = _setting(224, "Image size", "side in pixels", whole=True, low=28, high=1024)
    seed: int = _setting(
        42, "Seed", "of the split, the order and the first weights", whole=True, low=0, high=2**31 - 1,
        sweep="1, 2, 3, 4, 5",
    )  # fmt: skip
    precision: Precision = _setting(
        "auto", "Precision", "auto: bfloat16 where the machine has it", choices=("auto", "float32", "bfloat16")
    )
    use_aliases: bool = _setting(
        False, ALIASES_SETTING, "read folders called anger, Sadness or sleepy as angry, sad and tired"
    )

    def __post_init__(self) -> None:
        if not self.pictures:
            raise ConfigError("No picture folder is given: choose one that holds a folder of pictures per class.")
        if not self.backbone:
            raise ConfigError("No backbone is given: choose one of `python -m emotion backbones`.")
        for name, setting in SETTINGS.items():
            setting.check(getattr(self, name))

    @property
    def views(self) -> int:
        """The number of fixed views of a training picture for the frozen layers; 1 where nothing is frozen."""
        return 1 if self.depth == "all" else VIEWS[self.augmentation]

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """Build a configuration from the dictionary of ``to_json``.
        Raises ConfigError where a name is unknown, or a value is missing or out of range.
        """
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ConfigError(f"Unknown setting {unknown[0]!r}: this version knows {', '.join(known)}.")
        return cls(**{"pictures": "", **values})


# All settings except the pictures and the backbone, whose choices differ between machines.
SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(TrainConfig) if "setting" in each.metadata
}

# Chosen by grouped cross-validation inside the training photographs, on the bundled backbone.
PRESETS: dict[str, dict[str, Any]] = {
    # Small pictures do as well as large ones here, so that two more views of each cost no extra time.
    "Quick": {"image_size": 140, "augmentation": "zoom"},
    # Better and slower.
    "Thorough": {
        "depth": 6, "epochs": 12, "image_size": 140, "augmentation": "frame", "head_learning_rate": 3e-4,
        "block_learning_rate": 8e-5, "layer_decay": 0.8, "warmup_share": 0.2, "patch_dropout": 0.5,
    },
    # The report: every weight, Adam at 2e-5 (AdamW without decay is Adam), nothing else.
    "The report": {
        "backbone": "google/vit-base-patch16-224-in21k", "depth": "all", "batch_size": 24, "epochs": 8,
        "head_learning_rate": 2e-5, "block_learning_rate": 2e-5, "weight_decay": 0.0, "schedule": "constant",
        "warmup_share": 0.0, "label_smoothing": 0.0, "weight_averaging": False, "gradient_clipping": 0.0,
    },
}  # fmt: skip
# Values of the presets chosen on these backbones are dropped for others, whose patches may not divide 140.
_CHOSEN_ON = ("dinov2-small", "facebook/dinov2-small")
_OF_THESE_ALONE = {"Quick": ("image_size", "augmentation"), "Thorough": ("image_size",)}


def preset(name: str, *, pictures: str, backbone: str | None = None) -> TrainConfig:
    """Return the settings of a preset (a key of ``PRESETS``) for a picture folder and, if given, another backbone.

    For backbones they were not chosen on, Quick and Thorough use pictures of 224 pixels, and Quick one view.
    Raises ConfigError where there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}: choose one of {', '.join(PRESETS)}.")
    values = PRESETS[name]
    if backbone:
        left_out = () if backbone in _CHOSEN_ON else _OF_THESE_ALONE.get(name, ())
        values = {**{key: value for key, value in values.items() if key not in left_out}, "backbone": backbone}
    return replace(TrainConfig(pictures=pictures), **values)


def command_line(config: TrainConfig) -> str:
    """Return ``python -m emotion train …``, quoted for a shell, without the options that equal the Quick preset."""
    quick = asdict(preset("Quick", pictures=config.pictures, backbone=config.backbone))
    quick["backbone"] = TrainConfig(pictures=config.pictures).backbone  # A different backbone must be named.
    pictures, here = Path(config.pictures), Path.cwd()
    folder = pictures.relative_to(here).as_posix() if pictures.is_relative_to(here) else config.pictures
    words = ["python", "-m", "emotion", "train", "--pictures", folder]
    for name, value in asdict(config).items():
        if value != quick[name]:
            option = name.replace("_", "-")
            words += ["--no-" + option] if value is False else ["--" + option]
            words += [] if isinstance(value, bool) else [str(value)]
    return shlex.join(words)
