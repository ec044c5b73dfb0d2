"""The picture set and the settings of a training as widgets, made from TrainConfig's fields, stored in the browser."""

import json
from collections.abc import Sequence
from typing import Any, cast

import gradio as gr
from gradio.components import Component

from emotion.backbones.registry import list_backbones
from emotion.core.config import PRESETS, SETTINGS, VIEWS, TrainConfig, preset
from emotion.core.errors import EmotionError
from emotion.core.format import capital
from emotion.runs.run import Run
from emotion.runs.sweep import SWEPT_SETTINGS
from emotion.ui.events import BROWSER_SECRET, Values, on, warn
from emotion.ui.html import sentence
from emotion.ui.picture_sets import find_set, list_picture_sets, training_sets
from emotion.ui.run_board import preset_of

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


class Settings:
    """The widgets: the picture set, the preset, those of the settings by name, and those of a sweep.

    ``several`` are a switch, the setting that is swept, and its values.
    """

    def __init__(self) -> None:
        plain = preset("Quick", pictures="-")
        sets = [(each.title, each.key) for each in training_sets(list_picture_sets())]
        first = sets[0][1] if sets else None
        self.pictures = gr.Dropdown(sets, value=first, label="Picture set")
        self.preset = gr.Radio([*PRESETS, CUSTOM], value="Quick", label="Preset", elem_id="preset", info=PRESET_NOTE)
        backbones = []
        for row in list_backbones():
            here = "here" if row.here else f"to be downloaded, {row.megabytes:,.0f} MB"
            backbones.append((f"{row.title} · {here}", row.name))
        self.backbone = gr.Dropdown(backbones, value=plain.backbone, label="Backbone", allow_custom_value=True)
        self.widgets: dict[str, Any] = {"backbone": self.backbone}
        with gr.Row():
            self.widgets |= {name: _widget(name, plain) for name, each in SETTINGS.items() if not each.more}
        self._build_several()

    def _build_several(self) -> None:
        switch = gr.Checkbox(label="Several values of one setting")
        with gr.Row(visible=False) as row:
            choices = [(swept.label, name) for name, swept in SWEPT_SETTINGS.items()]
            setting = gr.Dropdown(choices, value=FIRST_SWEPT, label="Setting", min_width=150)
            first = SWEPT_SETTINGS[FIRST_SWEPT].sweep
            values = gr.Textbox(first, label="Values, one training each", max_lines=1, min_width=150)
        self.several = [switch, setting, values]
        on(switch.change, lambda is_on: {row: gr.Row(visible=is_on)}, switch, row, by_page=True)
        # In the browser, so that pressing Start right after uses the new values.
        proposed = json.dumps({name: swept.sweep for name, swept in SWEPT_SETTINGS.items()})
        on(setting.input, None, setting, values, js=f"(setting) => ({proposed})[setting]")

    def build_more(self) -> None:
        """Add all other settings, folded, and what happens when one of them is changed."""
        plain = preset("Quick", pictures="-")
        more = [name for name, each in SETTINGS.items() if each.more]
        switches = [name for name in more if isinstance(getattr(plain, name), bool)]
        with gr.Accordion("More settings", open=False):
            with gr.Row():
                self.widgets |= {name: _widget(name, plain) for name in more if name not in switches}
            self.widgets |= {name: _widget(name, plain) for name in switches}
        on(self.preset.input, self._of_preset, self.preset, self.inputs, trigger_mode="always_last")
        by_backbone = [self.widgets[name] for name in BY_BACKBONE]
        on(self.backbone.input, self._of_backbone, [self.preset, self.backbone], by_backbone)
        own = [each.input for each in self.inputs if each is not self.backbone]
        on(own, None, None, self.preset, js=f"() => {json.dumps(CUSTOM)}")
        # Stored in the browser by itself: moving a slider causes no request.
        self.kept = gr.BrowserState(None, storage_key="emotion-settings", secret=BROWSER_SECRET)
        names = ["pictures", "preset", *self.widgets]
        keep = f"(...values) => Object.fromEntries({json.dumps(names)}.map((name, i) => [name, values[i]]))"
        on([each.change for each in self.all], None, self.all, self.kept, js=keep)

    @property
    def inputs(self) -> list[Any]:
        """The widgets of the settings, in the order of the handlers' arguments."""
        return list(self.widgets.values())

    @property
    def all(self) -> list[Any]:
        """The picture set, the preset and the settings."""
        return [self.pictures, self.preset, *self.inputs]

    def read(self, values: Sequence[Any], *, pictures: str) -> TrainConfig:
        """Return the configuration of the widgets' values. Raises ConfigError where one is out of its range."""
        given = dict(zip(self.widgets, values, strict=True))
        return TrainConfig(pictures=pictures, **{**given, "depth": SETTINGS["depth"].read(str(given["depth"]))})

    def _of_preset(self, name: str) -> Values:
        return self._of(preset(name, pictures="-")) if name in PRESETS else {}

    def _of_backbone(self, chosen: str | None, backbone: str | None) -> Values:
        """Return the preset's values that depend on the backbone; nothing unless both are given."""
        if chosen not in PRESETS or not backbone:
            return {}
        config = preset(chosen, pictures="-", backbone=backbone)
        return {self.widgets[name]: getattr(config, name) for name in BY_BACKBONE}

    def _of(self, config: TrainConfig) -> Values:
        values = {**config.to_json(), "depth": str(config.depth)}
        return {widget: values[name] for name, widget in self.widgets.items()}

    def of_run(self, run: Run) -> Values:
        """Return a run's settings by widget, with its picture set if it is offered here."""
        config = run.config()
        told = {self.preset: preset_of(config) or CUSTOM, **self._of(config)}
        for each in list_picture_sets():
            if str(each.folder) == config.pictures:
                return {**told, self.pictures: each.key}
        warn(f"The pictures in {config.pictures} are not offered here: choose a set.")
        return told

    def connect(self, page: gr.Blocks) -> None:
        """Restore the stored values when the page loads."""
        on(page.load, self._restore, self.kept, self.all, by_page=True, concurrency_limit=None)

    def _restore(self, kept: Any) -> Values:
        """Return the values of an earlier visit, which may be anything; nothing if they are no longer valid."""
        try:
            find_set(kept["pictures"], sets=list_picture_sets())
            values = {widget: kept[name] for name, widget in self.widgets.items()}
            self.read([*values.values()], pictures="-")
            chosen = kept["preset"] if kept["preset"] in PRESETS else CUSTOM
        except (EmotionError, TypeError, KeyError):
            return {}
        return {self.pictures: kept["pictures"], self.preset: chosen, **values}


