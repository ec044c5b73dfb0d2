"""The Runs tab: one run looked at closely. What it was, what it got wrong, and what may be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.errors import RunError
from emotion.core.events import without_void
from emotion.data.drawn import is_drawn
from emotion.runs.curves import reading
from emotion.runs.folder import take_back, throw_away
from emotion.runs.run import MAX_NOTE, MAX_TITLE, About
from emotion.runs.validation import load_validation
from emotion.server.services import Services
from emotion.ui.guard import guarded
from emotion.ui.handing_on import HandingOn
from emotion.ui.handlers import EVERY_PRESS, QUIET, offered
from emotion.ui.news import News
from emotion.ui.pushing import Pushing
from emotion.ui.run_board import RunBoard
from emotion.ui.run_report import (
    cell_html,
    command_html,
    confusion_html,
    facts_html,
    most_wrong_html,
    settings_html,
    shown_config,
)
from emotion.ui.sharing import Sharing
from emotion.ui.status import drawn_note, sentence, status_line
from emotion.ui.watching import watch

NO_RUNS = "No runs yet: train one in the Train tab, and it can be looked at here."
# One after the other, so that news of the run that was open never comes after the run that a visitor has opened.
TURN = "run-page"
IN_TURN = {**QUIET, "concurrency_id": TURN}
# The open run's name, how far it is, what a person calls it, and the list of runs.
Signature = tuple[str, str, str, str]


class RunTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard, news: News) -> None:
        self.services = services
        self.board = board
        # What is open, as the server knows it: the page's own list may have been asked before a row was pressed.
        self.seen = gr.State(("", "", "", ""))
        self.thrown = gr.State("")
        self.empty = gr.HTML(sentence(NO_RUNS, kind="waits"), elem_id="run-waits", apply_default_css=False)
        self._build_head()
        with gr.Column(visible=False) as self.body:
            self._build_body()
        self.view: list[Any] = [
            self.seen, self.run, self.empty, self.body, self.state, self.title, self.note, self.facts,
            self.command, self.settings, self.confusion, self.cell, self.wrong, self.keep, self.delete,
            self.sharing.switch,
        ]  # fmt: skip
        self._connect()
        news.tell(lambda *given: dict(zip(self.view, self.refresh(*given), strict=True)), [self.seen], self.view)

    def _build_head(self) -> None:
        with gr.Row(elem_classes="controls"):
            self.run = gr.Dropdown([], label="Run", elem_id="run-choice", interactive=True, scale=3, min_width=260)
        with gr.Row(visible=False, elem_classes="undo", elem_id="undo-row") as self.undo_row:
            self.undone = gr.HTML("", apply_default_css=False)
            self.undo = gr.Button("Undo", elem_id="undo", scale=0, min_width=120)

    def _build_body(self) -> None:
        self.state = gr.HTML("", elem_id="run-state", apply_default_css=False)
        with gr.Row(elem_classes="actions"):
            self.again = gr.Button("Use these settings again", variant="primary", elem_id="again", min_width=180)
            self.watch = gr.Button("Show curves", elem_id="show-curves", min_width=120)
            self.delete = gr.Button("Delete", variant="stop", elem_id="delete", min_width=120)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=3, min_width=320):
                gr.HTML('<h2 class="section-title">Validation</h2>', apply_default_css=False)
                self.confusion = gr.HTML("", elem_id="confusion", js_on_load=_CELL_CLICK, apply_default_css=False)
                self.cell = gr.HTML("", elem_id="confusion-cell", apply_default_css=False)
                self.wrong = gr.HTML("", elem_id="most-wrong", apply_default_css=False)
            with gr.Column(scale=2, min_width=320):
                self.facts = gr.HTML("", elem_id="run-facts", apply_default_css=False)
                self.title = gr.Textbox(
                    label="Name", placeholder="A name of your own", max_length=MAX_TITLE, elem_id="title"
                )
                self.note = gr.Textbox(label="Note", lines=3, max_length=MAX_NOTE, elem_id="note")
                self.keep = gr.Button("Save name and note", elem_id="keep", size="md")
                self.sharing = Sharing(self.board, self.run)
                self.handing_on = HandingOn(self.board, self.run)
                self.pushing = Pushing(self.services, self.board, self.run)
                self.command = gr.HTML("", elem_id="command", js_on_load=_COPY, apply_default_css=False)
                self.settings = gr.HTML("", elem_id="run-settings", apply_default_css=False)

    def _connect(self) -> None:
        self.run.input(guarded(self.show), self.run, self.view, trigger_mode=EVERY_PRESS, **IN_TURN)
        self.keep.click(guarded(self.describe), [self.run, self.title, self.note], self.view, **IN_TURN)
        self.confusion.click(guarded(self.open_cell), self.run, self.cell, trigger_mode=EVERY_PRESS, **IN_TURN)
        undo = [self.thrown, self.undo_row, self.undone]
        self.delete.click(guarded(self.throw), self.run, [*undo, *self.view], **IN_TURN)
        self.undo.click(guarded(self.take), self.thrown, [*undo, *self.view], **IN_TURN)

    def refresh(self, seen: Signature) -> list[Any]:
        """Show the open run anew where something of it, or the list of runs, has changed."""
        # What is sent again would close a list and overwrite a note under the hand of whoever writes it.
        name, progress, about, _ = seen
        signature = self._signature(name)
        if signature == seen:
            return [gr.skip()] * len(self.view)
        if name and signature[1:3] == (progress, about):
            choices = [(each.title, each.run.name) for each in self.board.summaries()]
            return [signature, offered(choices, chosen=name, value=name)] + [gr.skip()] * (len(self.view) - 2)
        values = self.show(name)
        if name and signature[2] == about:
            for widget in (self.title, self.note):
                values[self.view.index(widget)] = gr.skip()
        return values

    def show(self, name: str | None) -> list[Any]:
        """Return what every widget shows of a run; of the newest one where there is none of that name."""
        summaries = self.board.summaries()
        chosen = next((each for each in summaries if each.run.name == name), next(iter(summaries), None))
        choices = [(each.title, each.run.name) for each in summaries]
        if chosen is None:
            return [
                self._signature(""),
                gr.Dropdown([], value=None),
                gr.HTML(visible=True),
                gr.Column(visible=False),
            ] + [gr.skip()] * (len(self.view) - 4)
        run, config, about = chosen.run, chosen.config, chosen.about
        events, folder = without_void(run.events()), Path(config.pictures)
        try:
            validation = load_validation(run)
            confusion, wrong = confusion_html(validation), most_wrong_html(validation, folder)
        except RunError as error:
            confusion, wrong = sentence(str(error), kind="problem"), ""
        return [
            self._signature(run.name),
            gr.Dropdown(choices, value=run.name),
            gr.HTML(visible=False),
            gr.Column(visible=True),
            status_line(watch(run, is_live=False)) + sentence(reading(events)) + drawn_note(shown=is_drawn(folder)),
            about.title,
            about.note,
            facts_html(run, events),
            command_html(shown_config(config)),
            settings_html(shown_config(config), run.record().get("versions", {})),
            confusion,
            "",
            wrong,
            *[gr.Button(interactive=not run.guest)] * 2,
            self.sharing.of(run),
        ]

    def open_row(self, event: gr.EventData) -> list[Any]:
        """Open the run whose row in the table was pressed."""
        return [gr.Tabs(selected="runs"), *self.show(str(event._data.get("run")))]

    def describe(self, name: str | None, title: str, note: str) -> list[Any]:
        """Keep a name and a note."""
        run = self.board.find(name)
        run.describe(About(title=title.strip(), note=note.strip()))
        return self.show(run.name)

    def open_cell(self, name: str | None, event: gr.EventData) -> str:
        """Show the pictures of the cell of the confusion matrix that was pressed."""
        run = self.board.find(name)
        validation = load_validation(run)
        label, said = event._data.get("label"), event._data.get("said")
        if validation is None or label not in validation.classes or said not in validation.classes:
            raise RunError("That cell is gone: choose the run again.")
        return cell_html(validation, Path(run.config().pictures), label=label, said=said)

    def throw(self, name: str | None) -> list[Any]:
        """Delete the run, and offer to take it back."""
        run = self.board.find(name)
        throw_away(run)
        said = sentence(f"{run.name} is deleted; for a week it can be taken back from the folder .trash.")
        return [run.name, gr.Row(visible=True), said, *self.show(None)]

    def take(self, name: str) -> list[Any]:
        """Take back the run that was deleted last."""
        run = take_back(name, root=self.services.runs_folder, visitor=self.board.visitor())
        return ["", gr.Row(visible=False), "", *self.show(run.name)]

    def _signature(self, name: str) -> Signature:
        summaries = self.board.summaries()
        of_run = [each for each in summaries if each.run.name == name]
        progress, about = [(each.status, each.best) for each in of_run], [each.about for each in of_run]
        return name, repr(progress), repr(about), repr([(each.run.name, each.title) for each in summaries])


_CELL_CLICK = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-label]');
    if (button) trigger('click', {label: button.dataset.label, said: button.dataset.said});
});
"""
_COPY = """
element.addEventListener('click', async (event) => {
    const button = event.target.closest('button');
    const command = element.querySelector('pre');
    if (!button || !command) return;
    // Without https a page may not write to the clipboard: then the text is selected, to be copied by hand.
    getSelection().selectAllChildren(command);
    await navigator.clipboard?.writeText(command.innerText);
    button.textContent = navigator.clipboard ? 'Copied' : 'Selected';
});
"""
