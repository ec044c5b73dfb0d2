"""Import from a data set of the Hub: read what it offers, then let the visitor choose columns and name labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion.analysis.blocks import Block, Facts, Table, Text, row
from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import megabytes
from emotion.core.labels import emotion_meant
from emotion.data.hub import Describe, FromDataSet
from emotion.data.names import shown
from emotion.server.limits import is_public
from emotion.server.services import Services
from emotion.ui.events import Steps, Values, on, watched, widgets
from emotion.ui.html import sentence, slot
from emotion.ui.picture_sets import import_limits
from emotion.ui.rendering import rendered

if TYPE_CHECKING:
    from emotion.data.hub import Description

FIRST = "Name a data set and press Look to see its splits, columns and labels."
GONE = "Nothing was looked at yet: name a data set and press Look."
NAMES_NOTE = "One label a line: theirs = ours. A label with nothing on the right is left out."
WHERE = "An id on the Hub, owner/name"
WHERE_HERE = f"{WHERE}, or a Parquet file or a folder on this machine."


class DataSetForm:
    """The form's widgets and their handlers; ``way`` returns the chosen import, from the values of ``inputs``."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.found = gr.State(None)
        where = f"{WHERE}." if is_public() else WHERE_HERE
        self.source = gr.Textbox(label="Data set", placeholder="owner/name", info=where)
        look = gr.Button("Look", size="md")
        self.said = slot("hub-said", sentence(FIRST))
        with gr.Column(visible=False) as self.choices:
            with gr.Row(elem_classes="controls"):
                self.config = gr.Dropdown([], label="Configuration", min_width=130)
                self.split = gr.Dropdown([], label="Split", min_width=110)
            with gr.Row(elem_classes="controls"):
                self.picture = gr.Dropdown([], label="Picture column", min_width=130)
                self.label = gr.Dropdown([], label="Label column", min_width=130)
            self.names = gr.Textbox(label="What its labels are called", info=NAMES_NOTE, lines=5)
            self.go = gr.Button("Bring it in", variant="primary")
        self.brought = slot("said-of-hub")
        self.inputs = [self.found, self.picture, self.label, self.names]
        view = widgets(self)
        options: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "bring"}
        on([look.click, self.source.submit], self._describe, self.source, view, **options)
        choice = [self.source, self.config, self.split]
        on([self.config.input, self.split.input], self._describe, choice, view, **options)
        on(self.label.input, self._name_labels, [self.found, self.label], self.names)

    def _describe(self, source: str, config: str = "", split: str = "") -> Steps:
        if not source.strip():
            raise PictureError("No data set is named yet: give its id, such as owner/name.")
        job = Describe(source.strip(), config or "", split or "", on_hub=is_public(), limits=import_limits())
        try:
            found = yield from watched(self.services.do(job), self.said)
            yield self._offered(found)
        except EmotionError as error:
            said = sentence(str(error), kind="problem")
            yield {self.found: None, self.said: said, self.choices: gr.Column(visible=False)}

    def _offered(self, found: Description) -> Values:
        pictures, labels = found.picture_columns, list(found.labels)
        return {
            self.found: found,
            self.said: described_html(found),
            self.choices: gr.Column(visible=bool(pictures and labels)),
            self.config: _choice(found.configs, found.config),
            self.split: _choice(found.splits, found.split),
            self.picture: _choice(pictures, next(iter(pictures), None)),
            self.label: _choice(labels, next(iter(labels), None)),
            self.names: _names_of(found.labels[labels[0]]) if labels else "",
            self.brought: "",
        }

    def _name_labels(self, found: Description | None, label: str) -> Values:
        if found is None or label not in found.labels:
            raise PictureError(GONE)
        return {self.names: _names_of(found.labels[label])}

    def way(self, found: Description | None, picture: str, label: str, names: str) -> FromDataSet:
        """Return the import that the form describes.
        Raises PictureError where no data set has been read yet, or a line of the names has no ``=``.
        """
        if found is None:
            raise PictureError(GONE)
        calls = {}
        for line in filter(None, map(str.strip, names.splitlines())):
            # The last one separates: a label may contain the sign.
            theirs, sign, ours = line.rpartition("=")
            if not sign:
                raise PictureError(f"The line {shown(line)!r} names nothing: write it as theirs = ours.")
            calls[theirs.strip()] = ours.strip()
        return FromDataSet(found, picture or "", label or "", calls)


def described_html(found: Description) -> str:
    """Return a data set's size, the count of each label, and its columns, as HTML."""
    if not found.picture_columns or not found.labels:
        lacks = "column of pictures" if not found.picture_columns else "column of labels"
        return sentence(f"{shown(found.title)} has no {lacks} that can be read: choose another one.", kind="problem")
    version = f" at {found.commit[:12]}" if found.commit else ""
    size = f", {megabytes(found.bytes)} to be read" if found.bytes else ""
    labels = [(shown(column), ", ".join(map(_counted, counts.items()))) for column, counts in found.labels.items()]
    columns = [row(shown(name), shown(words)) for name, words in found.columns.items()]
    blocks: list[Block] = [
        Text(f"{shown(found.title)}{version}{size}", "note"),
        Facts(labels),
        Table("Columns", "Column", ["Holds"], columns, is_text=True, is_folded=True),
    ]
    return rendered(blocks, name="hub")


def _names_of(labels: Mapping[str, Any]) -> str:
    """Return one line per label: the label, and the emotion it means or its own name."""
    return "\n".join(f"{label} = {emotion_meant(label)}" for label in labels)


def _counted(label: tuple[str, int | None]) -> str:
    name, number = label
    return shown(name) + (f" {number:,}" if number is not None else "")


def _choice(options: Any, value: str | None) -> gr.Dropdown:
    # Untrusted names are shown shortened; the value sent back is the full name.
    return gr.Dropdown([(shown(each), each) for each in options], value=value, visible=len(options) > 1)
