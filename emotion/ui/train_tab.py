"""The Train tab: settings, Start and Stop, live charts of loss and accuracy, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, RunError
from emotion.core.events import Event
from emotion.core.labels import alias_offer
from emotion.core.owners import OF_THE_SERVER, may_see
from emotion.data.folders import list_folder
from emotion.runs.curves import reading
from emotion.runs.run import Run
from emotion.runs.sweep import plan_sweep
from emotion.server.services import Services
from emotion.ui.charts.training import HEIGHT, WAITING, legend_html, training_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.events import BROWSER_SECRET, Values, on
from emotion.ui.html import drawn_badge, preview_strip, sentence, slot
from emotion.ui.news import News
from emotion.ui.picture_sets import NO_SETS, find_set, list_picture_sets, training_sets
from emotion.ui.run_board import RunBoard, RunSummary, trained_on_drawn
from emotion.ui.settings import KeptSettings, Settings, reading_cost
from emotion.ui.sweeps import find_sweep, place_in, sweep_html
from emotion.ui.watching import Watch, look
from emotion.ui.words import ENDED

CAN_RESUME = ("stopped", "failed", "interrupted")


class TrainTab:
    """The tab's widgets and their handlers."""

    def __init__(self, services: Services, board: RunBoard, news: News) -> None:
        self.services, self.board = services, board
        self.watch = gr.State(Watch())
        self.remembered = gr.BrowserState(None, storage_key="emotion", secret=BROWSER_SECRET)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                self._build_choice()
            with gr.Column(scale=3, min_width=300):
                self._build_result()
        self.view: list[Any] = [
            self.watch, self.remembered, self.status, self.loss, self.accuracy, self.start, self.stop, self.resume,
            self.next, self.over, self.sweep, self.legend,
        ]  # fmt: skip
        self._connect()
        news.tell(self.refresh, [self.watch, self.over, self.remembered], self.view)

    def _build_choice(self) -> None:
        sets = training_sets(list_picture_sets())
        value = sets[0].key if sets else None
        choices = [(each.title, each.key) for each in sets]
        self.pictures = gr.Dropdown(choices, value=value, label="Picture set", elem_id="picture-set")
        self.settings = Settings()
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Start", variant="primary", elem_id="start", min_width=110)
            self.stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=110, interactive=False)
            self.resume = gr.Button("Resume", elem_id="resume", min_width=110, visible=False)
        self.cost = slot("reading-cost", reading_cost("head", "zoom"))
        self.settings.build_more()
        # Last, so that Start is visible without scrolling.
        self.preview = slot("preview", preview_of(value))
        self.kept = KeptSettings(self.pictures, self.settings)

    def _build_result(self) -> None:
        self.status = slot("status", Watch().status_html())
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
        on(self.stop.click, self.end, [self.watch, self.over], self.view)
        on(self.resume.click, self.go_on, [self.watch, self.over], self.view, concurrency_id="start")
        on(self.over.input, self.show, [self.watch, self.over], self.view)

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

    def end(self, seen: Watch, over: Sequence[str]) -> Values:
        """Ask the watched run, or all runs of the watched sweep, to stop."""
        sweep = find_sweep(self.board.summaries(), seen.sweep)
        # The last one first: otherwise stopping the current run would start the next one.
        going = [each.run for each in reversed(sweep.summaries) if each.status not in ENDED] if sweep else []
        for run in going or ([seen.run] if seen.run and not seen.is_over else []):
            self.board.as_visitor(run).request_stop()
        return self.show(self._look(seen), over)

    def go_on(self, seen: Watch, over: Sequence[str]) -> Values:
        """Resume the watched run after its last finished epoch."""
        if seen.run is None:
            raise RunError("No run is shown here: choose one in the Runs tab.")
        run = self.board.as_visitor(seen.run)
        self.services.resume_training(run)
        return self.show(self._look(replace(Watch(), run=run, sweep=seen.sweep)), over)

    def refresh(self, seen: Watch, over: Sequence[str], remembered: str | None) -> Values:
        """Show news of the watched run; if there is none, choose a run to watch."""
        if seen.run is None:
            run = self._found(remembered)
            return self.follow(run, is_live=False) if run else {}
        known = self._look(seen)
        told = self.show(known, over) if known is not seen or over else {}
        choices = self._choices()
        if repr(choices) != seen.offered:
            # Sent only if changed: a list that is sent again closes while the visitor has it open.
            known = replace(told.get(self.watch, known), offered=repr(choices))
            told |= {self.over: gr.Dropdown(choices), self.watch: known}
        return told

    def follow(self, run: Run, *, is_live: bool) -> Values:
        """Watch a run, with the other runs of its sweep, and return the values of all widgets."""
        summary = next((each for each in self.board.summaries() if each.run.name == run.name), None)
        sweep = find_sweep(self.board.summaries(), summary.sweep.id if summary and summary.sweep else None)
        names = [each.run.name for each in sweep.summaries] if sweep else []
        seen = self._look(Watch(run, is_live=is_live, sweep=sweep.id if sweep else ""))
        told = self.show(seen, names)
        return {**told, self.over: gr.Dropdown(self._choices(), value=names), self.remembered: run.name}

    def show(self, seen: Watch, over: Sequence[str] | None) -> Values:
        """Return the values of the widgets for a run, with others overlaid; charts only if they have changed."""
        is_guest = seen.run is not None and bool(seen.run.guest)
        sweep = find_sweep(self.board.summaries(), seen.sweep)
        is_going = bool(sweep and sweep.is_going) or not seen.is_over
        said = sentence(reading(seen.events)) if seen.is_over else ""
        badge = drawn_badge(shown=seen.run is not None and trained_on_drawn(seen.run))
        can_stop = not is_guest and (seen.status in ("queued", "running") or bool(sweep and sweep.is_going))
        others = self._others(seen, over or [])
        lengths = [(title, len(events)) for title, events in others.items()]
        drawn = repr((seen.run, seen.curve_length(), seen.replay, lengths))
        start = gr.Button("Queue another", variant="secondary") if is_going else gr.Button("Start", variant="primary")
        told: Values = {
            self.watch: replace(seen, drawn=drawn),
            self.status: seen.status_html(before=place_in(sweep)) + said + badge,
            self.start: start,
            self.stop: gr.Button("Stop all" if sweep and sweep.is_going else "Stop", interactive=can_stop),
            self.resume: gr.Button(visible=seen.status in CAN_RESUME and not is_guest),
            self.next: gr.Row(visible=seen.status == "finished" and not is_going),
            self.sweep: sweep_html(sweep),
        }
        if drawn != seen.drawn:
            name = seen.run.name if seen.run else "none"
            loss = training_chart(seen.events, "loss", others=others, name=name, replay=seen.replay)
            accuracy = training_chart(seen.events, "accuracy", others=others, name=name, replay=seen.replay)
            told |= {self.legend: legend_html(others), self.loss: shown(loss), self.accuracy: shown(accuracy)}
        return told

    def _look(self, seen: Watch) -> Watch:
        if seen.run and not may_see(seen.run.path, self.board.visitor()):
            return Watch()  # Its owner no longer shares it.
        summaries = self.board.summaries()
        if sweep := find_sweep(summaries, seen.sweep):
            run = sweep.in_hand.run
            seen = seen if run == seen.run else Watch(run, sweep=sweep.id, is_live=True)
        place = self.services.queue.place(seen.run) if seen.run and seen.run.status() == "queued" else None
        known = look(seen, queue_place=place)
        title = next((each.title for each in summaries if known.run and each.run.name == known.run.name), "")
        return known if known is seen and title == seen.title else replace(known, title=title)

    def _others(self, seen: Watch, over: Sequence[str]) -> Mapping[str, Sequence[Event]]:
        watched = seen.run.name if seen.run else ""
        others = [each for each in self.board.summaries() if each.run.name in over and each.run.name != watched]
        in_order = sorted(others, key=lambda each: (each.sweep.place if each.sweep else 0, each.run.name))
        return {_called(each, seen): each.curve for each in in_order}

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
    """Return counts and sample pictures of each class of a set, or why there are none."""
    sets = list_picture_sets()
    if not sets:
        return sentence(NO_SETS)
    chosen = find_set(key, sets=sets)
    listing = list_folder(chosen.folder, use_aliases=use_aliases)
    offer = "" if use_aliases else alias_offer(listing.files)
    return preview_strip(listing.paths()) + "".join(map(sentence, [*listing.account(), offer]))


def _called(summary: RunSummary, seen: Watch) -> str:
    return summary.sweep.title if summary.sweep and summary.sweep.id == seen.sweep else summary.title
