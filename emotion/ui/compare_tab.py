"""The Cross-species tab: the same run judges samples of several species, side by side."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.comparison import Comparison, Request, load_comparison
from emotion.errors import ConfigError, EmotionError, PictureError, RunError
from emotion.labels import ALIASES_SETTING, EMOTIONS, alias_offer
from emotion.ui.charts.look import figure, say
from emotion.ui.charts.results import HEIGHT, confidence_chart, said_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.compare_report import emotions_of, headline_html, report_html, results_of, table_of, title_of
from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.picture_sets import NO_SETS, PictureSet, evaluation_sets, list_picture_sets, names_by_species
from emotion.ui.run_board import RunBoard, trained_on_drawn
from emotion.ui.run_picker import RunPicker
from emotion.ui.services import Services
from emotion.ui.status import sentence

NO_COMPARISON = "Press Compare: the run judges a sample of each ticked set."
DEFAULT_SIZE = 20
TICKED_SPECIES = ("human", "dog")


class CompareTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard) -> None:
        self.services = services
        self.board = board
        # Gone with the server; Gradio copies what is downloaded from here into its own cache.
        self.downloads = tempfile.TemporaryDirectory(prefix="emotion-csv-")
        atexit.register(self.downloads.cleanup)
        self.picker = RunPicker(board, name="compare", label="Run")
        self._build_controls()
        self.headline = gr.HTML(sentence(NO_COMPARISON), elem_id="headline", apply_default_css=False)
        with gr.Row(visible=False, elem_classes="columns") as self.charts:
            with gr.Column(min_width=320):
                self.means = chart(_empty(), label="Mean correct-class confidence", name="means")
            with gr.Column(min_width=320):
                self.said = chart(_empty(), label="What it said", name="said")
        self.report = gr.HTML("", elem_id="report", apply_default_css=False)
        self.csv = gr.DownloadButton("Download CSV", visible=False, elem_id="csv", size="md")
        self.view: list[Any] = [
            self.headline, self.charts, self.means, self.said, self.report, self.csv, self.shown_emotion, self.saved,
        ]  # fmt: skip
        self._connect()

    def _build_controls(self) -> None:
        sets = evaluation_sets(list_picture_sets())
        with gr.Row(elem_classes="controls"):
            self.run = self.picker.place()
            self.emotion = gr.Dropdown(list(EMOTIONS), value="happy", label="Emotion", scale=1, min_width=120)
            self.size = gr.Number(DEFAULT_SIZE, label="Pictures a set", precision=0, minimum=2, scale=1, min_width=110)
            self.seed = gr.Number(42, label="Seed", precision=0, minimum=0, scale=1, min_width=90)
        self.sets = gr.CheckboxGroup(
            [(each.title, each.key) for each in sets], value=ticked(sets, is_drawn=True), label="Sets to compare",
            elem_id="compare-sets", info=None if sets else NO_SETS,
        )  # fmt: skip
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Compare", variant="primary", elem_id="compare", scale=1, min_width=160)
            self.saved = gr.Dropdown(
                [], label="Saved comparisons of this run", elem_id="saved", visible=False, scale=3, min_width=260
            )
        # Offered where a set that is here calls an emotion otherwise; a switch that does nothing only confuses.
        offer = alias_offer(label for each in sets for label in each.pictures())
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, info=offer, visible=bool(offer), elem_id="compare-aliases")
        self.shown_emotion = gr.Radio([], label="Shown emotion", visible=False)

    def _connect(self) -> None:
        self.go.click(
            guarded(self.compare), [self.run, self.emotion, self.sets, self.size, self.seed, self.aliases], self.view,
            concurrency_id="predict", api_visibility="private", show_progress_on=[self.headline],
        )  # fmt: skip
        self.saved.input(guarded(self.reopen), [self.run, self.saved], self.view, **QUIET)
        self.shown_emotion.input(guarded(self.reopen), [self.run, self.saved, self.shown_emotion], self.view, **QUIET)
        self.picker.also(self.choose_run, [self.emotion, self.sets, self.saved])

    def choose_run(self, name: str | None) -> list[Any]:
        """Offer the run's classes, tick the sets of the kind it was trained on, and list what it was compared on."""
        if not name:
            return [gr.skip()] * 3
        run = self.board.find(name)
        sets = evaluation_sets(list_picture_sets())
        value = ticked(sets, is_drawn=trained_on_drawn(run))
        choices = saved_choices(run.comparisons)
        classes = list(run.record().get("classes") or EMOTIONS)
        return [
            # What is chosen stays chosen, unless the run has other classes.
            gr.Dropdown(classes) if set(classes) == set(EMOTIONS) else gr.Dropdown(classes, value=classes[0]),
            gr.CheckboxGroup([(each.title, each.key) for each in sets], value=value),
            gr.Dropdown(choices, value=None, visible=bool(choices)),
        ]

    def compare(
        self,
        name: str | None,
        emotion: str,
        keys: Sequence[str] | None,
        size: float | None,
        seed: float | None,
        use_aliases: bool = False,
    ) -> list[Any]:
        """Let the run judge a sample of each ticked set, and show what came out."""
        run = self.board.choose(name)
        chosen = [each for each in evaluation_sets(list_picture_sets()) if each.key in (keys or [])]
        if not chosen:
            raise PictureError("No set is ticked: tick at least one, better two.")
        if size is None or seed is None:
            raise ConfigError("Sample size or seed is empty: give whole numbers, for instance 20 and 42.")
        comparison, path = self.services.compare(
            run,
            Request(names_by_species(chosen), emotion=emotion, size=int(size), seed=int(seed), use_aliases=use_aliases),
        )
        return self.show(comparison, path, emotion)

    def reopen(self, name: str | None, saved: str | None, emotion: str | None = None) -> Any:
        """Show a saved comparison of the run again; the page sends its file's name, never a path."""
        folder = self.board.find(name).comparisons
        for path in folder.glob("*.json"):
            if path.name == saved:
                return self.show(load_comparison(path), path, emotion)
        raise RunError("That comparison is gone: choose another one.")

    def show(self, comparison: Comparison, path: Path, emotion: str | None) -> list[Any]:
        """Return what every widget of the result shows of a comparison."""
        emotions = emotions_of(comparison)
        chosen = emotion if emotion in emotions else emotions[0]
        results = results_of(comparison, chosen)
        csv = Path(self.downloads.name) / f"{Path(comparison.run).name}-{path.stem}.csv"
        table_of(comparison).to_csv(csv, index=False)
        return [
            headline_html(comparison, chosen),
            gr.Row(visible=True),
            shown(confidence_chart(results, chance=comparison.chance)),
            shown(said_chart(results, emotion=chosen)),
            report_html(comparison, chosen),
            gr.DownloadButton(value=str(csv), visible=True),
            gr.Radio(emotions, value=chosen, visible=len(emotions) > 1),
            gr.Dropdown(saved_choices(path.parent), value=path.name, visible=True),
        ]


def ticked(sets: Sequence[PictureSet], *, is_drawn: bool) -> list[str]:
    """Return the sets that are ticked at first: humans and dogs, of the kind that fits the run."""
    of_kind = [each for each in sets if each.is_drawn == is_drawn] or list(sets)
    return [each.key for each in of_kind if each.species in TICKED_SPECIES]


def saved_choices(folder: Path) -> list[tuple[str, str]]:
    """Return the comparisons in a folder, newest first, as title and file name."""
    choices = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            choices.append((title_of(load_comparison(path)), path.name))
        except EmotionError:
            continue  # One torn file does not hide the others.
    return choices


def _empty() -> Any:
    return say(figure(height=HEIGHT), "")