def reading_cost(depth: Any, augmentation: Any) -> str:
    """Return the cost of the first pass over the pictures, in a sentence."""
    if depth == "all":
        return sentence("Nothing is frozen: in every epoch each picture passes the whole backbone, forward and back.")
    views = VIEWS.get(str(augmentation), 1)
    often = f" (training pictures in {views} views)" if views > 1 else ""
    return sentence(f"The frozen part reads each picture once{often}; later runs skip that.")


def _widget(name: str, plain: TrainConfig) -> Component:
    """Return the widget of a setting, from its field in ``TrainConfig``; number fields share a row."""
    setting, value = SETTINGS[name], getattr(plain, name)
    about: dict[str, Any] = {"label": setting.label, "info": capital(setting.help) or None}
    if name == "depth":
        return gr.Dropdown(DEPTHS, value=str(value), allow_custom_value=True, min_width=400, **about)
    if setting.choices:
        return gr.Radio(list(setting.choices), value=value, min_width=400, **about)
    if isinstance(value, bool):
        return gr.Checkbox(value, **about)
    if setting.more:
        return gr.Number(value, precision=0 if setting.whole else None, min_width=150, **about)
    low, high = cast(float, setting.low), cast(float, setting.high)
    return gr.Slider(low, high, value, step=1, min_width=140, buttons=[], label=setting.label)
