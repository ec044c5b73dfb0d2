"""The Pictures tab: the visitor's own picture sets, to be imported, reviewed and changed."""

import html
import time
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from emotion.core.errors import PictureError
from emotion.core.format import count
from emotion.core.labels import alias_offer
from emotion.core.owners import may_change, share
from emotion.data.editing import describe_set
from emotion.data.findings import findings
from emotion.data.folders import Skipped
from emotion.data.names import shown
from emotion.data.sets import Manifest, SavedSet, delete_set
from emotion.server.services import Services
from emotion.ui.events import EVERY_PRESS, Values, on, widgets
from emotion.ui.handing_on import LABEL, share_switch
from emotion.ui.html import bars, sentence, slot
from emotion.ui.picture_sets import own_set, saved_key, seen_set, title_of, visible_sets
from emotion.ui.pictures.incoming import Incoming
from emotion.ui.pictures.review import FIRST, Review
from emotion.ui.visitor import current_visitor

NEW, NEW_TITLE = "", "A new set"
SHARED_INFO = "Others see these pictures, and may train on them and compare with them."
NOTHING_YET = "Bring a zip of class folders, put files into a class, or record with the webcam: it appears here."
ALIASES_BUTTON = "press the button below"
MOST_TOLD = 40


class PicturesTab:
    """The tab's widgets and their handlers; ``chosen`` holds the key of the open set."""

    def __init__(self, services: Services) -> None:
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.chosen = gr.Dropdown(_choices(), value=NEW, label="Picture set", elem_id="own-set")
                self.incoming = Incoming(services, self.chosen)
                self._build_about()
            with gr.Column(scale=3, min_width=320):
                self.summary = slot("summary", sentence(NOTHING_YET, kind="waits"))
                self.review = Review(services, self.chosen)
        parts = (self, self.incoming, self.incoming.data_set, self.review)
        self.view = list(dict.fromkeys(widget for part in parts for widget in widgets(part)))

    def _build_about(self) -> None:
        with gr.Accordion("Rename or delete this set", open=False, visible=False, elem_id="about-set") as self.about:
            self.title = gr.Textbox(label="Name", max_length=60, elem_id="set-title")
            self.species = gr.Textbox(label="Species", max_length=40, elem_id="set-species-now")
            self.keep = gr.Button("Save name and species", elem_id="describe-set", size="md")
            self.shared = gr.Checkbox(label=LABEL, info=SHARED_INFO, visible=False, elem_id="share-set")
            self.sure = gr.Checkbox(label="Yes, delete all of its pictures for good", value=False, elem_id="sure-set")
            self.delete = gr.Button("Delete this set", variant="stop", elem_id="delete-set", size="md")

    def connect(self, page: gr.Blocks, offered: Callable[[], Values], elsewhere: Sequence[Any]) -> None:
        """Register the events; ``offered`` returns the new choices of the lists of sets ``elsewhere``."""
        events = [
            *self.incoming.connect(self.view, lambda brought: self.show(brought.key)),
            *self.review.connect(self.view, self.show),
            on(self.keep.click, self.describe, [self.chosen, self.title, self.species], self.view),
            on(self.delete.click, self.throw, [self.chosen, self.sure], self.view),
        ]
        on(self.shared.input, self.share, [self.chosen, self.shared], self.shared)
        on(self.chosen.input, self.show, self.chosen, self.view, trigger_mode=EVERY_PRESS)
        options: dict[str, Any] = {"by_page": True, "concurrency_limit": None}
        for event in events:
            on(event.then, offered, None, elsewhere, **options)
        on(
            page.load, lambda: {self.chosen: gr.Dropdown(_choices()), **offered()}, None, [self.chosen, *elsewhere],
            **options,
        )  # fmt: skip

    def show(self, key: str | None, at: Sequence[Any] = FIRST) -> Values:
        """Return the values of all widgets for a set, or for a new one."""
        found = seen_set(key) if key else None
        manifest, problem = _read(found)
        return {
            self.chosen: gr.Dropdown(_choices(), value=key or NEW),
            self.incoming.naming: gr.Row(visible=found is None),
            self.summary: problem or (summary_html(manifest) if manifest else sentence(NOTHING_YET, kind="waits")),
            self.about: gr.Accordion(visible=found is not None and may_change(found.folder, current_visitor())),
            self.title: manifest.name if manifest else "",
            self.species: manifest.species if manifest else "",
            self.shared: share_switch(found.folder if found else None),
            self.sure: False,
            **self.review.show(found if manifest and manifest.pictures else None, at),
        }

    def describe(self, key: str | None, title: str, species: str) -> Values:
        """Rename the set or change its species."""
        describe_set(own_set(key), name=title, species=species)
        return self.show(key)

    def share(self, key: str | None, shared: bool) -> Values:
        """Share the set with everyone, or stop sharing it."""
        found = own_set(key)
        share(found.folder, current_visitor(), shared=bool(shared))
        return {self.shared: share_switch(found.folder)}

    def throw(self, key: str | None, sure: bool) -> Values:
        """Delete the set, if the visitor has confirmed it."""
        if not sure:
            raise PictureError("Tick “Yes, delete all of its pictures for good” first: there is no way back.")
        delete_set(own_set(key))
        return self.show(NEW)


def key_to_train(key: str | None) -> str:
    """Return the key under which Train offers a set. Raises PictureError if there is none."""
    return saved_key(seen_set(key))


def summary_html(manifest: Manifest) -> str:
    """Return a set's counts as bars, its facts and its findings."""
    counts = manifest.counts()
    most = max(counts.values())
    told = "".join(f"<li>{html.escape(each)}</li>" for each in findings(manifest))
    when = time.strftime("%d.%m.%Y %H:%M", time.localtime(manifest.created))
    whom = f"{manifest.species}, " if manifest.species else ""
    classes = f"{len(counts)} class{'' if len(counts) == 1 else 'es'}"
    facts = f"{whom}{count(len(manifest.pictures), 'picture')} in {classes}, brought {when} ({manifest.source})"
    return (
        f'<div class="set-summary"><h2>{html.escape(manifest.name)}</h2><p class="note">{html.escape(facts)}</p>'
        + bars((label, number / most, f"{number:,}") for label, number in counts.items())
        + (f'<ul class="set-findings">{told}</ul>' if told else "")
        + _left_out(manifest.skipped)
        + sentence(alias_offer(counts, how=ALIASES_BUTTON))
        + "</div>"
    )


def _left_out(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    rows = "".join(
        f"<li><b>{html.escape(shown(each.original))}</b> {html.escape(each.reason)}</li>"
        for each in skipped[:MOST_TOLD]
    )
    more = f"<li>{count(len(skipped) - MOST_TOLD, 'more file')}</li>" if len(skipped) > MOST_TOLD else ""
    return f"<details><summary>What was left out ({len(skipped):,})</summary><ul>{rows}{more}</ul></details>"


def _choices() -> list[tuple[str, str]]:
    return [(NEW_TITLE, NEW), *((title_of(found), found.key) for found in visible_sets())]


def _read(found: SavedSet | None) -> tuple[Manifest | None, str]:
    """Return a set's manifest, or the sentence that says why it cannot be read."""
    try:
        return (found.manifest if found else None), ""
    except PictureError as error:
        return None, sentence(str(error), kind="problem")
