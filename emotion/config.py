"""What a training is asked to do: one frozen dataclass, checked once, that round-trips through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from emotion.errors import ConfigError

Depth = Literal["head", "all"] | int
Augmentation = Literal["off", "light", "zoom", "strong", "frame"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]

AUGMENTATIONS: tuple[str, ...] = ("off", "light", "zoom", "strong", "frame")
SCHEDULES: tuple[str, ...] = ("constant", "linear", "cosine")
PRECISIONS: tuple[str, ...] = ("auto", "float32", "bfloat16")

# A frozen part sees each picture this many times, once as it is and then in fixed, seeded variations:
# its activations are computed once, so every view costs one more forward pass.
VIEWS: dict[str, int] = {"off": 1, "light": 2, "zoom": 3, "strong": 4, "frame": 6}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training's outcome, besides the pictures' own content.

    ``depth`` is what is trained: ``"head"`` (the classifier alone), a number (the last so many blocks and the
    classifier) or ``"all"``. ``batch_size`` is the global batch, whatever the number of processes. Learning rates are
    those at the end of the warm-up; ``warmup_share`` and ``validation_share`` are shares (0 to 1) of the steps and of
    the pictures; ``early_stopping`` counts epochs without a better validation loss, 0 for never. ``patch_dropout`` is
    the share of a picture's patches that a step of the last blocks leaves out, ``gradient_clipping`` the largest norm
    of a step's gradient; both are off at 0. Each block's learning rate is ``layer_decay`` times that of the block above
    it. With ``weight_averaging`` a moving average of the trained weights is judged and kept. ``use_aliases`` reads
    class folders that name an emotion otherwise (`anger`) under the emotion's name. With ``class_weights`` the training
    loss counts every class alike, however many pictures it has.

    Raises:
        ConfigError: a value is out of its range.
    """

    pictures: str
    backbone: str = "dinov2-small"
    epochs: int = 8
    batch_size: int = 24
    depth: Depth = "head"
    head_learning_rate: float = 1.5e-3
    block_learning_rate: float = 1e-5
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    schedule: Schedule = "cosine"
    warmup_share: float = 0.1
    label_smoothing: float = 0.05
    augmentation: Augmentation = "off"
    image_size: int = 224
    validation_share: float = 0.15
    early_stopping: int = 0
    patch_dropout: float = 0.0
    weight_averaging: bool = True
    gradient_clipping: float = 1.0
    seed: int = 42
    precision: Precision = "auto"
    use_aliases: bool = False
    class_weights: bool = False

    def __post_init__(self) -> None:
        if not self.pictures:
            raise ConfigError("No picture folder is given: choose one that holds a folder of pictures per class.")
        if not self.backbone:
            raise ConfigError("No backbone is given: choose one of `python -m emotion backbones`.")
        _whole("epochs", self.epochs, 1, 50)
        _whole("batch size", self.batch_size, 1, 128)
        _whole("image size", self.image_size, 28, 1024)
        _whole("early stopping", self.early_stopping, 0, 50)
        _whole("seed", self.seed, 0, 2**31 - 1)
        _between("head learning rate", self.head_learning_rate, 1e-7, 1.0)
        _between("block learning rate", self.block_learning_rate, 1e-8, 1.0)
        _between("layer decay", self.layer_decay, 0.1, 1.0)
        _between("weight decay", self.weight_decay, 0.0, 1.0)
        _between("warm-up share", self.warmup_share, 0.0, 0.9)
        _between("label smoothing", self.label_smoothing, 0.0, 0.5)
        _between("validation share", self.validation_share, 0.05, 0.5)
        _between("patch dropout", self.patch_dropout, 0.0, 0.9)
        _between("gradient clipping", self.gradient_clipping, 0.0, 100.0)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("augmentation", self.augmentation, AUGMENTATIONS)
        _one_of("precision", self.precision, PRECISIONS)
        _yes_or_no("weight averaging", self.weight_averaging)
        _yes_or_no("use aliases", self.use_aliases)
        _yes_or_no("class weights", self.class_weights)
        if self.depth not in ("head", "all"):
            _whole("depth", self.depth, 1, 48, hint=" (or head, or all)")

    @property
    def views(self) -> int:
        """How many fixed views of a training picture a frozen part looks at; 1 where nothing is frozen."""
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
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(f"Unknown setting {unknown[0]!r}: this version knows {_setting_names()}.")
        if "pictures" not in values:
            raise ConfigError("The settings name no picture folder: add 'pictures'.")
        return cls(**values)


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
    if text == "head" or text == "all":
        return text  # type: ignore[return-value]  # narrowed to the two literals
    if text.isdecimal():
        return int(text)
    raise ConfigError(f"Depth {text!r} is not known: use head, all, or the number of last blocks to train.")


def _whole(name: str, value: object, low: int, high: int, *, hint: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{name.capitalize()} is {json.dumps(value)}: use a whole number from {low} to {high}{hint}.")


def _between(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{name.capitalize()} is {json.dumps(value)}: use a number from {low:g} to {high:g}.")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name.capitalize()} is {json.dumps(value)}: use one of {', '.join(choices)}.")


def _yes_or_no(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name.capitalize()} is {json.dumps(value)}: use true or false.")


def _setting_names() -> str:
    return ", ".join(field.name for field in fields(TrainConfig))
