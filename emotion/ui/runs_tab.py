"""The Runs tab: a table of all runs, and the open run with its mistakes, actions and settings."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.config import SETTINGS, command_line
from emotion.core.errors import RunError
from emotion.core.format import duration, percent
from emotion.data.drawn import is_drawn
from emotion.runs.curves import reading
from emotion.runs.folder import take_back, throw_away
from emotion.runs.run import MAX_NOTE, MAX_TITLE, About
from emotion.runs.validation import load_validation
from emotion.server.services import Services
from emotion.ui.chosen import Chosen
from emotion.ui.events import EVERY_PRESS, Values, on, widgets
from emotion.ui.handing_on import HandingOn, share_switch
from emotion.ui.html import drawn_badge, sentence, slot
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard, RunSummary, trained_on
from emotion.ui.run_report import cell_html, confusion_html, facts_html, most_wrong_html, shown_config, status_html
from emotion.ui.words import public_words

NO_RUNS = "No runs yet. Each training is kept here, also those started from the command line."
# Column widths in pixels: Gradio breaks a header that is too narrow within a word.
WIDTHS = {"Run": "230px", "Status": "105px", "Loss": "85px", "Time": "100px", "Note": "230px", "Folder": "260px"}
OTHER_WIDTH = "125px"
# One at a time, so that an answer never arrives after a later one.
IN_TURN: dict[str, Any] = {"concurrency_id": "run-page", "trigger_mode": EVERY_PRESS}
CELL_CLICK = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-label]');
    if (button) trigger('click', {label: button.dataset.label, said: button.dataset.said});
});
"""


