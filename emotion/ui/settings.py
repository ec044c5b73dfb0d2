"""The settings of a training as widgets, made from the fields of TrainConfig, and kept in the visitor's browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Protocol, cast

import gradio as gr
from gradio.components import Component

from emotion.core.config import PRESETS, SETTINGS, VIEWS, TrainConfig, parse_depth, preset
from emotion.core.errors import EmotionError
from emotion.runs.run import Run
from emotion.runs.sweep import SWEPT_SETTINGS
from emotion.ui.events import BROWSER_SECRET, on, warn
from emotion.ui.picture_sets import find_set, list_picture_sets
from emotion.ui.run_board import preset_of
from emotion.ui.status import sentence

CUSTOM = "Custom"
PRESET_NOTE = "Quick takes seconds, Thorough minutes, The report up to an hour."
DEPTHS = [
    ("The classifier alone (fastest)", "head"),
    ("The classifier and the last block", "1"),
    ("The classifier and the last 2 blocks", "2"),
    ("The classifier and the last 4 blocks", "4"),
    ("The classifier and the last 6 blocks", "6"),
    ("Everything", "all"),
]
BY_BACKBONE = ("augmentation", "image_size")
FIRST_SWEPT = "batch_size"


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


class Settings:
    """The widgets by the setting they stand for, without the picture set; their order is that of the handlers.

    ``several`` are a switch, which setting then has several values, and these.
    """

    def __init__(self, backbones: Sequence[Backbone]) -> None:
        self._plain = preset("Quick", pictures="-")
        self.preset = gr.Radio([*PRESETS, CUSTOM], value="Quick", label="Preset", elem_id="preset", info=PRESET_NOTE)
        self.widgets: dict[str, Component] = {
            "backbone": gr.Dropdown(
                [(backbone_label(row), row.name) for row in backbones], value=self._plain.backbone, label="Backbone",
                allow_custom_value=True, elem_id="backbone",
            )
        }  # fmt: skip
        with gr.Row():
            self.widgets |= {name: _widget(name, self._plain) for name, each in SETTINGS.items() if not each.more}
        self._build_several()

    def _build_several(self) -> None:
        switch = gr.Checkbox(label="Several values of one setting", elem_id="several")
        with gr.Row(visible=False) as row:
            setting = gr.Dropdown(
                [(swept.label, name) for name, swept in SWEPT_SETTINGS.items()], value=FIRST_SWEPT, label="Setting",
                elem_id="several-setting", min_width=150,
            )  # fmt: skip
            values = gr.Textbox(
                SWEPT_SETTINGS[FIRST_SWEPT].sweep, label="Values, one training each", max_lines=1,
                elem_id="several-values", min_width=150,
            )  # fmt: skip
        self.several = [switch, setting, values]
        on(switch.change, lambda is_on: {row: gr.Row(visible=is_on)}, switch, row, by_page=True)
        # In the browser alone, so that Start pressed right after takes the new values.
        proposed = json.dumps({name: swept.sweep for name, swept in SWEPT_SETTINGS.items()})
        on(setting.input, None, setting, values, js=f"(setting) => ({proposed})[setting]")

    def build_more(self) -> None:
        """Put all other settings here, folded away."""
        with gr.Accordion("More settings", open=False):
            # Numbers stand two in a row.
            more = [name for name, setting in SETTINGS.items() if setting.more]
            for is_number, names in groupby(more, key=lambda name: name != "depth" and SETTINGS[name].low is not None):
                some, width = list(names), 2 if is_number else 1
                for start in range(0, len(some), width):
                    with gr.Row():
                        self.widgets |= {name: _widget(name, self._plain) for name in some[start : start + width]}
        on(
            self.preset.input, lambda name: dict(zip(self.inputs, self.of_preset(name), strict=True)), self.preset,
            self.inputs, trigger_mode="always_last",
        )  # fmt: skip
        by_backbone = [self.widgets[name] for name in BY_BACKBONE]
        on(
            self.widgets["backbone"].input,  # type: ignore[attr-defined]  # gradio adds it
            lambda *given: dict(zip(by_backbone, of_backbone(*given), strict=True)),
            [self.preset, self.widgets["backbone"]], by_backbone,
        )  # fmt: skip
        own = [each.input for name, each in self.widgets.items() if name != "backbone"]  # type: ignore[attr-defined]
        on(own, None, None, self.preset, js=f"() => {json.dumps(CUSTOM)}")

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
        """Return the values that a preset gives the widgets, in order; they stay as they are for one's own."""
        return [gr.skip() for _ in self.widgets] if name not in PRESETS else self.of(preset(name, pictures="-"))

    def of(self, config: TrainConfig) -> list[Any]:
        """Return the values that a configuration gives the widgets, in order."""
        return [str(config.depth) if key == "depth" else getattr(config, key) for key in self.widgets]


