"""The Cross-species tab: the same run judges samples of several species, side by side."""

from __future__ import annotations

import html
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.findings import caveats, details_sentence, gap_sentence, gaps_of, headline
from emotion.analysis.results import differences, grid, measures, note_of_measures, said
from emotion.core.errors import EmotionError
from emotion.core.format import count, percent
from emotion.data.drawn import is_drawn
from emotion.server.services import Services
from emotion.ui.charts.results import HEIGHT, confidence_chart, said_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.chosen import Chosen
from emotion.ui.compare.form import CompareForm, is_asked
from emotion.ui.compare.pictures import pictures_html, sample_html, table_of, title_of
from emotion.ui.compare.shown import rendered, shown_comparison
from emotion.ui.compare.studies import StudyPanels, Values
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import EVERY_PRESS, QUIET
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard
from emotion.ui.status import drawn_badge, sentence
from emotion.ui.studying import watched
from emotion.ui.ticks import TICKS, ticked
from emotion.ui.uploads import new_download

NO_COMPARISON = (
    "Press Compare for one emotion, or All emotions for the grid: the run judges a sample of each ticked set."
)
CHANGED = "The settings above are others than those of what is shown: press Compare."
STOPPED = "Stopped: nothing of it is kept."
NO_PICTURE = "No picture is in it, unless you tick some above."
ALL = "all"