class RunsTab:
    """The tab's widgets and their handlers; ``open`` is the name of the open run."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.services, self.board = services, board
        # Signatures of what is on screen: the table, the open run, and its name and note.
        self.open, self.seen, self.thrown = gr.State(""), gr.State(("", "", "")), gr.State("")
        # The open run is the run in use, until the visitor opens a row.
        self.is_picked = gr.State(False)
        self.empty = slot("runs-wait", sentence(NO_RUNS, kind="waits"))
        self.table = gr.Dataframe(
            visible=False, interactive=False, label="All runs", show_label=False, elem_id="runs-table",
            show_search="search", pinned_columns=1, max_height=330, buttons=[],
            max_chars=80, wrap=True,
        )  # fmt: skip
        with gr.Row(visible=False, elem_classes="undo", elem_id="undo-row") as self.undo_row:
            self.undone = slot("undone")
            self.undo = gr.Button("Undo", elem_id="undo", scale=0, min_width=120)
        self.handing_on = HandingOn(services, board, self.open)
        with gr.Column(visible=False) as self.body:
            self._build_body()
        self.view = [*widgets(self), self.handing_on.switch]
        self._connect(chosen)
        news.tell(self.refresh, [self.open, self.seen, chosen.run], self.view)

    def _build_body(self) -> None:
        self.state = slot("run-state")
        with gr.Row(elem_classes="actions"):
            self.use = gr.Button("Use this run", variant="primary", elem_id="use", min_width=130)
            self.again = gr.Button("Use these settings again", elem_id="again", min_width=230)
            self.watch = gr.Button("Show curves", elem_id="show-curves", min_width=120)
            self.handing_on.build_pack()
            self.delete = gr.Button("Delete", variant="stop", elem_id="delete", min_width=100)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=3, min_width=300):
                self.confusion = slot("confusion", script=CELL_CLICK)
                self.cell = slot("confusion-cell")
                self.wrong = slot("most-wrong")
            with gr.Column(scale=2, min_width=300):
                self.facts = slot("run-facts")
                self.command = gr.Textbox(
                    label="The same on the command line", interactive=False, lines=2, elem_id="command"
                )
                with gr.Accordion("Name and note", open=False, elem_id="about-run"):
                    self.title = gr.Textbox(label="Name", max_length=MAX_TITLE, elem_id="title")
                    self.note = gr.Textbox(label="Note", lines=3, max_length=MAX_NOTE, elem_id="note")
                    self.keep = gr.Button("Save name and note", elem_id="keep", size="md")
                self.handing_on.build_share()
                self.handing_on.build_push()

    def _connect(self, chosen: Chosen) -> None:
        on(self.table.select, self.open_row, None, self.view, **IN_TURN)
        on(self.keep.click, self.describe, [self.open, self.title, self.note], self.view, **IN_TURN)
        on(self.confusion.click, self.open_cell, self.open, self.cell, **IN_TURN)
        on(self.delete.click, self.throw, self.open, self.view, **IN_TURN)
        on(self.undo.click, self.take, self.thrown, self.view, **IN_TURN)
        on(self.use.click, chosen.use, self.open, [chosen.run, chosen.picked])
        chosen.when_changed(self.follow, [self.is_picked, self.open], self.view)

    def refresh(self, name: str, seen: Sequence[str], in_use: str | None) -> Values:
        """Show what has changed: the table, the open run, its name and note."""
        known = self._signature(name)
        if known == tuple(seen):
            return {}
        if name and known[1:] == tuple(seen)[1:]:
            return {**self._table(), self.seen: known}
        told = self.show(name or in_use)
        if name and known[2] == seen[2]:
            # Sending the note again would overwrite it while the visitor writes.
            told = {widget: value for widget, value in told.items() if widget not in (self.title, self.note)}
        return told

    def show(self, name: str | None) -> Values:
        """Return the values of all widgets for a run; the newest one if the name is unknown."""
        summaries = self.board.summaries()
        opened = next((each for each in summaries if each.run.name == name), next(iter(summaries), None))
        told = {**self._table(), self.body: gr.Column(visible=opened is not None)}
        if opened is None:
            return {**told, self.open: "", self.seen: self._signature("")}
        run, config, folder = opened.run, opened.config, Path(opened.config.pictures)
        events = self.board.events(run)
        try:
            validation = load_validation(run)
            confusion, wrong = confusion_html(validation), most_wrong_html(validation, folder)
        except RunError as error:
            confusion, wrong = sentence(str(error), kind="problem"), ""
        head = f'<h2 class="run-title">{html.escape(opened.title)}{drawn_badge(shown=is_drawn(folder))}</h2>'
        return {
            **told,
            self.open: run.name,
            self.seen: self._signature(run.name),
            self.state: head
            + sentence(opened.about.note)
            + status_html(opened, events, called=run.name)
            + sentence(reading(events)),
            self.use: gr.Button(interactive=any(each.run.name == run.name for each in self.board.usable())),
            self.delete: gr.Button(interactive=not run.guest),
            self.title: gr.Textbox(opened.about.title, placeholder=opened.name),
            self.note: opened.about.note,
            self.facts: facts_html(run, events),
            self.command: command_line(shown_config(config)),
            self.confusion: confusion,
            self.cell: "",
            self.wrong: wrong,
            self.handing_on.switch: share_switch(run.path),
        }

    def follow(self, name: str | None, is_picked: bool, opened: str) -> Values:
        """Open the run now in use, unless it is open or the visitor has picked another one."""
        return self.show(name) if name and name != opened and not is_picked else {}

    def open_row(self, event: gr.SelectData) -> Values:
        """Open the run whose row was pressed, by its folder in the last cell."""
        name = str(event.row_value[-1])
        if why := self.board.unreadable().get(name):
            raise RunError(f"{name} cannot be read: {why}.")
        return {**self.show(self.board.find(name).name), self.is_picked: True}

    def describe(self, name: str | None, title: str, note: str) -> Values:
        """Save a name and a note."""
        run = self.board.find(name)
        run.describe(About(title=title.strip(), note=note.strip()))
        return self.show(run.name)

    def open_cell(self, name: str | None, event: gr.EventData) -> Values:
        """Show the pictures of the pressed cell of the confusion matrix."""
        run = self.board.find(name)
        validation = load_validation(run)
        label, said = event._data.get("label"), event._data.get("said")
        if validation is None or label not in validation.classes or said not in validation.classes:
            raise RunError("That cell is gone: choose the run again.")
        return {self.cell: cell_html(validation, Path(run.config().pictures), label=label, said=said)}

    def throw(self, name: str | None) -> Values:
        """Delete the run, and offer to undo it."""
        run = self.board.find(name)
        throw_away(run)
        said = sentence(f"{run.name} is deleted; for a week it can be taken back from the folder .trash.")
        return {**self.show(None), self.thrown: run.name, self.undo_row: gr.Row(visible=True), self.undone: said}

    def take(self, name: str) -> Values:
        """Restore the run deleted last."""
        run = take_back(name, root=self.services.runs_folder, visitor=self.board.visitor())
        return {**self.show(run.name), self.thrown: "", self.undo_row: gr.Row(visible=False), self.undone: ""}

    def _table(self) -> Values:
        rows = table_of(self.board.summaries(), self.board.unreadable())
        is_there = bool(rows["data"])
        widths: list[str | int] = [WIDTHS.get(header, OTHER_WIDTH) for header in rows["headers"]]
        table = gr.Dataframe(rows, visible=is_there, column_widths=widths)
        return {self.empty: gr.HTML(visible=not is_there), self.table: table}

    def _signature(self, name: str) -> tuple[str, str, str]:
        summaries = self.board.summaries()
        listed = [(each.title, each.status, each.best, each.run.name) for each in summaries]
        opened = [(name, each.status, each.best) for each in summaries if each.run.name == name]
        about = [each.about for each in summaries if each.run.name == name]
        return repr((listed, self.board.unreadable())), repr(opened), repr(about)


def table_of(summaries: Sequence[RunSummary], unreadable: dict[str, str]) -> dict[str, Any]:
    """Return the table for ``gr.Dataframe``: the title, the settings in which the runs differ, the results."""
    settings = {"pictures": "Pictures", "backbone": "Backbone", **{name: each.label for name, each in SETTINGS.items()}}
    differing = [name for name in settings if len({_shown(each, name) for each in summaries}) > 1]
    headers = ["Run", *(settings[name] for name in differing), "Status", "Accuracy", "Loss", "Time", "Note", "Folder"]
    data = [[each.title, *(_shown(each, name) for name in differing), *_measured(each)] for each in summaries]
    for name, why in unreadable.items():
        data.append([name, *[""] * len(differing), public_words(f"cannot be read: {why}"), "", "", "", "", name])
    return {"headers": headers, "data": data}


def _measured(each: RunSummary) -> list[str]:
    accuracy, loss = (percent(each.best.accuracy), f"{each.best.loss:.3f}") if each.best else ("–", "–")
    time = duration(each.seconds) if each.seconds else "–"
    return [each.status, accuracy, loss, time, each.about.note, each.run.name]


def _shown(each: RunSummary, name: str) -> str:
    if name == "pictures":
        return trained_on(each.config.pictures)
    if name == "backbone":
        return Path(each.config.backbone).name
    value = getattr(each.config, name)
    return f"{value:g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)
