"""The Train tab: settings, Start and Stop, live charts of loss and accuracy, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from emotion.analysis.blocks import Gallery, Shown
from emotion.core.errors import EmotionError
from emotion.core.events import Event
from emotion.core.format import count
from emotion.core.labels import alias_offer, colour_of
from emotion.core.owners import OF_THE_SERVER
from emotion.data.drawn import is_drawn
from emotion.data.folders import list_folder
from emotion.runs.curves import reading
from emotion.runs.run import Run
from emotion.runs.sweep import PlannedRun, plan_sweep
from emotion.server.services import Services
from emotion.ui.charts import chart
from emotion.ui.events import BROWSER_SECRET, Values, on, widgets
from emotion.ui.html import data_uris, drawn_badge, sentence, slot
from emotion.ui.news import News
from emotion.ui.picture_sets import NO_SETS, find_set, list_picture_sets
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard, RunSummary
from emotion.ui.run_report import in_hand, is_going, place_in, replay_of, runs_of, status_html, sweep_blocks
from emotion.ui.settings import Settings, reading_cost
from emotion.ui.training_curves import HEIGHT, WAITING, legend_html, training_chart
from emotion.ui.words import ENDED

CAN_RESUME = ("stopped", "failed", "interrupted")
SIDE = 132


@dataclass(frozen=True)
class Watched:
    """The run on screen, by its name, and whether it was started here; of a sweep, each run is followed in turn.

    ``offered`` are the runs that may be laid over it, as a text that tells whether they have changed.
    """

    run: str = ""
    is_live: bool = False
    offered: str = ""


class TrainTab:
    """The tab's widgets and their handlers."""

    def __init__(self, services: Services, board: RunBoard, news: News) -> None:
        self.services, self.board = services, board
        self.watched = gr.State(Watched())
        self.remembered = gr.BrowserState(None, storage_key="emotion", secret=BROWSER_SECRET)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                self._build_choice()
            with gr.Column(scale=3, min_width=300):
                self._build_result()
        self.view = widgets(self)
        self._connect()
        news.tell(self._refresh, [self.watched, self.over, self.remembered], self.view)

    def _build_choice(self) -> None:
        self.settings = Settings()
        self.pictures = self.settings.pictures
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Start", variant="primary", elem_id="start", min_width=110)
            self.stop = gr.Button("Stop", variant="stop", min_width=110, interactive=False)
            self.resume = gr.Button("Resume", min_width=110, visible=False)
        self.cost = slot("reading-cost", reading_cost("head", "zoom"))
        self.settings.build_more()
        # Last, so that Start is visible without scrolling.
        self.preview = slot("preview", preview_of(self.pictures.value))

    def _build_result(self) -> None:
        self.status = slot("status", status_html(None, []))
        with gr.Row(visible=False, elem_classes="actions") as self.next:
            self.try_it = gr.Button("Try a picture", min_width=140)
            self.compare = gr.Button("Compare with dogs", min_width=140)
        self.legend = slot("curves-legend")
        self.loss = chart(HEIGHT, label="Loss", name="loss-chart", says=WAITING)
        self.accuracy = chart(HEIGHT, label="Accuracy", name="accuracy-chart", says=WAITING)
        self.over = gr.Dropdown([], multiselect=True, label="Lay other runs over it", interactive=True)
        self.sweep = slot("sweep")

    def _connect(self) -> None:
        of, seen = self.settings.widgets, [self.watched, self.over]
        set_is, cost_is = [self.pictures, of["use_aliases"]], [of["depth"], of["augmentation"]]
        on([each.change for each in set_is], lambda *now: {self.preview: preview_of(*now)}, set_is, self.preview)
        costly = [each.change for each in cost_is]
        on(costly, lambda *now: {self.cost: reading_cost(*now)}, cost_is, self.cost, by_page=True)
        asked = [self.pictures, *self.settings.several, *self.settings.inputs]
        on(self.start.click, self._begin, asked, self.view, concurrency_id="start")
        on(self.stop.click, self._end, seen, self.view)
        on(self.resume.click, self._go_on, seen, self.view, concurrency_id="start")
        on(self.over.input, self._show, seen, self.view)

    def _begin(self, pictures: str | None, several: bool, setting: str, values: str, *settings: Any) -> Values:
        """Start and watch a training with the settings on screen, or one for each of several values."""
        config = self.settings.read(settings, pictures=str(find_set(pictures, sets=list_picture_sets()).folder))
        if not several:
            return self.follow(self.services.start_training(config), is_live=True)
        return self.follow(self._start_all(plan_sweep(config, setting=setting, values=values or "")), is_live=True)

    def _start_all(self, planned: Sequence[PlannedRun]) -> Run:
        """Start every training of a sweep, or none, say on a full disk; return the first."""
        started: list[Run] = []
        try:
            for each in planned:
                started.append(self.services.start_training(each.config, sweep=each.member))
        except EmotionError:
            for run in reversed(started):
                run.request_stop()
            raise
        return started[0]

    def _end(self, seen: Watched, over: Sequence[str]) -> Values:
        current, sweep = self._current(seen)
        # The last one first: otherwise stopping the current run would start the next one.
        for each in reversed((sweep or [current]) if current else []):
            if each.status not in ENDED:
                each.run.request_stop()
        return self._show(seen, over)

    def _go_on(self, seen: Watched, over: Sequence[str]) -> Values:
        if current := self._current(seen)[0]:
            self.services.resume_training(current.run)
        return self._show(seen, over)

    def _refresh(self, seen: Watched, over: Sequence[str], remembered: str | None) -> Values:
        """Show news of the watched run; if there is none, choose a run to watch."""
        if self._current(seen)[0] is None and (found := self._found(remembered)):
            return self.follow(found, is_live=False)
        told, choices = self._show(seen, over), self._choices()
        if repr(choices) != seen.offered:
            # Sent only if changed: a list that is sent again closes while the visitor has it open.
            told |= {self.over: gr.Dropdown(choices), self.watched: replace(told[self.watched], offered=repr(choices))}
        return told

    def follow(self, run: Run, *, is_live: bool) -> Values:
        """Watch a run, with the other runs of its sweep, and return the values of all widgets."""
        seen = Watched(run.name, is_live)
        names = [each.run.name for each in self._current(seen)[1]]
        over = gr.Dropdown(self._choices(), value=names)
        return {**self._show(seen, names), self.over: over, self.remembered: run.name}

    def _show(self, seen: Watched, over: Sequence[str] | None) -> Values:
        """Return the values of the widgets for the watched run, with others overlaid."""
        current, sweep = self._current(seen)
        events = self.board.events(current.run) if current else []
        status, is_own = (current.status, not current.run.guest) if current else ("", False)
        sweep_goes_on, is_over = is_going(sweep), current is None or status in ENDED
        place = self.services.queue.place(current.run) if current and status == "queued" else None
        title, name = (current.title, current.run.name) if current else ("", seen.run)
        said = status_html(current, events, name=title, before=place_in(sweep), place=place)
        said += sentence(reading(events)) if is_over else ""
        said += drawn_badge(shown=current is not None and is_drawn(current.config.pictures))
        begins, is_done = is_over and not sweep_goes_on, status == "finished" and not sweep_goes_on
        others = self._others(current, over or [])
        drawn: dict[str, Any] = {"others": others, "name": name, "replay": replay_of(events) if seen.is_live else ""}
        return {
            self.watched: replace(seen, run=name),
            self.status: said,
            self.start: gr.Button("Start" if begins else "Queue another", variant="primary" if begins else "secondary"),
            self.stop: gr.Button(
                "Stop all" if sweep_goes_on else "Stop",
                interactive=is_own and (sweep_goes_on or status in ("queued", "running")),
            ),
            self.resume: gr.Button(visible=is_own and status in CAN_RESUME),
            self.next: gr.Row(visible=is_done),
            self.sweep: rendered(sweep_blocks(sweep), name="sweep"),
            self.legend: legend_html(others),
            self.loss: training_chart(events, "loss", **drawn),
            self.accuracy: training_chart(events, "accuracy", **drawn),
        }

    def _current(self, seen: Watched) -> tuple[RunSummary | None, list[RunSummary]]:
        """Return the watched run, of a sweep the one in hand, and its sweep; None if it is gone or no longer shared."""
        everything = self.board.summaries()
        found = next((each for each in everything if each.run.name == seen.run), None)
        sweep = runs_of(everything, found.sweep.id) if found and found.sweep else []
        return in_hand(sweep) if sweep else found, sweep

    def _others(self, watched: RunSummary | None, over: Sequence[str]) -> Mapping[str, Sequence[Event]]:
        """Return the curves of the overlaid runs by title; a run of the watched sweep is called by its value."""
        others = [each for each in self.board.summaries() if each.run.name in over]
        others.sort(key=lambda each: (each.sweep.place if each.sweep else 0, each.run.name))
        of = watched.sweep.id if watched and watched.sweep else ""
        return {
            each.sweep.title if each.sweep and each.sweep.id == of else each.title: each.curve
            for each in others
            if watched is None or each.run != watched.run
        }

    def _choices(self) -> list[tuple[str, str]]:
        return [(each.title, each.run.name) for each in self.board.summaries()]

    def _found(self, name: str | None) -> Run | None:
        """Return the run this browser watched before a reload, or a current one of the visitor's if that has ended.

        A visitor with neither watches the newest run of the server itself.
        """
        everything = self.board.summaries()
        remembered = next((each for each in everything if each.run.name == name), None)
        going = [each.run for each in self.board.mine() if each.status in ("running", "stopping")]
        if going and (remembered is None or remembered.status in ENDED):
            return going[0]
        if remembered:
            return remembered.run
        return next((each.run for each in everything if each.owner == OF_THE_SERVER), None)


def preview_of(key: str | None, use_aliases: bool = False) -> str:
    """Return the count and a picture of each class of a set, or why there are none."""
    sets = list_picture_sets()
    if not sets:
        return sentence(NO_SETS)
    listing = list_folder(find_set(key, sets=sets).folder, use_aliases=use_aliases)
    classes = listing.paths()
    uris = data_uris([paths[0] for paths in classes.values()], side=SIDE)
    pictures = [
        Shown(uri, f"{label} picture", label, count(len(paths), "picture"), colour=colour_of(label))
        for uri, (label, paths) in zip(uris, classes.items(), strict=True)
    ]
    offer = "" if use_aliases else alias_offer(listing.files)
    return rendered([Gallery("", pictures)], name="preview") + "".join(map(sentence, [*listing.account(), offer]))