class CompareTab:
    """Widgets of the tab and what they do."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.services, self.board = services, board
        chosen.waits()
        self.form = form = CompareForm(chosen.run)
        self.saved = form.saved
        self.status = gr.HTML("", elem_id="compare-status", apply_default_css=False)
        self.changed = gr.HTML("", elem_id="compare-changed", apply_default_css=False)
        with gr.Column(elem_id="compare-result"):
            self.headline = gr.HTML(sentence(NO_COMPARISON), elem_id="headline", apply_default_css=False)
            with gr.Column(visible=False) as self.result:
                self.shown_emotion = gr.Radio([], label="Shown emotion", visible=False, elem_id="shown-emotion")
                with gr.Row(elem_classes="columns"):
                    with gr.Column(min_width=320):
                        self.means = chart(HEIGHT, label="Mean correct-class confidence", name="means")
                    with gr.Column(min_width=320):
                        self.said = chart(HEIGHT, label="What it said", name="said")
                self.grid = gr.HTML("", elem_id="grid", apply_default_css=False)
                self.pictures = gr.HTML("", js_on_load=TICKS, elem_id="compare-pictures", apply_default_css=False)
                with gr.Row(elem_classes="actions", elem_id="results-actions"):
                    self.csv = gr.DownloadButton("Download CSV", elem_id="csv", size="md", min_width=150)
                    self._build_report()
                self.studies = StudyPanels(services, board, form.run, self.saved)
        self.view: list[Any] = [
            self.status, self.changed, self.headline, self.result, self.shown_emotion, self.means, self.said,
            self.grid, self.pictures, self.csv, self.saved, form.stop, *self.report_view, *self.studies.view,
        ]  # fmt: skip
        self._connect(chosen)

    def _build_report(self) -> None:
        """Place two buttons, and a button for each file once it is written."""
        self.ticked = gr.State(())
        self.note = gr.HTML(_note(()), elem_id="report-note", apply_default_css=False)
        self.files: dict[str, gr.DownloadButton] = {}
        for kind, title in (("html", "Write report"), ("md", "Write report as Markdown")):
            button = gr.Button(title, elem_id=f"report-{kind}", size="md", min_width=150)
            self.files[kind] = file = gr.DownloadButton(
                "Download report", visible=False, elem_id=f"report-{kind}-file", size="md", min_width=150
            )
            button.click(
                guarded(lambda *values, kind=kind: self.write_report(kind, *values)),
                [self.form.run, self.saved, self.ticked], file, api_visibility="private", show_progress_on=[self.note],
            )  # fmt: skip
        self.report_view: list[Any] = [self.ticked, self.note, *self.files.values()]

    def _connect(self, chosen: Chosen) -> None:
        form, place = self.form, [self.form.run, self.saved]
        asked = [form.run, *form.inputs]
        comparing: list[Any] = [
            button.click(guarded_stream(handler), asked, self.view, concurrency_id="compare", **QUIET)
            for button, handler in ((form.go, self.compare), (form.grid, self.compare_all))
        ]
        form.stop.click(
            lambda: {form.stop: gr.Button(visible=False), self.status: sentence(STOPPED)}, None,
            [form.stop, self.status], cancels=comparing, **QUIET,
        )  # fmt: skip
        reopening: dict[str, Any] = {"concurrency_id": "reopen", "trigger_mode": EVERY_PRESS, **QUIET}
        reopened = [
            self.saved.input(guarded(self.reopen), place, self.view, **reopening),
            self.shown_emotion.input(guarded(self.reopen), [*place, self.shown_emotion], self.view, **reopening),
        ]
        answers: Callable[..., Any] = self.studies.show
        for event in (*comparing, *reopened):
            event.then(guarded(answers), [*place, self.studies.open], self.studies.view, **QUIET)
        gr.on(
            [each.input for each in (form.run, *form.inputs)], guarded(self.compare_settings),
            [*asked, self.saved], self.changed, trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        self.pictures.select(guarded(self.tick), None, self.report_view, trigger_mode=EVERY_PRESS, **QUIET)
        chosen.when_changed(self.choose_run, [], [form.emotion, form.sets, self.saved])

    def choose_run(self, name: str | None) -> dict[Any, Any]:
        """Offer the run's classes, tick the sets of the kind it was trained on, and list what it was compared on."""
        if not name:
            return {}
        run = self.board.find(name)
        choices = saved_choices(run.comparisons)
        emotion, sets = self.form.fit_to(run)
        saved = gr.Dropdown(choices, value=None, visible=bool(choices))
        return {self.form.emotion: emotion, self.form.sets: sets, self.saved: saved}

    def compare(self, name: str | None, emotion: str | None, *asked: Any) -> Generator[Values, None, None]:
        """Let the run judge a sample of each ticked set, and show what came out."""
        idle = {self.form.stop: gr.Button(visible=False), self.status: ""}
        try:
            run = self.board.choose(name)
            steps = self.services.comparing(run, self.form.read(emotion, *asked))
            yield {self.form.stop: gr.Button(visible=True)}
            comparison, path = yield from watched(steps, place=lambda line: {self.status: line})
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield idle
            raise
        yield {**idle, **self.show(comparison, path, emotion)}

    def compare_all(self, name: str | None, emotion: str | None, *asked: Any) -> Generator[Values, None, None]:
        """Do the same with every emotion: the grid."""
        yield from self.compare(name, None, *asked)

    def compare_settings(self, name: str | None, *asked: Any) -> str:
        """Say so where the settings are others than those of what is shown, which is dimmed then."""
        *settings, saved = asked
        if not name or not saved:
            return ""
        try:
            comparison, _ = shown_comparison(self.board, name, saved)
            return "" if is_asked(self.form.read(*settings), comparison) else sentence(CHANGED)
        except EmotionError:
            return sentence(CHANGED)

    def reopen(self, name: str | None, saved: str | None, emotion: str | None = None) -> Values:
        """Show a saved comparison of the run again; the page sends its file's name, never a path."""
        return self.show(*shown_comparison(self.board, name, saved), emotion)

    def show(self, comparison: Comparison, path: Path, emotion: str | None) -> Values:
        """Return what every widget of the result shows of a comparison, ``emotion`` alone or all for None."""
        emotions = comparison.emotions()
        chosen = emotion if emotion in emotions else emotions[0] if len(emotions) == 1 else None
        results = comparison.results(chosen)
        csv = new_download(f"{Path(comparison.run).name}-{path.stem}.csv")
        table_of(comparison).to_csv(csv, index=False)
        overall = emotions[0] if len(emotions) == 1 else None
        numbers = [measures(comparison, chosen), note_of_measures(), *differences(comparison, overall)]
        table = [*grid(comparison), said(comparison, None)] if len(emotions) > 1 else []
        return {
            self.changed: "",
            self.headline: headline_html(comparison, chosen),
            self.result: gr.Column(visible=True),
            self.shown_emotion: gr.Radio([ALL, *emotions], value=chosen or ALL, visible=len(emotions) > 1),
            self.means: shown(confidence_chart(results, chance=comparison.chance)),
            self.said: shown(said_chart(results, emotion=chosen)),
            self.grid: rendered(table, name="grid") if table else "",
            self.pictures: pictures_html(comparison, chosen) + sample_html(comparison),
            self.csv: gr.DownloadButton(value=str(csv)),
            self.saved: gr.Dropdown(saved_choices(path.parent), value=path.name, visible=True),
            self.studies.numbers: rendered(numbers, name="numbers"),
            **self._tick(()),
            **self.studies.begin(comparison),
        }

    def tick(self, event: gr.EventData) -> Values:
        """Keep which pictures are ticked; the page sends their hashes."""
        return self._tick(ticked(event))

    def _tick(self, chosen: tuple[str, ...]) -> Values:
        # A report that is written already has other pictures.
        files = {file: gr.DownloadButton(visible=False) for file in self.files.values()}
        return {self.ticked: chosen, self.note: _note(chosen), **files}

    def write_report(self, kind: str, run: str | None, saved: str | None, ticked: tuple[str, ...]) -> Any:
        """Write the report of the comparison on screen, with the pictures that were ticked and no others."""
        from emotion.report import build_report, write_report

        _, path = shown_comparison(self.board, run, saved)
        target = new_download(f"{run}-{path.stem}.{kind}")
        write_report(build_report(path, ticked=ticked), target)
        return gr.DownloadButton(value=str(target), visible=True)


