"""What a training is asked to do: one frozen dataclass, checked once, that round-trips through JSON.

A setting is one field of ``TrainConfig``: its label, help, range and choices stand there, and the page's widgets, the
command line's options and the checks are made from them.
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

# A frozen part sees each picture this many times, once as it is and then in fixed, seeded variations:
# its features are computed once, so every view costs one more forward pass.
VIEWS: dict[str, int] = {"off": 1, "light": 2, "zoom": 3, "strong": 4, "frame": 6}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a setting is asked for and checked.

    ``low`` and ``high`` bound a number, ``choices`` are words that it may be as well or instead; ``more`` puts it among
    "More settings", ``sweep`` are values that a sweep over it begins with (empty: it cannot be swept).
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
        """Let pass a value that is in range.

        Raises:
            ConfigError: it is not.
        """
        if self.choices and value in self.choices:
            return
        said = f"{self.label} is {json.dumps(value)}"
        if self.low is None or self.high is None:
            if self.choices:
                raise ConfigError(f"{said}: use one of {', '.join(self.choices)}.")
            if not isinstance(value, bool):
                raise ConfigError(f"{said}: use true or false.")
            return
        is_number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:  # type: ignore[operator]  # a number by now
            hint = "".join(f", or {word}" for word in self.choices)
            kind = "a whole number" if self.whole else "a number"
            low, high = (format(bound, "d" if self.whole else "g") for bound in (self.low, self.high))
            raise ConfigError(f"{said}: use {kind} from {low} to {high}{hint and f' ({hint[2:]})'}.")

    def read(self, text: str) -> Any:
        """Return the value that a person's text stands for; it is not checked.

        Raises:
            ValueError: it stands for none.
        """
        if text in self.choices or self.low is None:
            return text
        return int(text) if self.whole else float(text)


def _setting(default: Any, label: str, help: str = "", **how: Any) -> Any:
    return field(default=default, metadata={"setting": Setting(label=label, help=help, **how)})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training's outcome, besides the pictures' own content.

    ``batch_size`` is the global batch, whatever the number of processes. Learning rates are those at the end of the
    warm-up; shares are 0 to 1. A frozen part is computed once; ``depth`` says what is trained on top of it.

    Raises:
        ConfigError: a value is out of its range.
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
        """How many fixed views of a training picture a frozen part sees; 1 where nothing is frozen."""
        return 1 if self.depth == "all" else VIEWS[self.augmentation]

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """Build a configuration from ``to_json``'s dictionary.

        Raises:
            ConfigError: a name is unknown, one is missing, or a value is out of its range.
        """
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(f"Unknown setting {unknown[0]!r}: this version knows {', '.join(known)}.")
        if "pictures" not in values:
            raise ConfigError("The settings name no picture folder: add 'pictures'.")
        return cls(**values)


# All but the pictures and the backbone, which are chosen from lists that are not the same everywhere.
SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(TrainConfig) if "setting" in each.metadata
}

# Chosen by grouped cross-validation inside the training photographs, on the bundled backbone.
PRESETS: dict[str, dict[str, Any]] = {
    # Small pictures say as much as great ones here, so that a closer and a farther view of each cost no more time.
    "Quick": {"image_size": 140, "augmentation": "zoom"},
    # Better and slower.
    "Thorough": {
        "depth": 6,
        "epochs": 12,
        "image_size": 140,
        "augmentation": "frame",
        "head_learning_rate": 3e-4,
        "block_learning_rate": 8e-5,
        "layer_decay": 0.8,
        "warmup_share": 0.2,
        "patch_dropout": 0.5,
    },
    # The report: every weight, Adam at 2e-5 (AdamW without decay is Adam), nothing else.
    "The report": {
        "backbone": "google/vit-base-patch16-224-in21k",
        "depth": "all",
        "batch_size": 24,
        "epochs": 8,
        "head_learning_rate": 2e-5,
        "block_learning_rate": 2e-5,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup_share": 0.0,
        "label_smoothing": 0.0,
        "weight_averaging": False,
        "gradient_clipping": 0.0,
    },
}


# What of the presets was chosen on these backbones and is left out with others, whose patches may not divide 140.
_CHOSEN_ON = ("dinov2-small", "facebook/dinov2-small")
_OF_THESE_ALONE = {"Quick": ("image_size", "augmentation"), "Thorough": ("image_size",)}


def preset(name: str, *, pictures: str, backbone: str | None = None) -> TrainConfig:
    """Return the settings of a preset (a key of ``PRESETS``) for a picture folder and, if given, another backbone.

    With other backbones than they were chosen on, Quick and Thorough take pictures of 224 pixels, and Quick one view.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}: choose one of {', '.join(PRESETS)}.")
    values = PRESETS[name]
    if backbone:
        left_out = () if backbone in _CHOSEN_ON else _OF_THESE_ALONE.get(name, ())
        values = {**{key: value for key, value in values.items() if key not in left_out}, "backbone": backbone}
    return replace(TrainConfig(pictures=pictures), **values)


def parse_depth(text: str) -> Depth:
    """Read a depth as a person writes it: ``head``, ``all`` or a number of blocks.

    Raises:
        ConfigError: it is none of these.
    """
    try:
        depth: Depth = SETTINGS["depth"].read(text)
    except ValueError:
        raise ConfigError(f"Depth {text!r} is not known: use head, all, or the number of last blocks.") from None
    return depth


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
