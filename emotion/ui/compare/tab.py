"""The Cross-species tab: one run judges samples of several species, side by side."""

import html
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.findings import caveats, details_sentence, gap_sentence, gaps_of, headline
from emotion.analysis.results import differences, grid, measures, said
from emotion.core.errors import EmotionError
from emotion.core.format import count, percent
from emotion.data.drawn import is_drawn
from emotion.server.services import Services
from emotion.ui.charts.results import HEIGHT, confidence_chart, said_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.chosen import Chosen
from emotion.ui.compare.form import CompareForm, is_asked
from emotion.ui.compare.pictures import pictures_html, sample_html, table_of, title_of
from emotion.ui.compare.studies import STOPPED, StudyPanels, shown_comparison
from emotion.ui.events import EVERY_PRESS, Values, on, watched
from emotion.ui.html import TICKS, drawn_badge, sentence, slot, ticked
from emotion.ui.news import News, address, named
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import new_download

NO_COMPARISON = (
    "Press Compare for one emotion, or All emotions for the grid: the run judges a sample of each ticked set."
)
CHANGED = "The settings above have changed since this comparison: press Compare."
NO_PICTURE = "No picture is in the report, unless you tick some above."
ALL = "all"


class CompareTab:
    """The tab's widgets and their handlers; ``saved`` holds the file name of the comparison on screen."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.services, self.board = services, board
        chosen.waits()
        self.form = form = CompareForm(chosen.run)
        self.saved = form.saved
        self.status, self.changed = slot("compare-status"), slot("compare-changed")
        with gr.Column(elem_id="compare-result"):
            self.headline = slot("headline", sentence(NO_COMPARISON))
            with gr.Column(visible=False) as self.result:
                self.shown_emotion = gr.Radio([], label="Shown emotion", visible=False, elem_id="shown-emotion")
                with gr.Row(elem_classes="columns"):
                    with gr.Column(min_width=320):
                        self.means = chart(HEIGHT, label="Mean correct-class confidence", name="means")
                    with gr.Column(min_width=320):
                        self.said = chart(HEIGHT, label="What it said", name="said")
                self.grid = slot("grid")
                self.pictures = slot("compare-pictures", script=TICKS)
                with gr.Row(elem_classes="actions", elem_id="results-actions"):
                    self.csv = gr.DownloadButton("Download CSV", elem_id="csv", size="md", min_width=150)
                    self.note, self.ticked = slot("report-note", _note(())), gr.State(())
                    self.write = gr.Button("Write report", elem_id="report", size="md", min_width=150)
                    self.report = gr.DownloadButton(
                        "Download report", visible=False, elem_id="report-file", size="md", min_width=150
                    )
                self.studies = StudyPanels(services, board, form.run, self.saved)
        self.view: list[Any] = [
            self.status, self.changed, self.headline, self.result, self.shown_emotion, self.means, self.said,
            self.grid, self.pictures, self.csv, self.saved, form.go, form.grid, form.stop, self.ticked, self.note,
            self.report, self.studies.numbers,
        ]  # fmt: skip
        self._connect(chosen)
        news.tell(self.open_asked, [news.address], self.view)

    def _connect(self, chosen: Chosen) -> None:
        form, place = self.form, [self.form.run, self.saved]
        asked = [form.run, *form.inputs]
        comparing = [
            on(button.click, handler, asked, self.view, concurrency_id="compare")
            for button, handler in ((form.go, self.compare), (form.grid, self.compare_all))
        ]
        for event in comparing:
            on(event.then, lambda: form.buttons(are_free=True), None, [form.go, form.grid], by_page=True)
        on(
            form.stop.click, lambda: {form.stop: gr.Button(visible=False), self.status: sentence(STOPPED)}, None,
            [form.stop, self.status], cancels=comparing,
        )  # fmt: skip
        reopening: dict[str, Any] = {"concurrency_id": "reopen", "trigger_mode": EVERY_PRESS}
        on(self.saved.input, self.reopen, place, self.view, **reopening)
        on(self.shown_emotion.input, self.reopen, [*place, self.shown_emotion], self.view, **reopening)
        on(self.saved.change, None, self.saved, None, js=address("comparison"))
        on(
            [each.input for each in (form.run, *form.inputs)], self.compare_settings, [*asked, self.saved],
            self.changed, trigger_mode="always_last",
        )  # fmt: skip
        on(self.pictures.select, self.tick, None, [self.ticked, self.note, self.report], trigger_mode=EVERY_PRESS)
        on(
            self.write.click, self.write_report, [*place, self.ticked], self.report, show_progress="full",
            show_progress_on=[self.note],
        )  # fmt: skip
        chosen.when_changed(self.choose_run, [self.saved], [form.emotion, form.sets, self.saved])

    def open_asked(self, asked: str) -> Values:
        """Show the comparison that a link names, if it still exists."""
        name, saved = named(asked, "run"), named(asked, "comparison")
        try:
            return self.reopen(name, saved) if name and saved else {}
        except EmotionError:
            return {}

    def choose_run(self, name: str | None, shown: str | None) -> Values:
        """Offer the run's classes, tick the sets of the kind it was trained on, and list its saved comparisons."""
        if not name:
            return {}
        run = self.board.find(name)
        choices = saved_choices(run.comparisons)
        value = shown if shown in [file for _, file in choices] else None
        return {**self.form.fit_to(run), self.saved: _saved(choices, value)}

    def compare(self, name: str | None, emotion: str | None, *asked: Any) -> Generator[Values, None, None]:
        """Let the run judge a sample of each ticked set, and show the result."""
        idle = {self.form.stop: gr.Button(visible=False), self.status: ""}
        try:
            run = self.board.choose(name)
            steps = self.services.comparing(run, self.form.read(emotion, *asked))
            # Until a stopped comparison has ended, Gradio drops the next press.
            yield {self.form.stop: gr.Button(visible=True), **self.form.buttons(are_free=False)}
            comparison, path = yield from watched(steps, self.status)
        except Exception:
            # Remove the progress bar and the Stop button.
            yield idle
            raise
        yield {**idle, **self.show(comparison, path, emotion)}

    def compare_all(self, name: str | None, emotion: str | None, *asked: Any) -> Generator[Values, None, None]:
        """Compare on every emotion and show the grid."""
        yield from self.compare(name, None, *asked)

    def compare_settings(self, name: str | None, *asked: Any) -> Values:
        """Show a note, and dim the result, if the form differs from the comparison on screen."""
        *settings, saved = asked
        if not name or not saved:
            return {self.changed: ""}
        try:
            comparison, _ = shown_comparison(self.board, name, saved)
            is_same = is_asked(self.form.read(*settings), comparison)
        except EmotionError:
            is_same = False
        return {self.changed: "" if is_same else sentence(CHANGED)}

    def reopen(self, name: str | None, saved: str | None, emotion: str | None = None) -> Values:
        """Show a saved comparison of the run, by its file name: the page never sends a path."""
        return self.show(*shown_comparison(self.board, name, saved), emotion)

    def show(self, comparison: Comparison, path: Path, emotion: str | None) -> Values:
        """Return the values of all result widgets for one emotion of a comparison; None is all emotions."""
        emotions = comparison.emotions()
        chosen = emotion if emotion in emotions else emotions[0] if len(emotions) == 1 else None
        results = comparison.results(chosen)
        csv = new_download(f"{Path(comparison.run).name}-{path.stem}.csv")
        table_of(comparison).to_csv(csv, index=False)
        overall = emotions[0] if len(emotions) == 1 else None
        numbers = [*measures(comparison, chosen), *differences(comparison, overall)]
        table = [grid(comparison), said(comparison, None)] if len(emotions) > 1 else []
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
            self.saved: _saved(saved_choices(path.parent), path.name),
            self.studies.numbers: rendered(numbers, name="numbers"),
            **self._tick(()),
        }

    def tick(self, event: gr.EventData) -> Values:
        """Store which pictures are ticked."""
        return self._tick(ticked(event))

    def _tick(self, chosen: tuple[str, ...]) -> Values:
        # By their hashes. A report that was already written has other pictures, so its button is hidden.
        return {self.ticked: chosen, self.note: _note(chosen), self.report: gr.DownloadButton(visible=False)}

    def write_report(self, run: str | None, saved: str | None, ticked: tuple[str, ...]) -> Values:
        """Write the report of the comparison on screen; of its pictures, only the ticked ones are included."""
        from emotion.report import build_report, write_report

        _, path = shown_comparison(self.board, run, saved)
        target = new_download(f"{run}-{path.stem}.html")
        write_report(build_report(path, ticked=ticked), target)
        return {self.report: gr.DownloadButton(value=str(target), visible=True)}


def headline_html(comparison: Comparison, emotion: str | None) -> str:
    """Return the result in a sentence, then its certainty, the gaps, what it rests on, and warnings."""
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
    pictures = f"{count(sizes.pop(), 'picture')} per set" if len(sizes) == 1 else "whole sets"
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
    """Return the title and file name of each comparison in a folder, newest first."""
    choices = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            choices.append((title_of(load_comparison(path)), path.name))
        except EmotionError:
            continue  # One damaged file does not hide the others.
    return choices


def _saved(choices: list[tuple[str, str]], value: str | None) -> gr.Dropdown:
    return gr.Dropdown(choices, value=value, visible=True if choices else "hidden")


def _note(ticked: tuple[str, ...]) -> str:
    said = f"{count(len(ticked), 'ticked picture')} will be in the report." if ticked else NO_PICTURE
    return f'<p class="note" role="status">{said}</p>'
