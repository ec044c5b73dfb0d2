"""The settings on the screen, kept in the visitor's browser over a reload, and taken from an earlier run."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from emotion.core.config import PRESETS, preset
from emotion.core.errors import EmotionError
from emotion.runs.run import Run
from emotion.ui.guard import guarded, warn
from emotion.ui.handlers import BROWSER_SECRET, POLL, QUIET
from emotion.ui.picture_sets import find_set, list_picture_sets
from emotion.ui.settings import Settings


class KeptSettings:
    """Connects the picture set, the preset and every setting with what this browser remembers of them."""

    def __init__(self, pictures: gr.Dropdown, settings: Settings) -> None:
        self.settings = settings
        self.widgets: list[Any] = [pictures, settings.preset, *settings.inputs]
        self.names = ["pictures", "preset", *settings.widgets]
        self.kept = gr.BrowserState(None, storage_key="emotion-settings", secret=BROWSER_SECRET)
        # In the browser alone: a slider that is moved asks the server nothing.
        keep = f"(...values) => Object.fromEntries({json.dumps(self.names)}.map((name, i) => [name, values[i]]))"
        gr.on([each.change for each in self.widgets], None, self.widgets, self.kept, js=keep, **QUIET)

    def connect(self, page: gr.Blocks) -> None:
        """Restore what is remembered when the page loads."""
        page.load(guarded(self.restore), self.kept, self.widgets, **POLL)

    def restore(self, kept: dict[str, Any] | None) -> Any:
        """Return the values of an earlier visit, or nothing where they are not possible any more."""
        if not isinstance(kept, dict) or set(kept) != set(self.names):
            return gr.skip()
        try:
            find_set(kept["pictures"], sets=list_picture_sets())
            self.settings.read([kept[name] for name in self.settings.widgets], pictures="-")
        except EmotionError:
            return gr.skip()
        kept["preset"] = kept["preset"] if kept["preset"] in PRESETS else None
        return [kept[name] for name in self.names]

    def of_run(self, run: Run) -> list[Any]:
        """Return the settings of a run for the widgets; its picture set with them, where it is offered here."""
        config = run.config()
        key = next((each.key for each in list_picture_sets() if str(each.folder) == config.pictures), None)
        if key is None:
            warn(f"The pictures in {config.pictures} are not offered here: choose a set.")
        given = {"pictures": config.pictures, "backbone": config.backbone}
        name = next((name for name in PRESETS if preset(name, **given) == config), None)
        return [key or gr.skip(), name, *self.settings.of(config)]
