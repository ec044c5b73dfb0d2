"""A data set of the Hub as a way in: what it offers is found out and shown, the visitor chooses and names."""

from __future__ import annotations

import html
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import megabytes
from emotion.core.labels import emotion_meant
from emotion.data.hub import Describe, FromDataSet
from emotion.data.names import shown
from emotion.server.limits import is_public
from emotion.server.services import Services
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.pictures.mine import import_limits
from emotion.ui.status import sentence
from emotion.ui.studying import watched

if TYPE_CHECKING:
    from emotion.data.hub import Description

FIRST = "Name a data set and press Look: its splits, columns and labels are read from itself."
NAMES_NOTE = "One label a line: theirs = ours. Nothing on the right leaves it out."
WHERE = "An id on the Hub, owner/name"
WHERE_HERE = f"{WHERE}, or a Parquet file or a folder on this machine."


class DataSetForm:
    """Widgets of the way in and what they do; ``way`` makes of them what is to be brought."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.found = gr.State(None)
        where = f"{WHERE}." if is_public() else WHERE_HERE
        self.source = gr.Textbox(label="Data set", placeholder="owner/name", info=where, elem_id="hub-id")
        self.look = gr.Button("Look", elem_id="hub-look", size="md")
        self.said = gr.HTML(sentence(FIRST), elem_id="hub-said", apply_default_css=False)
        with gr.Column(visible=False) as self.choices:
            with gr.Row(elem_classes="controls"):
                self.config = gr.Dropdown([], label="Configuration", elem_id="hub-config", min_width=130)
                self.split = gr.Dropdown([], label="Split", elem_id="hub-split", min_width=110)
            with gr.Row(elem_classes="controls"):
                self.picture = gr.Dropdown([], label="Picture column", elem_id="hub-picture", min_width=130)
                self.label = gr.Dropdown([], label="Label column", elem_id="hub-label", min_width=130)
            self.names = gr.Textbox(label="What its labels are called", info=NAMES_NOTE, lines=5, elem_id="hub-names")
            self.go = gr.Button("Bring it in", variant="primary", elem_id="hub-bring")
        self.brought = gr.HTML("", elem_id="said-of-hub", apply_default_css=False)
        self.inputs = [self.found, self.picture, self.label, self.names]
        view = [
            self.found, self.said, self.choices, self.config, self.split, self.picture, self.label, self.names,
            self.brought,
        ]  # fmt: skip
        options: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "bring", **QUIET}
        for event in (self.look.click, self.source.submit):
            event(guarded_stream(self.describe), self.source, view, **options)
        for choice in (self.config.input, self.split.input):
            choice(guarded_stream(self.describe), [self.source, self.config, self.split], view, **options)
        self.label.input(guarded(self.name_labels), [self.found, self.label], self.names, **QUIET)

    def describe(self, source: str, config: str = "", split: str = "") -> Generator[dict[Any, Any], None, None]:
        """Look at what the data set offers, and offer it."""
        if not source.strip():
            raise PictureError("No data set is named yet: give its id, such as owner/name.")
        job = Describe(source.strip(), config or "", split or "", on_hub=is_public(), limits=import_limits())
        try:
            found = yield from watched(self.services.do(job), place=lambda line: {self.said: line})
        except EmotionError as error:
            said = sentence(str(error), kind="problem")
            yield {self.found: None, self.said: said, self.choices: gr.Column(visible=False)}
            return
        yield self.offered(found)

    def offered(self, found: Description) -> dict[Any, Any]:
        """Return what every widget shows of a description."""
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

    def name_labels(self, found: Description | None, label: str) -> str:
        """Propose names for the labels of another column."""
        if found is None or label not in found.labels:
            raise PictureError("That column is gone: press Look again.")
        return names_of(found.labels[label])

    def way(self, found: Description | None, picture: str, label: str, names: str) -> FromDataSet:
        """Return what is to be brought in.

        Raises:
            PictureError: nothing was looked at yet, or a line of the names is none.
        """
        if found is None:
            raise PictureError("Nothing was looked at yet: name a data set and press Look.")
        return FromDataSet(found, picture or "", label or "", read_names(names))


def names_of(labels: Mapping[str, Any]) -> str:
    """Return a line for each label, with the emotion that it means or its own name."""
    return "\n".join(f"{label} = {emotion_meant(label)}" for label in labels)


def read_names(text: str) -> dict[str, str]:
    """Return what the lines call each label; the last ``=`` counts, since a label may hold the sign itself.

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
    """Return what a data set holds: its columns in words, and how often each label stands in it."""
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
    # Strangers' names, shown short and plain; what is sent back is the name itself.
    return gr.Dropdown([(shown(each), each) for each in options], value=value, visible=len(options) > 1)
