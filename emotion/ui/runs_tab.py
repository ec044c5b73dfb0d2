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
# The table's columns: settings, of which those in which the runs differ are shown, and what came out. Widths are in
# pixels: Gradio breaks a header that is too narrow within a word.
CHOSEN = {"pictures": "Pictures", "backbone": "Backbone", **{name: each.label for name, each in SETTINGS.items()}}
FOUND = {"Status": 105, "Accuracy": 125, "Loss": 85, "Time": 100, "Note": 230, "Folder": 260}
TITLE_WIDTH, SETTING_WIDTH = 230, 125
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
        # What the table and the open run show, as texts; the run deleted last; whether the visitor opened a row: until
        # then the open run is the run in use.
        self.open, self.seen = gr.State(""), gr.State(("", ""))
        self.thrown, self.is_picked = gr.State(""), gr.State(False)
        self.empty = slot("runs-wait", sentence(NO_RUNS, kind="waits"))
        self.table = gr.Dataframe(
            visible=False, interactive=False, label="All runs", show_label=False, elem_id="runs-table",
            show_search="search", pinned_columns=1, max_height=330, buttons=[], max_chars=80, wrap=True,
        )  # fmt: skip
        with gr.Row(visible=False, elem_classes="undo") as self.undo_row:
            self.undone = slot("undone")
            self.undo = gr.Button("Undo", scale=0, min_width=120)
        self.handing_on = HandingOn(services, board, self.open)
        with gr.Column(visible=False) as self.body:
            self._build_body()
        self.view = [*widgets(self), self.handing_on.switch]
        self._connect(chosen)
        news.tell(self._refresh, [self.open, self.seen, chosen.run], self.view)

    def _build_body(self) -> None:
        self.state = slot("run-state")
        with gr.Row(elem_classes="actions"):
            self.use = gr.Button("Use this run", variant="primary", min_width=130)
            self.again = gr.Button("Use these settings again", min_width=230)
            self.watch = gr.Button("Show curves", min_width=120)
            self.handing_on.build_pack()
            self.delete = gr.Button("Delete", variant="stop", min_width=100)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=3, min_width=300):
                self.confusion = slot("confusion", script=CELL_CLICK)
                self.cell, self.wrong = slot("confusion-cell"), slot("most-wrong")
            with gr.Column(scale=2, min_width=300):
                self.facts = slot("run-facts")
                self.command = gr.Textbox(label="The same on the command line", interactive=False, lines=2)
                with gr.Accordion("Name and note", open=False):
                    self.title = gr.Textbox(label="Name", max_length=MAX_TITLE)
                    self.note = gr.Textbox(label="Note", lines=3, max_length=MAX_NOTE)
                    self.keep = gr.Button("Save name and note", size="md")
                self.handing_on.build_share()
                self.handing_on.build_push()

    def _connect(self, chosen: Chosen) -> None:
        on(self.table.select, self._open_row, None, self.view, **IN_TURN)
        on(self.keep.click, self._describe, [self.open, self.title, self.note], self.view, **IN_TURN)
        on(self.confusion.click, self._open_cell, self.open, self.cell, **IN_TURN)
        on(self.delete.click, self._throw, self.open, self.view, **IN_TURN)
        on(self.undo.click, self._take_back, self.thrown, self.view, **IN_TURN)
        on(self.use.click, chosen.use, self.open, [chosen.run, chosen.picked])
        chosen.when_changed(self._follow, [self.is_picked, self.open], self.view)

    def _refresh(self, name: str, seen: Sequence[str], in_use: str | None) -> Values:
        """Show what has changed; the open run's name and note stay, since a person may be writing there."""
        listed, opened = self._signatures(name)
        told = {} if listed == seen[0] else {**self._table(), self.seen: (listed, opened)}
        if opened != seen[1] or not name:
            told |= self._show(name or in_use)
            if told[self.open] == name:
                told = {widget: value for widget, value in told.items() if widget not in (self.title, self.note)}
        return told

    def _show(self, name: str | None) -> Values:
        """Return the values of all widgets for a run; the newest one if the name is unknown."""
        summaries = self.board.summaries()
        opened = next((each for each in summaries if each.run.name == name), next(iter(summaries), None))
        told = {**self._table(), self.body: gr.Column(visible=opened is not None)}
        if opened is None:
            return {**told, self.open: "", self.seen: self._signatures("")}
        run, config, folder = opened.run, opened.config, Path(opened.config.pictures)
        events = self.board.events(run)
        try:
            validation = load_validation(run)
            confusion, wrong = confusion_html(validation), most_wrong_html(validation, folder)
        except RunError as error:
            confusion, wrong = sentence(str(error), kind="problem"), ""
        head = f'<h2 class="run-title">{html.escape(opened.title)}{drawn_badge(shown=is_drawn(folder))}</h2>'
        state = sentence(opened.about.note) + status_html(opened, events, name=run.name) + sentence(reading(events))
        return {
            **told,
            self.open: run.name,
            self.seen: self._signatures(run.name),
            self.state: head + state,
            self.use: gr.Button(interactive=any(each.run == run for each in self.board.usable())),
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

    def _follow(self, name: str | None, is_picked: bool, opened: str) -> Values:
        """Open the run now in use, unless it is open or the visitor has picked another one."""
        return self._show(name) if name and name != opened and not is_picked else {}

    def _open_row(self, event: gr.SelectData) -> Values:
        """Open the run whose row was pressed, by its folder in the last cell."""
        name = str(event.row_value[-1])
        if why := self.board.unreadable().get(name):
            raise RunError(f"{name} cannot be read: {why}.")
        return {**self._show(self.board.find(name).name), self.is_picked: True}

    def _describe(self, name: str | None, title: str, note: str) -> Values:
        run = self.board.find(name)
        run.describe(About(title=title.strip(), note=note.strip()))
        return self._show(run.name)

    def _open_cell(self, name: str | None, event: gr.EventData) -> Values:
        run = self.board.find(name)
        validation = load_validation(run)
        label, said = event._data.get("label"), event._data.get("said")
        if validation is None or label not in validation.classes or said not in validation.classes:
            raise RunError("That cell is gone: choose the run again.")
        return {self.cell: cell_html(validation, Path(run.config().pictures), label=label, said=said)}

    def _throw(self, name: str | None) -> Values:
        run = self.board.find(name)
        throw_away(run)
        said = sentence(f"{run.name} is deleted; for a week it can be taken back from the folder .trash.")
        return {**self._show(None), self.thrown: run.name, self.undo_row: gr.Row(visible=True), self.undone: said}

    def _take_back(self, name: str) -> Values:
        run = take_back(name, root=self.services.runs_folder, visitor=self.board.visitor())
        return {**self._show(run.name), self.undo_row: gr.Row(visible=False)}

    def _table(self) -> Values:
        """Return the table: a run's title, the settings in which the runs differ, what came out, and its folder."""
        summaries = self.board.summaries()
        differing = [name for name in CHOSEN if len({_setting(each, name) for each in summaries}) > 1]
        rows = [[each.title, *(_setting(each, name) for name in differing), *_found(each)] for each in summaries]
        for name, why in self.board.unreadable().items():
            said = public_words(f"cannot be read: {why}")
            rows.append([name, *[""] * len(differing), said, "", "", "", "", name])
        headers = ["Run", *(CHOSEN[name] for name in differing), *FOUND]
        widths: list[str | int] = [TITLE_WIDTH, *[SETTING_WIDTH] * len(differing), *FOUND.values()]
        table = gr.Dataframe({"headers": headers, "data": rows}, visible=bool(rows), column_widths=widths)
        return {self.empty: gr.HTML(visible=not rows), self.table: table}

    def _signatures(self, name: str) -> tuple[str, str]:
        """Return texts that change with the table, and with what is said of a run."""
        told = {each.run.name: (each.title, each.about, each.status, each.best) for each in self.board.summaries()}
        return repr((told, self.board.unreadable())), repr(told.get(name))


def _setting(each: RunSummary, name: str) -> str:
    if name == "pictures":
        return trained_on(each.config.pictures)
    if name == "backbone":
        return Path(each.config.backbone).name
    value = getattr(each.config, name)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _found(each: RunSummary) -> list[str]:
    accuracy, loss = (percent(each.best.accuracy), f"{each.best.loss:.3f}") if each.best else ("–", "–")
    time = duration(each.seconds) if each.seconds else "–"
    return [each.status, accuracy, loss, time, each.about.note, each.run.name]
