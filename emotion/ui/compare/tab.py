"""The Cross-species tab: one run judges samples of several species, side by side."""

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import load_comparison
from emotion.analysis.results import differences, measures
from emotion.core.errors import EmotionError
from emotion.core.format import count
from emotion.report.material import Material
from emotion.server.services import Services
from emotion.ui.chosen import Chosen
from emotion.ui.compare.form import CompareForm, is_asked
from emotion.ui.compare.result import headline_html, overview_html, pictures_html, sample_html, table_of, title_of
from emotion.ui.compare.studies import StudyPanels, shown_comparison
from emotion.ui.events import EVERY_PRESS, Steps, Values, on, watched, widgets
from emotion.ui.html import TICKS, sentence, slot, ticked
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
    """The tab's widgets and their handlers; ``form.saved`` holds the file name of the comparison on screen."""

    def __init__(self, services: Services, board: RunBoard, chosen: Chosen, news: News) -> None:
        self.services, self.board = services, board
        chosen.waits()
        self.form = form = CompareForm(chosen.run)
        self.changed = slot("compare-changed")
        with gr.Column(elem_id="compare-result"):
            self.headline = slot("headline", sentence(NO_COMPARISON))
            with gr.Column(visible=False) as self.result:
                self.shown_emotion = gr.Radio([], label="Shown emotion", visible=False, elem_id="shown-emotion")
                self.overview = slot("overview")
                self.pictures = slot("compare-pictures", script=TICKS)
                with gr.Row(elem_classes="actions", elem_id="results-actions"):
                    self.csv = gr.DownloadButton("Download CSV", elem_id="csv", size="md", min_width=150)
                    self.note, self.ticked = slot("report-note", sentence(NO_PICTURE)), gr.State(())
                    self.write = gr.Button("Write report", elem_id="report", size="md", min_width=150)
                    self.report = gr.DownloadButton(
                        "Download report", visible=False, elem_id="report-file", size="md", min_width=150
                    )
                self.studies = StudyPanels(services, board, form.run, form.saved)
        self.view = [*widgets(self), *widgets(form), self.studies.numbers]
        self._connect(chosen)
        news.tell(self.open_asked, [news.address], self.view)

    def _connect(self, chosen: Chosen) -> None:
        form = self.form
        asked, place = [form.run, *form.inputs], [form.run, form.saved]
        form.work.connect([self.compare, self.compare_all], asked, self.view, concurrency_id="compare")
        reopening: dict[str, Any] = {"concurrency_id": "reopen", "trigger_mode": EVERY_PRESS}
        on(form.saved.input, self.reopen, place, self.view, **reopening)
        on(self.shown_emotion.input, self.reopen, [*place, self.shown_emotion], self.view, **reopening)
        on(form.saved.change, None, form.saved, None, js=address("comparison"))
        on(
            [each.input for each in (form.run, *form.inputs)], self.compare_settings, [*asked, form.saved],
            self.changed, trigger_mode="always_last",
        )  # fmt: skip
        on(self.pictures.select, self.tick, None, [self.ticked, self.note, self.report], trigger_mode=EVERY_PRESS)
        on(
            self.write.click, self.write_report, [*place, self.ticked], self.report, show_progress="full",
            show_progress_on=[self.note],
        )  # fmt: skip
        chosen.when_changed(self.choose_run, [form.saved], [form.emotion, form.sets, form.saved])

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
        return {**self.form.fit_to(run), self.form.saved: gr.Dropdown(choices, value=value)}

    def compare(self, name: str | None, emotion: str | None, *asked: Any) -> Steps:
        """Let the run judge a sample of each ticked set, and show the result."""
        steps = self.services.comparing(self.board.choose(name), self.form.read(emotion, *asked))
        _, path = yield from watched(steps, self.form.status)
        yield self.show(Material.of(path), emotion)

    def compare_all(self, name: str | None, emotion: str | None, *asked: Any) -> Steps:
        """Compare on every emotion and show the grid."""
        yield from self.compare(name, None, *asked)

    def compare_settings(self, name: str | None, *asked: Any) -> Values:
        """Show a note, and dim the result, if the form differs from the comparison on screen."""
        *settings, saved = asked
        if not name or not saved:
            return {self.changed: ""}
        try:
            is_same = is_asked(self.form.read(*settings), shown_comparison(self.board, name, saved).comparison)
        except EmotionError:
            is_same = False
        return {self.changed: "" if is_same else sentence(CHANGED)}

    def reopen(self, name: str | None, saved: str | None, emotion: str | None = None) -> Values:
        """Show a saved comparison of the run, by its file name: the page never sends a path."""
        return self.show(shown_comparison(self.board, name, saved), emotion)

    def show(self, material: Material, emotion: str | None) -> Values:
        """Return the values of all result widgets for one emotion of a comparison; None is all emotions."""
        comparison, file, emotions = material.comparison, material.file, material.comparison.emotions()
        chosen = emotion if emotion in emotions else material.emotion
        csv = new_download(f"{material.run.name}-{file.stem}.csv")
        table_of(comparison).to_csv(csv, index=False)
        numbers = [*measures(comparison, chosen), *differences(comparison, material.emotion)]
        return {
            self.changed: "",
            self.headline: headline_html(comparison, chosen),
            self.result: gr.Column(visible=True),
            self.shown_emotion: gr.Radio([ALL, *emotions], value=chosen or ALL, visible=len(emotions) > 1),
            self.overview: overview_html(comparison, chosen),
            self.pictures: pictures_html(comparison, chosen) + sample_html(material),
            self.csv: gr.DownloadButton(value=str(csv)),
            self.form.saved: gr.Dropdown(saved_choices(file.parent), value=file.name),
            self.studies.numbers: rendered(numbers, name="numbers"),
            **self._tick(()),
        }

    def tick(self, event: gr.EventData) -> Values:
        """Store which pictures are ticked."""
        return self._tick(ticked(event))

    def _tick(self, chosen: tuple[str, ...]) -> Values:
        # By their hashes. A report that was already written has other pictures, so its button is hidden.
        note = f"{count(len(chosen), 'ticked picture')} will be in the report." if chosen else NO_PICTURE
        return {self.ticked: chosen, self.note: sentence(note), self.report: gr.DownloadButton(visible=False)}

    def write_report(self, run: str | None, saved: str | None, ticked: tuple[str, ...]) -> Values:
        """Write the report of the comparison on screen; of its pictures, only the ticked ones are included."""
        from emotion.report import build_report, write_report

        file = shown_comparison(self.board, run, saved).file
        target = new_download(f"{run}-{file.stem}.html")
        write_report(build_report(file, ticked=ticked), target)
        return {self.report: gr.DownloadButton(value=str(target), visible=True)}


def saved_choices(folder: Path) -> list[tuple[str, str]]:
    """Return the title and file name of each comparison in a folder, newest first."""
    choices = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            choices.append((title_of(load_comparison(path)), path.name))
        except EmotionError:
            continue  # One damaged file does not hide the others.
    return choices
