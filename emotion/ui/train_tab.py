"""The Train tab: settings, Start and Stop, live curves, and a sweep below."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from emotion.core.config import preset
from emotion.core.errors import EmotionError, RunError
from emotion.core.labels import alias_offer
from emotion.core.owners import OF_THE_SERVER, may_see
from emotion.data.folders import list_folder
from emotion.runs.curves import reading
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.asked import Asked
from emotion.ui.charts.training import HEIGHT, WAITING, training_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.guard import guarded
from emotion.ui.handlers import BROWSER_SECRET, POLL, QUIET
from emotion.ui.kept_settings import KeptSettings
from emotion.ui.look_cost import look_cost
from emotion.ui.news import News
from emotion.ui.picture_sets import NO_SETS, find_set, list_picture_sets, training_sets
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.settings import Backbone, build_settings
from emotion.ui.status import drawn_note, sentence, status_line
from emotion.ui.sweep_panel import SweepPanel
from emotion.ui.thumbnails import preview_strip
from emotion.ui.watching import Watch, look, watch
from emotion.ui.words import ENDED

POLL_SECONDS = 0.3
REPLAY_POLL_SECONDS = 0.1
# The settings that decide how often the backbone looks, and how long a look takes.
LOOK_SETTINGS = ("backbone", "depth", "augmentation", "image_size", "validation_share", "precision")


class TrainTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard, backbones: list[Backbone]) -> None:
        self.services = services
        self.board = board
        self.watch = gr.State(Watch())
        self.asked = Asked()
        self.remembered = gr.BrowserState(None, storage_key="emotion", secret=BROWSER_SECRET)
        self.timer = gr.Timer(POLL_SECONDS, active=False)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self._build_pictures()
                self.settings = build_settings(backbones)
                self.kept = KeptSettings(self.pictures, self.settings)
                self.cost = gr.HTML("", elem_id="look-cost", apply_default_css=False)
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="actions"):
                    self.start = gr.Button("Start", variant="primary", elem_id="start", min_width=120)
                    self.stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=120, interactive=False)
                    self.resume = gr.Button("Resume", elem_id="resume", min_width=120, visible=False)
                self.status = gr.HTML(status_line(Watch()), elem_id="status", apply_default_css=False)
                self.loss = chart(HEIGHT, label="Loss", name="loss-chart", says=WAITING)
                self.accuracy = chart(HEIGHT, label="Accuracy", name="accuracy-chart", says=WAITING)
                self.reading = gr.HTML("", elem_id="reading", apply_default_css=False)
                self.note = gr.HTML(
                    drawn_note(shown=True), visible=False, elem_id="train-note", apply_default_css=False
                )
        self.sweep = SweepPanel(services, board, self.pictures, self.settings)
        self.view: list[Any] = [
            self.watch, self.status, self.loss, self.accuracy, self.start, self.stop, self.resume, self.timer,
            self.reading, self.note,
        ]  # fmt: skip
        # Said from the start, so that nothing moves when the page has asked for it.
        self.cost.value = self.estimate(self.pictures.value, *self.settings.of_preset("Quick"))
        self._connect()

    def _build_pictures(self) -> None:
        sets = training_sets(list_picture_sets())
        value = sets[0].key if sets else None
        self.pictures = gr.Dropdown(
            [(each.title, each.key) for each in sets], value=value, label="Picture set", elem_id="picture-set"
        )
        self.preview = gr.HTML(preview_of(value), elem_id="preview", apply_default_css=False)

    def _connect(self) -> None:
        aliases = self.settings.widgets["use_aliases"]
        gr.on(
            [self.pictures.change, aliases.change],  # type: ignore[attr-defined]  # gradio adds it
            guarded(preview_of), [self.pictures, aliases], self.preview, **QUIET,
        )  # fmt: skip
        changes = [self.settings.widgets[name].change for name in LOOK_SETTINGS]  # type: ignore[attr-defined]  # gradio adds it
        gr.on(
            [self.pictures.change, *changes], guarded(self.estimate), [self.pictures, *self.settings.inputs], self.cost,
            trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        self.start.click(
            guarded(self.asked.by_visitor(self.start_run)),
            [self.pictures, *self.settings.inputs, self.asked.count],
            [*self.view, self.remembered],
            concurrency_id="start",
            **QUIET,
        )
        self.stop.click(guarded(self.stop_run), self.watch, self.view, **QUIET)
        self.resume.click(
            guarded(self.asked.by_visitor(self.resume_run)), [self.watch, self.asked.count],
            [*self.view, self.remembered], concurrency_id="start", **QUIET,
        )  # fmt: skip
        self.timer.tick(guarded(self.asked.by_page(self.poll)), [self.watch, self.asked.count], self.view, **POLL)

    def start_run(self, pictures: str | None, *values: Any) -> list[Any]:
        """Start a training with the settings on the screen, and watch it."""
        chosen = find_set(pictures, sets=list_picture_sets())
        config = self.settings.read(values, pictures=str(chosen.folder))
        return self.begin(self.services.start_training(config))

    def start_default(self) -> list[Any]:
        """Start the Quick preset on the first picture set, and watch it."""
        sets = training_sets(list_picture_sets())
        chosen = find_set(sets[0].key if sets else None, sets=sets)
        return self.begin(self.services.start_training(preset("Quick", pictures=str(chosen.folder))))

    def estimate(self, pictures: str | None, *values: Any) -> Any:
        """Say what the look at the pictures will cost with the settings on the screen."""
        try:
            chosen = find_set(pictures, sets=list_picture_sets())
            config = self.settings.read(values, pictures=str(chosen.folder))
        except EmotionError:
            return gr.skip()  # A number that is half typed; Start would say what is wrong with it.
        count = sum(len(paths) for paths in chosen.pictures().values())
        return sentence(look_cost(config, pictures=count, runs=self.board.summaries()))

    def follow(self, news: News) -> None:
        """Keep the estimate and the sweep up with the runs."""
        news.tell(
            lambda *values: {self.cost: self.estimate(*values)}, [self.pictures, *self.settings.inputs], [self.cost]
        )
        self.sweep.follow(news)

    def stop_run(self, seen: Watch) -> list[Any]:
        """Ask the watched run to stop, no other, and say so at once."""
        if seen.run is not None and not seen.is_over:
            self.board.as_visitor(seen.run).request_stop()
        return self.show(self._look(seen), drawn=seen)

    def resume_run(self, seen: Watch) -> list[Any]:
        """Let the watched run go on after its last finished epoch."""
        if seen.run is None:
            raise RunError("No run is shown here: choose one in the Runs tab.")
        run = self.board.as_visitor(seen.run)
        self.services.resume_training(run)
        return self.begin(run)

    def poll(self, seen: Watch) -> Any:
        """Look for news of the watched run; leave the screen alone where there are none."""
        known = self._look(seen)
        if known is seen:
            return gr.skip() if not seen.is_over else self.show(seen)
        return self.show(known, drawn=seen)

    def attach(self, name: str | None) -> Any:
        """Watch the run that this browser watched before a reload; where that is over or gone, what is going on now.

        A visitor who has neither watches what the server itself trains.
        """
        remembered = next((each for each in self.board.summaries() if each.run.name == name), None)
        is_over = remembered is None or remembered.status in ENDED
        run = (self._ongoing() if is_over else None) or (remembered.run if remembered else self._of_the_server())
        return self.show(watch(run, is_live=False)) if run is not None else gr.skip()

    def show(self, seen: Watch, *, drawn: Watch | None = None) -> list[Any]:
        """Return what every widget shows of a run; charts only where they differ from those of ``drawn``."""
        is_guest = seen.run is not None and bool(seen.run.guest)
        pace = REPLAY_POLL_SECONDS if seen.replay_began is not None else POLL_SECONDS
        return [
            seen,
            status_line(seen),
            *self._charts(seen, drawn=drawn),
            gr.Button("Start", variant="primary") if seen.is_over else gr.Button("Queue another", variant="secondary"),
            gr.Button(interactive=seen.status in ("queued", "running") and not is_guest),
            gr.Button(visible=seen.is_over and seen.status in ("stopped", "failed", "interrupted") and not is_guest),
            gr.Timer(pace, active=not seen.is_over),
            sentence(reading(seen.events)) if seen.is_over else "",
            gr.HTML(visible=seen.run is not None and trained_on_drawn(seen.run)),
        ]

    def _charts(self, seen: Watch, *, drawn: Watch | None) -> list[Any]:
        if drawn is not None and drawn.curve_length() == seen.curve_length():
            return [gr.skip(), gr.skip()]
        events, name = seen.visible_events(), seen.run.name if seen.run else ""
        return [shown(training_chart(events, measure, uirevision=name)) for measure in ("loss", "accuracy")]

    def _look(self, seen: Watch) -> Watch:
        if seen.run and not may_see(seen.run.path, self.board.visitor()):
            return Watch()  # Somebody's who shares it no more.
        place = self.services.queue.place(seen.run) if seen.run and seen.status == "queued" else None
        return look(seen, now=time.monotonic(), queue_place=place)

    def begin(self, run: Run, *, is_live: bool = True) -> list[Any]:
        """Return what every widget shows of a run from now on, and its name to be remembered."""
        seen = watch(run, is_live=is_live, now=time.monotonic())
        # With its place in the queue: a look right after this may come to the page before it, and is not repeated.
        return [*self.show(self._look(seen)), run.name]

    def _ongoing(self) -> Run | None:
        going = [each.run for each in self.board.mine() if each.status in ("running", "stopping")]
        return going[0] if going else None

    def _of_the_server(self) -> Run | None:
        everything = self.board.summaries()
        return next((each.run for each in everything if each.owner == OF_THE_SERVER and each.status not in ENDED), None)


def preview_of(key: str | None, use_aliases: bool = False) -> str:
    """Return counts and a few pictures of each class of a set, or why there are none."""
    sets = list_picture_sets()
    if not sets:
        return sentence(NO_SETS)
    chosen = find_set(key, sets=sets)
    listing = list_folder(chosen.folder, use_aliases=use_aliases)
    offer = "" if use_aliases else alias_offer(listing.files)
    return preview_strip(listing.paths()) + "".join(map(sentence, [*listing.account(), offer]))
