"""Import from a data set of the Hub: read what it offers, then let the visitor choose columns and name labels."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

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

if TYPE_CHECKING:
    from emotion.data.hub import Description

FIRST = "Name a data set and press Look to see its splits, columns and labels."
NAMES_NOTE = "One label a line: theirs = ours. A label with nothing on the right is left out."
WHERE = "An id on the Hub, owner/name"
WHERE_HERE = f"{WHERE}, or a Parquet file or a folder on this machine."


class DataSetForm:
    """The form's widgets and their handlers; ``way`` returns the chosen import."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.found = gr.State(None)
        where = f"{WHERE}." if is_public() else WHERE_HERE
        self.source = gr.Textbox(label="Data set", placeholder="owner/name", info=where, elem_id="hub-id")
        self.look = gr.Button("Look", elem_id="hub-look", size="md")
        self.said = slot("hub-said", sentence(FIRST))
        with gr.Column(visible=False) as self.choices:
            with gr.Row(elem_classes="controls"):
                self.config = gr.Dropdown([], label="Configuration", elem_id="hub-config", min_width=130)
                self.split = gr.Dropdown([], label="Split", elem_id="hub-split", min_width=110)
            with gr.Row(elem_classes="controls"):
                self.picture = gr.Dropdown([], label="Picture column", elem_id="hub-picture", min_width=130)
                self.label = gr.Dropdown([], label="Label column", elem_id="hub-label", min_width=130)
            self.names = gr.Textbox(label="What its labels are called", info=NAMES_NOTE, lines=5, elem_id="hub-names")
            self.go = gr.Button("Bring it in", variant="primary", elem_id="hub-bring")
        self.brought = slot("said-of-hub")
        self.inputs = [self.found, self.picture, self.label, self.names]
        view = widgets(self)
        options: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "bring"}
        on([self.look.click, self.source.submit], self.describe, self.source, view, **options)
        choice = [self.source, self.config, self.split]
        on([self.config.input, self.split.input], self.describe, choice, view, **options)
        on(self.label.input, self.name_labels, [self.found, self.label], self.names)

    def describe(self, source: str, config: str = "", split: str = "") -> Steps:
        """Read the data set's splits, columns and labels, and offer them."""
        if not source.strip():
            raise PictureError("No data set is named yet: give its id, such as owner/name.")
        job = Describe(source.strip(), config or "", split or "", on_hub=is_public(), limits=import_limits())
        try:
            found = yield from watched(self.services.do(job), self.said)
        except EmotionError as error:
            said = sentence(str(error), kind="problem")
            yield {self.found: None, self.said: said, self.choices: gr.Column(visible=False)}
            return
        yield self.offered(found)

    def offered(self, found: Description) -> Values:
        """Return the values of all widgets for a description."""
        labels = list(found.labels)
        return {
            self.found: found,
            self.said: described_html(found),
            self.choices: gr.Column(visible=bool(found.picture_columns and labels)),
            self.config: _choice(found.configs, found.config),
            self.split: _choice(list(found.splits), found.split),
            self.picture: _choice(found.picture_columns, found.picture_columns[0] if found.picture_columns else None),
            self.label: _choice(labels, labels[0] if labels else None),
            self.names: names_of(found.labels[labels[0]]) if labels else "",
            self.brought: "",
        }

    def name_labels(self, found: Description | None, label: str) -> Values:
        """Propose names for the labels of another column."""
        if found is None or label not in found.labels:
            raise PictureError("That column is gone: press Look again.")
        return {self.names: names_of(found.labels[label])}

    def way(self, found: Description | None, picture: str, label: str, names: str) -> FromDataSet:
        """Return the import that the form describes.

        Raises:
            PictureError: no data set has been read yet, or a line of the names is malformed.
        """
        if found is None:
            raise PictureError("Nothing was looked at yet: name a data set and press Look.")
        return FromDataSet(found, picture or "", label or "", read_names(names))


def names_of(labels: Mapping[str, Any]) -> str:
    """Return one line per label: the label, and the emotion it means or its own name."""
    return "\n".join(f"{label} = {emotion_meant(label)}" for label in labels)


def read_names(text: str) -> dict[str, str]:
    """Return the name given to each label; the last ``=`` of a line separates, since a label may contain the sign.

    Raises:
        PictureError: a line has no ``=``.
    """
    names = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        theirs, sign, ours = line.rpartition("=")
        if not sign:
            raise PictureError(f"The line {shown(line)!r} names nothing: write it as theirs = ours.")
        names[theirs.strip()] = ours.strip()
    return names


def described_html(found: Description) -> str:
    """Return a data set's columns and the count of each label, as HTML."""
    if not found.picture_columns or not found.labels:
        lacks = "column of pictures" if not found.picture_columns else "column of labels"
        return sentence(f"{shown(found.title)} has no {lacks} that can be read: choose another one.", kind="problem")
    columns = "".join(f"<li><b>{_safe(name)}</b> {_safe(words)}</li>" for name, words in found.columns.items())
    counted = "".join(
        f"<li><b>{_safe(column)}</b> {', '.join(_counted(label, count) for label, count in labels.items())}</li>"
        for column, labels in found.labels.items()
    )
    size = f", {megabytes(found.bytes)} to be read" if found.bytes else ""
    version = f" at {_safe(found.commit[:12])}" if found.commit else ""
    return (
        f'<div class="set-summary"><p class="note">{_safe(found.title)}{version}{size}</p>'
        f"<details open><summary>Labels</summary><ul>{counted}</ul></details>"
        f"<details><summary>Columns</summary><ul>{columns}</ul></details></div>"
    )


def _counted(label: str, count: int | None) -> str:
    return _safe(label) + (f" {count:,}" if count is not None else "")


def _safe(text: str) -> str:
    return html.escape(shown(text))


def _choice(options: Any, value: str | None) -> gr.Dropdown:
    # Untrusted names are shown shortened; the value sent back is the full name.
    return gr.Dropdown([(shown(each), each) for each in options], value=value, visible=len(options) > 1)
