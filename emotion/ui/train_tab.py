"""The Train tab: settings, Start and Stop, live charts of loss and accuracy, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from emotion.analysis.blocks import Gallery, Shown
from emotion.core.errors import EmotionError, RunError
from emotion.core.events import EpochDone, Event, RunStarted, StepDone
from emotion.core.format import count
from emotion.core.labels import alias_offer, colour_of
from emotion.core.owners import OF_THE_SERVER
from emotion.data.drawn import is_drawn
from emotion.data.folders import list_folder
from emotion.runs.curves import reading
from emotion.runs.run import Run
from emotion.runs.sweep import plan_sweep
from emotion.server.services import Services
from emotion.ui.charts import chart
from emotion.ui.events import BROWSER_SECRET, Values, on, widgets
from emotion.ui.html import data_uris, drawn_badge, sentence, slot
from emotion.ui.news import News
from emotion.ui.picture_sets import NO_SETS, find_set, list_picture_sets
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard, RunSummary
from emotion.ui.run_report import replay_of, status_html
from emotion.ui.settings import Settings, reading_cost
from emotion.ui.sweeps import in_hand, is_going, place_in, runs_of, sweep_blocks
from emotion.ui.training_curves import HEIGHT, WAITING, legend_html, training_chart
from emotion.ui.words import ENDED

CAN_RESUME = ("stopped", "failed", "interrupted")
SIDE = 132
GONE = "No run is shown here: choose one in the Runs tab."


@dataclass(frozen=True)
class Watched:
    """The run on screen, by its name. ``sweep`` is the id of its sweep, whose runs are followed in turn.

    ``is_live`` means that it was started here; ``drawn`` is a signature of the charts, and ``offered`` of the runs that
    may be overlaid.
    """

    run: str = ""
    sweep: str = ""
    is_live: bool = False
    drawn: str = ""
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
        news.tell(self.refresh, [self.watched, self.over, self.remembered], self.view)

    def _build_choice(self) -> None:
        self.settings = Settings()
        self.pictures = self.settings.pictures
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Start", variant="primary", elem_id="start", min_width=110)
            self.stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=110, interactive=False)
            self.resume = gr.Button("Resume", elem_id="resume", min_width=110, visible=False)
        self.cost = slot("reading-cost", reading_cost("head", "zoom"))
        self.settings.build_more()
        # Last, so that Start is visible without scrolling.
        self.preview = slot("preview", preview_of(self.pictures.value))

    def _build_result(self) -> None:
        self.status = slot("status", status_html(None, [], called=""))
        with gr.Row(visible=False, elem_classes="actions", elem_id="next-steps") as self.next:
            self.try_it = gr.Button("Try a picture", elem_id="try-it", min_width=140)
            self.compare = gr.Button("Compare with dogs", elem_id="compare-it", min_width=140)
        self.legend = slot("curves-legend")
        self.loss = chart(HEIGHT, label="Loss", name="loss-chart", says=WAITING)
        self.accuracy = chart(HEIGHT, label="Accuracy", name="accuracy-chart", says=WAITING)
        self.over = gr.Dropdown([], multiselect=True, label="Lay other runs over it", elem_id="over", interactive=True)
        self.sweep = slot("sweep")

    def _connect(self) -> None:
        settings = self.settings
        shown: list[Any] = [self.pictures, settings.widgets["use_aliases"]]
        costly: list[Any] = [settings.widgets[name] for name in ("depth", "augmentation")]
        on([each.change for each in shown], lambda *given: {self.preview: preview_of(*given)}, shown, self.preview)
        on(
            [each.change for each in costly], lambda *given: {self.cost: reading_cost(*given)}, costly, self.cost,
            by_page=True,
        )  # fmt: skip
        asked = [self.pictures, *settings.several, *settings.inputs]
        on(self.start.click, self.begin, asked, self.view, concurrency_id="start")
        on(self.stop.click, self.end, [self.watched, self.over], self.view)
        on(self.resume.click, self.go_on, [self.watched, self.over], self.view, concurrency_id="start")
        on(self.over.input, self.show, [self.watched, self.over], self.view)

    def begin(self, pictures: str | None, several: bool, setting: str, values: str, *settings: Any) -> Values:
        """Start and watch a training with the settings on screen, or one for each of several values."""
        chosen = find_set(pictures, sets=list_picture_sets())
        config = self.settings.read(settings, pictures=str(chosen.folder))
        if not several:
            return self.follow(self.services.start_training(config), is_live=True)
        planned = plan_sweep(config, setting=setting, values=values or "")
        started: list[Run] = []
        try:
            for each in planned:
                started.append(self.services.start_training(each.config, sweep=each.member))
        except EmotionError:
            # A sweep that starts only in part, say on a full disk, is withdrawn.
            for run in reversed(started):
                run.request_stop()
            raise
        return self.follow(started[0], is_live=True)

    def end(self, seen: Watched, over: Sequence[str]) -> Values:
        """Ask the watched run, or all runs of the watched sweep, to stop."""
        current = self._current(seen)
        if current is None:
            raise RunError(GONE)
        # The last one first: otherwise stopping the current run would start the next one.
        for each in reversed(self._swept(seen) or [current]):
            if each.status not in ENDED:
                each.run.request_stop()
        return self.show(seen, over)

    def go_on(self, seen: Watched, over: Sequence[str]) -> Values:
        """Resume the watched run after its last finished epoch."""
        current = self._current(seen)
        if current is None:
            raise RunError(GONE)
        self.services.resume_training(current.run)
        return self.show(seen, over)

    def refresh(self, seen: Watched, over: Sequence[str], remembered: str | None) -> Values:
        """Show news of the watched run; if there is none, choose a run to watch."""
        if self._current(seen) is None:
            run = self._found(remembered)
            if run or not seen.run:
                return self.follow(run, is_live=False) if run else {}
        told = self.show(seen, over)
        choices = self._choices()
        if repr(choices) != seen.offered:
            # Sent only if changed: a list that is sent again closes while the visitor has it open.
            told |= {self.over: gr.Dropdown(choices), self.watched: replace(told[self.watched], offered=repr(choices))}
        return told

    def follow(self, run: Run, *, is_live: bool) -> Values:
        """Watch a run, with the other runs of its sweep, and return the values of all widgets."""
        member = run.sweep()
        seen = Watched(run.name, member.id if member else "", is_live)
        names = [each.run.name for each in self._swept(seen)]
        told = self.show(seen, names)
        return {**told, self.over: gr.Dropdown(self._choices(), value=names), self.remembered: run.name}

    def show(self, seen: Watched, over: Sequence[str] | None) -> Values:
        """Return the values of the widgets for a run, with others overlaid; charts only if they have changed."""
        current, sweep = self._current(seen), self._swept(seen)
        events = self.board.events(current.run) if current else []
        is_over = current is None or current.status in ENDED
        sweep_goes_on, is_guests = is_going(sweep), bool(current and current.run.guest)
        place = self.services.queue.place(current.run) if current and current.status == "queued" else None
        title = current.title if current else ""
        status = status_html(current, events, called=title, before=place_in(sweep), queue_place=place)
        status += sentence(reading(events)) if is_over else ""
        status += drawn_badge(shown=current is not None and is_drawn(current.config.pictures))
        can_stop = not is_guests and (sweep_goes_on or bool(current and current.status in ("queued", "running")))
        begins = is_over and not sweep_goes_on
        is_done = bool(current and current.status == "finished") and not sweep_goes_on
        told: Values = {
            self.status: status,
            self.start: gr.Button("Start" if begins else "Queue another", variant="primary" if begins else "secondary"),
            self.stop: gr.Button("Stop all" if sweep_goes_on else "Stop", interactive=can_stop),
            self.resume: gr.Button(visible=bool(current and current.status in CAN_RESUME) and not is_guests),
            self.next: gr.Row(visible=is_done),
            self.sweep: rendered(sweep_blocks(sweep), name="sweep"),
        }
        name, replay = current.run.name if current else "", replay_of(events) if seen.is_live else ""
        others = self._others(name, seen.sweep, over or [])
        drawn = repr((name, replay, _length(events), [(title, _length(told)) for title, told in others.items()]))
        if drawn != seen.drawn:
            told[self.legend] = legend_html(others)
            told[self.loss] = training_chart(events, "loss", others=others, name=name, replay=replay)
            told[self.accuracy] = training_chart(events, "accuracy", others=others, name=name, replay=replay)
        return {**told, self.watched: replace(seen, run=name or seen.run, drawn=drawn)}

    def _current(self, seen: Watched) -> RunSummary | None:
        """Return the watched run, of a sweep the one in hand; None if it is gone or no longer shared."""
        if sweep := self._swept(seen):
            return in_hand(sweep)
        return next((each for each in self.board.summaries() if each.run.name == seen.run), None)

    def _swept(self, seen: Watched) -> list[RunSummary]:
        return runs_of(self.board.summaries(), seen.sweep)

    def _others(self, watched: str, sweep: str, over: Sequence[str]) -> Mapping[str, Sequence[Event]]:
        """Return the curves of the overlaid runs by title; a run of the watched sweep is called by its value."""
        others = [each for each in self.board.summaries() if each.run.name in over and each.run.name != watched]
        in_order = sorted(others, key=lambda each: (each.sweep.place if each.sweep else 0, each.run.name))
        return {
            each.sweep.title if each.sweep and each.sweep.id == sweep else each.title: each.curve for each in in_order
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
        own = (each.run for each in everything if each.owner == OF_THE_SERVER)
        return next(own, None)


def preview_of(key: str | None, use_aliases: bool = False) -> str:
    """Return the count and a picture of each class of a set, or why there are none."""
    sets = list_picture_sets()
    if not sets:
        return sentence(NO_SETS)
    chosen = find_set(key, sets=sets)
    listing = list_folder(chosen.folder, use_aliases=use_aliases)
    offer = "" if use_aliases else alias_offer(listing.files)
    classes = listing.paths()
    uris = data_uris([paths[0] for paths in classes.values()], side=SIDE)
    pictures = [
        Shown(uri, f"{label} picture", label, count(len(paths), "picture"), colour=colour_of(label))
        for uri, (label, paths) in zip(uris, classes.items(), strict=True)
    ]
    return rendered([Gallery("", pictures)], name="preview") + "".join(map(sentence, [*listing.account(), offer]))


def _length(events: Sequence[Event]) -> int:
    """Return the number of events that are drawn: the curve is unchanged while the number is."""
    return sum(isinstance(event, RunStarted | StepDone | EpochDone) for event in events)
