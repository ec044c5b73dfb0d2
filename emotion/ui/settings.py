"""The settings of a training as widgets: a preset, two sliders in front, the rest behind an accordion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import gradio as gr
from gradio.components import Component

from emotion.config import AUGMENTATIONS, PRECISIONS, PRESETS, SCHEDULES, VIEWS, TrainConfig, parse_depth, preset
from emotion.labels import ALIASES_SETTING
from emotion.ui.handlers import QUIET

REPORT_BATCH_SIZES = (4, 8, 16, 24)
DEPTHS = [
    ("The classifier alone (fastest)", "head"),
    ("and the last block", "1"),
    ("and the last 2 blocks", "2"),
    ("and the last 4 blocks", "4"),
    ("and the last 6 blocks", "6"),
    ("Everything", "all"),
]
_WHOLE = {"epochs", "batch_size", "image_size", "early_stopping", "seed"}


class Backbone(Protocol):
    """A line of the list of backbones, as the page needs it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def megabytes(self) -> float: ...
    @property
    def here(self) -> bool: ...
    @property
    def description(self) -> str: ...


ListBackbones = Callable[[], Sequence[Backbone]]


def known_backbones() -> Sequence[Backbone]:
    """Return what the registry offers."""
    from emotion.backbones.registry import list_backbones

    return list_backbones()


@dataclass(frozen=True)
class Settings:
    """The widgets by the setting they stand for, without the picture set; their order is that of the handlers."""

    preset: gr.Radio
    widgets: dict[str, Component]

    @property
    def inputs(self) -> list[Component]:
        """The widgets, in order."""
        return list(self.widgets.values())

    def read(self, values: Sequence[Any], *, pictures: str) -> TrainConfig:
        """Build the configuration that the widgets' values stand for.

        Raises:
            ConfigError: a value is out of its range.
        """
        given = {name: _cleaned(name, value) for name, value in zip(self.widgets, values, strict=True)}
        return TrainConfig(pictures=pictures, **given)

    def of_preset(self, name: str) -> list[Any]:
        """Return the values that a preset gives the widgets, in order."""
        return self.of(preset(name, pictures="-"))

    def of(self, config: TrainConfig) -> list[Any]:
        """Return the values that a configuration gives the widgets, in order."""
        return [str(config.depth) if key == "depth" else getattr(config, key) for key in self.widgets]


def build_settings(backbones: Sequence[Backbone]) -> Settings:
    """Put the widgets on the page."""
    plain = preset("Quick", pictures="-")
    choice = gr.Radio(list(PRESETS), value="Quick", label="Preset", elem_id="preset", info=PRESET_NOTE)
    widgets: dict[str, Component] = {}
    widgets["backbone"] = gr.Dropdown(
        [(backbone_label(row), row.name) for row in backbones],
        value=plain.backbone,
        label="Backbone",
        info="The pretrained vision transformer that is built on.",
        allow_custom_value=True,
        elem_id="backbone",
    )
    with gr.Row():
        widgets["epochs"] = gr.Slider(1, 50, plain.epochs, step=1, label="Epochs", min_width=140, buttons=[])
        widgets["batch_size"] = gr.Slider(
            1, 128, plain.batch_size, step=1, label="Batch size", min_width=140, buttons=[]
        )
    with gr.Row(elem_classes="marks"):
        gr.HTML("The report's batch sizes", apply_default_css=False, elem_classes="marks-label")
        for size in REPORT_BATCH_SIZES:
            mark = gr.Button(str(size), size="sm", min_width=44, elem_classes="mark")
            mark.click(None, None, widgets["batch_size"], js=f"() => {size}", api_visibility="private")
    with gr.Accordion("More settings", open=False):
        widgets |= _more(plain)
    settings = Settings(choice, widgets)
    missing = set(widgets) ^ ({field.name for field in fields(TrainConfig)} - {"pictures"})
    assert not missing, f"settings and widgets differ: {missing}"
    choice.input(settings.of_preset, choice, settings.inputs, trigger_mode="always_last", **QUIET)
    backbone = widgets["backbone"]
    backbone.input(  # type: ignore[attr-defined]  # gradio adds it
        of_backbone, [choice, backbone], [widgets[name] for name in BY_BACKBONE], **QUIET
    )
    return settings