class KeptSettings:
    """Connects the picture set, the preset and every setting with what this browser remembers of them."""

    def __init__(self, pictures: gr.Dropdown, settings: Settings) -> None:
        self.settings = settings
        self.widgets: list[Any] = [pictures, settings.preset, *settings.inputs]
        self.names = ["pictures", "preset", *settings.widgets]
        self.kept = gr.BrowserState(None, storage_key="emotion-settings", secret=BROWSER_SECRET)
        # In the browser alone: a slider that is moved asks the server nothing.
        keep = f"(...values) => Object.fromEntries({json.dumps(self.names)}.map((name, i) => [name, values[i]]))"
        on([each.change for each in self.widgets], None, self.widgets, self.kept, js=keep)

    def connect(self, page: gr.Blocks) -> None:
        """Restore what is remembered when the page loads."""
        on(page.load, self.restore, self.kept, self.widgets, by_page=True, concurrency_limit=None)

    def restore(self, kept: dict[str, Any] | None) -> dict[Any, Any]:
        """Return the values of an earlier visit, or nothing where they are not possible any more."""
        if not isinstance(kept, dict) or set(kept) != set(self.names):
            return {}
        try:
            find_set(kept["pictures"], sets=list_picture_sets())
            self.settings.read([kept[name] for name in self.settings.widgets], pictures="-")
        except EmotionError:
            return {}
        kept["preset"] = kept["preset"] if kept["preset"] in PRESETS else CUSTOM
        return {widget: kept[name] for widget, name in zip(self.widgets, self.names, strict=True)}

    def of_run(self, run: Run) -> dict[Any, Any]:
        """Return the settings of a run for the widgets; its picture set with them, where it is offered here."""
        config = run.config()
        key = next((each.key for each in list_picture_sets() if str(each.folder) == config.pictures), None)
        if key is None:
            warn(f"The pictures in {config.pictures} are not offered here: choose a set.")
        values = [key or gr.skip(), preset_of(config) or CUSTOM, *self.settings.of(config)]
        return dict(zip(self.widgets, values, strict=True))


def reading_cost(depth: Any, augmentation: Any) -> str:
    """Return what the settings cost before the first epoch, in a sentence."""
    if depth == "all":
        return sentence("Nothing is frozen: in every epoch each picture passes the whole backbone, forth and back.")
    views = VIEWS.get(str(augmentation), 1)
    often = f", those trained on in {views} views" if views > 1 else ""
    return sentence(f"The frozen part reads each picture once{often}; later runs skip this.")


def of_backbone(chosen: str | None, backbone: str | None) -> list[Any]:
    """Return what of the chosen preset depends on the backbone, where both are given."""
    if chosen not in PRESETS or not backbone:
        return [gr.skip()] * len(BY_BACKBONE)
    config = preset(chosen, pictures="-", backbone=backbone)
    return [getattr(config, name) for name in BY_BACKBONE]


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
