"""The Train tab: settings, Start and Stop, one pair of live charts, and what came out."""

from __future__ import annotations

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
from emotion.ui.events import BROWSER_SECRET, on
from emotion.ui.news import News
from emotion.ui.picture_sets import NO_SETS, find_set, list_picture_sets, training_sets
from emotion.ui.run_board import RunBoard, RunSummary, trained_on_drawn
from emotion.ui.settings import Backbone, KeptSettings, Settings, reading_cost
from emotion.ui.status import drawn_badge, sentence
from emotion.ui.sweeps import find_sweep, place_in, sweep_html
from emotion.ui.thumbnails import preview_strip
from emotion.ui.watching import Watch, look
from emotion.ui.words import ENDED

CAN_RESUME = ("stopped", "failed", "interrupted")


class TrainTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard, backbones: list[Backbone], news: News) -> None:
        self.services, self.board = services, board
        self.watch = gr.State(Watch())
        self.remembered = gr.BrowserState(None, storage_key="emotion", secret=BROWSER_SECRET)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                self._build_choice(backbones)
            with gr.Column(scale=3, min_width=300):
                self._build_result()
        self.view: list[Any] = [
            self.watch, self.remembered, self.status, self.loss, self.accuracy, self.start, self.stop, self.resume,
            self.next, self.over, self.sweep, self.legend,
        ]  # fmt: skip
        self._connect()
        news.tell(self.refresh, [self.watch, self.over, self.remembered], self.view)

    def _build_choice(self, backbones: list[Backbone]) -> None:
        sets = training_sets(list_picture_sets())
        value = sets[0].key if sets else None
        choices = [(each.title, each.key) for each in sets]
        self.pictures = gr.Dropdown(choices, value=value, label="Picture set", elem_id="picture-set")
        self.settings = Settings(backbones)
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Start", variant="primary", elem_id="start", min_width=110)
            self.stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=110, interactive=False)
            self.resume = gr.Button("Resume", elem_id="resume", min_width=110, visible=False)
        self.cost = gr.HTML(reading_cost("head", "zoom"), elem_id="reading-cost", apply_default_css=False)
        self.settings.build_more()
        # Last, so that Start is seen without scrolling.
        self.preview = gr.HTML(preview_of(value), elem_id="preview", apply_default_css=False)
        self.kept = KeptSettings(self.pictures, self.settings)

    def _build_result(self) -> None:
        self.status = gr.HTML(Watch().status_html(), elem_id="status", apply_default_css=False)
        with gr.Row(visible=False, elem_classes="actions", elem_id="next-steps") as self.next:
            self.try_it = gr.Button("Try a picture", elem_id="try-it", min_width=140)
            self.compare = gr.Button("Compare with dogs", elem_id="compare-it", min_width=140)
        self.legend = gr.HTML("", elem_id="curves-legend", apply_default_css=False)
        self.loss = chart(HEIGHT, label="Loss", name="loss-chart", says=WAITING)
        self.accuracy = chart(HEIGHT, label="Accuracy", name="accuracy-chart", says=WAITING)
        self.over = gr.Dropdown([], multiselect=True, label="Lay other runs over it", elem_id="over", interactive=True)
        self.sweep = gr.HTML("", elem_id="sweep", apply_default_css=False)

    def _connect(self) -> None:
        settings = self.settings
        aliases, cost_of = settings.widgets["use_aliases"], ("depth", "augmentation")
        changes = [self.pictures.change, aliases.change]  # type: ignore[attr-defined]  # gradio adds it
        on(changes, lambda *given: {self.preview: preview_of(*given)}, [self.pictures, aliases], self.preview)
        widgets = [settings.widgets[name] for name in cost_of]
        on(
            [each.change for each in widgets],  # type: ignore[attr-defined]  # gradio adds it
            lambda *given: {self.cost: reading_cost(*given)}, widgets, self.cost, by_page=True,
        )  # fmt: skip
        on(
            self.start.click, self.begin, [self.pictures, *settings.several, *settings.inputs], self.view,
            concurrency_id="start",
        )  # fmt: skip
        on(self.stop.click, self.end, [self.watch, self.over], self.view)
        on(self.resume.click, self.go_on, [self.watch, self.over], self.view, concurrency_id="start")
        on(self.over.input, lambda *given: self.show(*given), [self.watch, self.over], self.view)

    def begin(self, pictures: str | None, several: bool, setting: str, values: str, *settings: Any) -> dict[Any, Any]:
        """Start a training with the settings on the screen, or one for each of several values, and watch it."""
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
            # Half a sweep, for want of disk say, is none: what was queued is withdrawn.
            for run in reversed(started):
                run.request_stop()
            raise
        return self.follow(started[0], is_live=True)

    def end(self, seen: Watch, over: Sequence[str]) -> dict[Any, Any]:
        """Ask the watched run to stop, or all runs of the watched sweep, no other."""
        sweep = find_sweep(self.board.summaries(), seen.sweep)
        # The last one first: otherwise the next one would begin when the one in hand has stopped.
        going = [each.run for each in reversed(sweep.summaries) if each.status not in ENDED] if sweep else []
        for run in going or ([seen.run] if seen.run and not seen.is_over else []):
            self.board.as_visitor(run).request_stop()
        return self.show(self._look(seen), over)

    def go_on(self, seen: Watch, over: Sequence[str]) -> dict[Any, Any]:
        """Let the watched run go on after its last finished epoch."""
        if seen.run is None:
            raise RunError("No run is shown here: choose one in the Runs tab.")
        run = self.board.as_visitor(seen.run)
        self.services.resume_training(run)
        return self.show(self._look(replace(Watch(), run=run, sweep=seen.sweep)), over)

    def refresh(self, seen: Watch, over: Sequence[str], remembered: str | None) -> dict[Any, Any]:
        """Look for news of the watched run; watch one where none is."""
        if seen.run is None:
            run = self._found(remembered)
            return self.follow(run, is_live=False) if run else {}
        known = self._look(seen)
        told = self.show(known, over) if known is not seen or over else {}
        choices = self._choices()
        if repr(choices) != seen.offered:
            # Only then: a list that is sent again would close under the hand of whoever has it open.
            known = replace(told.get(self.watch, known), offered=repr(choices))
            told |= {self.over: gr.Dropdown(choices), self.watch: known}
        return told

    def follow(self, run: Run, *, is_live: bool) -> dict[Any, Any]:
        """Return what every widget shows of a run from now on, with the other runs of its sweep."""
        summary = next((each for each in self.board.summaries() if each.run.name == run.name), None)
        sweep = find_sweep(self.board.summaries(), summary.sweep.id if summary and summary.sweep else None)
        names = [each.run.name for each in sweep.summaries] if sweep else []
        seen = self._look(Watch(run, is_live=is_live, sweep=sweep.id if sweep else ""))
        told = self.show(seen, names)
        return {**told, self.over: gr.Dropdown(self._choices(), value=names), self.remembered: run.name}

    def show(self, seen: Watch, over: Sequence[str] | None) -> dict[Any, Any]:
        """Return what the widgets show of a run, with others laid over; charts only where they have changed."""
        is_guest = seen.run is not None and bool(seen.run.guest)
        sweep = find_sweep(self.board.summaries(), seen.sweep)
        is_going = bool(sweep and sweep.is_going) or not seen.is_over
        said = sentence(reading(seen.events)) if seen.is_over else ""
        badge = drawn_badge(shown=seen.run is not None and trained_on_drawn(seen.run))
        can_stop = not is_guest and (seen.status in ("queued", "running") or bool(sweep and sweep.is_going))
        others = self._others(seen, over or [])
        lengths = [(title, len(events)) for title, events in others.items()]
        drawn = repr((seen.run, seen.curve_length(), seen.replay, lengths))
        told: dict[Any, Any] = {
            self.watch: replace(seen, drawn=drawn),
            self.status: seen.status_html(before=place_in(sweep)) + said + badge,
            self.start: gr.Button("Queue another" if is_going else "Start", variant=_variant(is_going=is_going)),
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
            return Watch()  # Somebody's who shares it no more.
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
        """Return the run that this browser watched before a reload; where that is over or gone, what is going on now.

        A visitor who has neither watches what the server itself trains.
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
    """Return counts and a few pictures of each class of a set, or why there are none."""
    sets = list_picture_sets()
    if not sets:
        return sentence(NO_SETS)
    chosen = find_set(key, sets=sets)
    listing = list_folder(chosen.folder, use_aliases=use_aliases)
    offer = "" if use_aliases else alias_offer(listing.files)
    return preview_strip(listing.paths()) + "".join(map(sentence, [*listing.account(), offer]))


def _called(summary: RunSummary, seen: Watch) -> str:
    return summary.sweep.title if summary.sweep and summary.sweep.id == seen.sweep else summary.title


def _variant(*, is_going: bool) -> Any:
    return "secondary" if is_going else "primary"