BY_BACKBONE = ("augmentation", "image_size")


def of_backbone(chosen: str | None, backbone: str | None) -> list[Any]:
    """Return what of the chosen preset depends on the backbone, where both are given."""
    if not chosen or not backbone:
        return [gr.skip()] * len(BY_BACKBONE)
    config = preset(chosen, pictures="-", backbone=backbone)
    return [getattr(config, name) for name in BY_BACKBONE]


PRESET_NOTE = (
    "Quick trains the classifier on top of a frozen backbone. Thorough also trains its last 6 blocks: some minutes. "
    "The report trains every weight of ViT-B/16: minutes to an hour on a CPU."
)


def backbone_label(row: Backbone) -> str:
    """Return how a backbone is listed: what it is and whether it has to be fetched."""
    return f"{row.title} · {'here' if row.here else f'to be fetched, {row.megabytes:,.0f} MB'}"


def _more(plain: TrainConfig) -> dict[str, Component]:
    made: dict[str, Component] = {}
    made["depth"] = gr.Dropdown(
        DEPTHS, value=str(plain.depth), label="What is trained", allow_custom_value=True, elem_id="depth"
    )
    looks = ", ".join(f"{name} {views}×" for name, views in VIEWS.items())
    made["augmentation"] = gr.Radio(
        list(AUGMENTATIONS),
        value=plain.augmentation,
        label="Augmentation",
        info="Flip, crop, colour; zoom and frame also show pictures smaller. "
        f"A frozen backbone looks at each training picture so often: {looks}.",
    )
    with gr.Row():
        made["head_learning_rate"] = _number("Learning rate, classifier", plain.head_learning_rate)
        made["block_learning_rate"] = _number("Learning rate, blocks", plain.block_learning_rate)
    with gr.Row():
        made["layer_decay"] = _number("Layer decay", plain.layer_decay)
        made["weight_decay"] = _number("Weight decay", plain.weight_decay)
    with gr.Row():
        made["schedule"] = gr.Dropdown(list(SCHEDULES), value=plain.schedule, label="Schedule", min_width=140)
        made["warmup_share"] = _number("Warm-up share", plain.warmup_share)
    with gr.Row():
        made["label_smoothing"] = _number("Label smoothing", plain.label_smoothing)
        made["patch_dropout"] = _number("Patch dropout", plain.patch_dropout)
    made["gradient_clipping"] = _number("Gradient clipping (0 = none)", plain.gradient_clipping)
    made["weight_averaging"] = gr.Checkbox(
        plain.weight_averaging, label="Weight averaging", info="Judge and keep a moving average of the weights."
    )
    made["class_weights"] = gr.Checkbox(
        plain.class_weights, label="Class weights", info="Every class counts alike, however many pictures it has."
    )
    with gr.Row():
        made["validation_share"] = _number("Validation share", plain.validation_share)
        made["early_stopping"] = _number("Early stopping, epochs (0 = never)", plain.early_stopping, whole=True)
    with gr.Row():
        made["image_size"] = _number("Image size, pixels", plain.image_size, whole=True)
        made["seed"] = _number("Seed", plain.seed, whole=True)
    made["precision"] = gr.Radio(
        list(PRECISIONS), value=plain.precision, label="Precision", info="Auto: bfloat16 where the machine has it."
    )
    made["use_aliases"] = gr.Checkbox(
        plain.use_aliases, label=ALIASES_SETTING, info="Folders called anger, Sadness or sleepy: angry, sad, tired."
    )
    return made


def _number(label: str, value: float, *, whole: bool = False) -> gr.Number:
    return gr.Number(value, label=label, precision=0 if whole else None, min_width=130)


def _cleaned(name: str, value: Any) -> Any:
    if name == "depth":
        return parse_depth(str(value))
    if name in _WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
