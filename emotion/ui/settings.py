"""The settings of a training as widgets: a preset, two sliders in front, the rest behind an accordion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, cast

import gradio as gr
from gradio.components import Component

from emotion.core.config import PRESETS, SETTINGS, TrainConfig, parse_depth, preset
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
        widgets |= {name: _widget(name, plain) for name, setting in SETTINGS.items() if not setting.more}
    with gr.Row(elem_classes="marks"):
        gr.HTML("The report's batch sizes", apply_default_css=False, elem_classes="marks-label")
        for size in REPORT_BATCH_SIZES:
            mark = gr.Button(str(size), size="sm", min_width=44, elem_classes="mark")
            mark.click(None, None, widgets["batch_size"], js=f"() => {size}", api_visibility="private")
    with gr.Accordion("More settings", open=False):
        # Numbers stand two in a row.
        more = [name for name, setting in SETTINGS.items() if setting.more]
        for is_number, names in groupby(more, key=lambda name: name != "depth" and SETTINGS[name].low is not None):
            some, width = list(names), 2 if is_number else 1
            for start in range(0, len(some), width):
                with gr.Row():
                    widgets |= {name: _widget(name, plain) for name in some[start : start + width]}
    settings = Settings(choice, widgets)
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


def _widget(name: str, plain: TrainConfig) -> Component:
    """Return what a setting is chosen with, as its field in ``TrainConfig`` describes it."""
    setting, value = SETTINGS[name], getattr(plain, name)
    about: dict[str, Any] = {"label": setting.label, "info": setting.help[:1].upper() + setting.help[1:] or None}
    if name == "depth":
        return gr.Dropdown(DEPTHS, value=str(value), allow_custom_value=True, elem_id="depth", **about)
    if setting.choices:
        return gr.Radio(list(setting.choices), value=value, **about)
    if isinstance(value, bool):
        return gr.Checkbox(value, **about)
    if setting.more:
        return gr.Number(value, precision=0 if setting.whole else None, min_width=130, **about)
    low, high = cast(float, setting.low), cast(float, setting.high)
    return gr.Slider(low, high, value, step=1, min_width=140, buttons=[], label=setting.label)


def _cleaned(name: str, value: Any) -> Any:
    if name == "depth":
        return parse_depth(str(value))
    is_whole = name in SETTINGS and SETTINGS[name].whole and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value