def headline_html(comparison: Comparison, emotion: str | None) -> str:
    """Return what came out first, then how sure, then what nobody should pass over, and what it rests on."""
    first, second = map(html.escape, headline(comparison, emotion))
    items = "".join(
        f"<li><details><summary>{html.escape(gap_sentence(gap))}</summary>{html.escape(details_sentence(gap))}</details></li>"
        for gap in gaps_of(comparison, emotion)
    )
    gaps = f'<ul class="gaps">{items}</ul>' if items else ""
    warnings = "".join(
        f'<p class="warning" role="status">{html.escape(said)}</p>' for said in caveats(comparison, emotion)
    )
    sizes = {result.n for result in comparison.results(emotion).values()}
    pictures = f"{count(sizes.pop(), 'picture')} a set" if len(sizes) == 1 else "whole sets"
    shown = f"“{emotion}”" if emotion else "all emotions"
    basis = (
        f"{shown}, {pictures}, seed {comparison.seed}, chance {percent(comparison.chance)}, 95 % intervals, "
        f"{comparison.precision}, run {Path(comparison.run).name}."
    )
    badge = drawn_badge(shown=any(map(is_drawn, comparison.folders.values())))
    return (
        f'<div class="headline"><p class="finding">{first}{badge}</p><p>{second}</p>{gaps}'
        f'<p class="basis">{html.escape(basis)}</p></div>{warnings}'
    )


def saved_choices(folder: Path) -> list[tuple[str, str]]:
    """Return the comparisons in a folder, newest first, as title and file name."""
    choices = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            choices.append((title_of(load_comparison(path)), path.name))
        except EmotionError:
            continue  # One torn file does not hide the others.
    return choices


def _note(ticked: tuple[str, ...]) -> str:
    said = f"{count(len(ticked), 'ticked picture')} will be in it." if ticked else NO_PICTURE
    return f'<p class="note" role="status">{said}</p>'
