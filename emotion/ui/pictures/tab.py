"""The Pictures tab: one's own picture sets. What comes in is shown as it is kept, and can be put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from emotion.core.errors import PictureError
from emotion.core.owners import owner_of, share
from emotion.data.editing import describe_set
from emotion.data.importing import Brought
from emotion.data.sets import SavedSet, delete_set
from emotion.server.services import Services
from emotion.ui.guard import guarded
from emotion.ui.handing_on import LABEL
from emotion.ui.handlers import EVERY_PRESS, POLL, QUIET
from emotion.ui.picture_sets import saved_key
from emotion.ui.pictures.incoming import Incoming
from emotion.ui.pictures.mine import NEW, choices, is_own, own_set, seen_set
from emotion.ui.pictures.review import FIRST, Review
from emotion.ui.pictures.summary import NOTHING_YET, summary_html
from emotion.ui.status import sentence
from emotion.ui.visitor import current_visitor

Answer = dict[Any, Any]
SHARED_INFO = "Others see these pictures, and may train on them and compare with them."


class PicturesTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services) -> None:
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.chosen = gr.Dropdown(choices(), value=NEW, label="Picture set", elem_id="own-set")
                self.incoming = Incoming(services, self.chosen)
                self._build_about()
            with gr.Column(scale=3, min_width=320):
                self.summary = gr.HTML(sentence(NOTHING_YET, kind="waits"), elem_id="summary", apply_default_css=False)
                self.review = Review(services, self.chosen)
        self.view: list[Any] = [
            self.chosen, self.incoming.naming, self.summary, self.about, self.title, self.species, self.shared,
            self.sure,
            *self.review.view,
        ]  # fmt: skip

    def _build_about(self) -> None:
        with gr.Accordion("Rename or delete this set", open=False, visible=False, elem_id="about-set") as self.about:
            self.title = gr.Textbox(label="Name", max_length=60, elem_id="set-title")
            self.species = gr.Textbox(label="Whom it shows", max_length=40, elem_id="set-species-now")
            self.keep = gr.Button("Save name and species", elem_id="describe-set", size="md")
            self.shared = gr.Checkbox(label=LABEL, info=SHARED_INFO, visible=False, elem_id="share-set")
            self.sure = gr.Checkbox(label="Yes, delete all of its pictures for good", value=False, elem_id="sure-set")
            self.delete = gr.Button("Delete this set", variant="stop", elem_id="delete-set", size="md")

    def connect(self, page: gr.Blocks, refresh: Any, elsewhere: Sequence[Any]) -> None:
        """Register the events; ``refresh`` gives the tabs that offer sets, ``elsewhere``, their new choices."""
        events = [
            *self.incoming.connect(self.view, self.finish),
            *self.review.connect(self.view, self.show),
            self.keep.click(guarded(self.describe), [self.chosen, self.title, self.species], self.view, **QUIET),
            self.delete.click(guarded(self.throw), [self.chosen, self.sure], self.view, **QUIET),
        ]
        self.shared.input(guarded(self.share), [self.chosen, self.shared], self.shared, **QUIET)
        self.chosen.input(guarded(self.show), self.chosen, self.view, trigger_mode=EVERY_PRESS, **QUIET)
        for event in events:
            event.then(guarded(refresh), None, elsewhere, **POLL)
        page.load(guarded(lambda: [gr.Dropdown(choices()), *refresh()]), None, [self.chosen, *elsewhere], **POLL)

    def finish(self, brought: Brought) -> Answer:
        """Return what the tab shows once pictures have come into a set."""
        return self.show(brought.key)

    def show(self, key: str | None, at: Sequence[Any] = FIRST) -> Answer:
        """Return what every widget shows of a set; of none for a new one."""
        found = None if not key else seen_set(key)
        whole = found if found and _is_whole(found) else None
        return {
            self.chosen: gr.Dropdown(choices(), value=key or NEW),
            self.incoming.naming: gr.Row(visible=found is None),
            self.summary: _summary(found),
            self.about: gr.Accordion(visible=found is not None and is_own(found)),
            self.title: whole.manifest.name if whole else "",
            self.species: whole.manifest.species if whole else "",
            self.shared: _shared(found),
            self.sure: False,
            **self.review.show(whole, at),
        }

    def describe(self, key: str | None, title: str, species: str) -> Answer:
        """Call the set otherwise."""
        describe_set(own_set(key), name=title, species=species)
        return self.show(key)

    def share(self, key: str | None, shared: bool) -> Any:
        """Open the set to everybody, or close it again."""
        found = own_set(key)
        share(found.folder, current_visitor(), shared=bool(shared))
        return _shared(found)

    def throw(self, key: str | None, sure: bool) -> Answer:
        """Delete the set, if the visitor is sure."""
        if not sure:
            raise PictureError("Tick “Yes, delete all of its pictures for good” first: there is no way back.")
        delete_set(own_set(key))
        return self.show(NEW)


def key_to_train(key: str | None) -> str:
    """Return the key under which Train offers a set. Raises PictureError where there is none."""
    return saved_key(seen_set(key))


def _shared(found: SavedSet | None) -> Any:
    """Return how the switch stands for a set: hidden where there is nobody to share with."""
    if found is None:
        return gr.Checkbox(visible=False)
    owner = owner_of(found.folder)
    return gr.Checkbox(value=owner.shared, visible=bool(owner.owner) and owner.owner == current_visitor())


def _summary(found: SavedSet | None) -> str:
    if found is None:
        return sentence(NOTHING_YET, kind="waits")
    try:
        return summary_html(found.manifest)
    except PictureError as error:
        return sentence(str(error), kind="problem")


def _is_whole(found: SavedSet) -> bool:
    try:
        return bool(found.manifest.pictures)
    except PictureError:
        return False
