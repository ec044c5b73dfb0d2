"""The further questions to a comparison: one panel for each of ``STUDIES``, all built and answered alike."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.studies import STUDIES, Question
from emotion.analysis.study import Parameter, Study
from emotion.core.errors import RunError
from emotion.server.services import Services
from emotion.ui.events import Values, on, watched
from emotion.ui.html import put, sentence, slot
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard

STOPPED = "Stopped: nothing of it is kept."


def shown_comparison(board: RunBoard, run: str | None, saved: str | None) -> tuple[Comparison, Path]:
    """Return the saved comparison of a run and its file; the page sends two names, never a path.

    Raises:
        RunError: nothing is compared yet, or it is gone or cannot be read.
    """
    if not run or not saved:
        raise RunError("Nothing is compared yet: press Compare first.")
    for path in board.find(run).comparisons.glob("*.json"):
        if path.name == saved:
            return load_comparison(path), path
    raise RunError("That comparison is gone: choose another one.")


class StudyPanel:
    """A study in a tab of its own: what it asks of the visitor, a bar with Stop, and its answer."""

    def __init__(self, services: Services, board: RunBoard, place: list[gr.Dropdown], study: Study) -> None:
        self.services, self.board, self.study = services, board, study
        put(sentence(study.question))
        with gr.Row(elem_classes="actions"):
            self.fields = {each.name: self._field(each) for each in study.parameters(None)}
            is_asked = study.load is None or study.save is not None
            self.go = gr.Button("Ask", elem_id=f"{study.name}-ask", scale=0, min_width=120, visible=is_asked)
            self.stop = gr.Button(
                "Stop", variant="stop", visible=False, elem_id=f"{study.name}-stop", scale=0, min_width=90
            )
        self.status, self.answer = slot(f"{study.name}-status"), slot(f"{study.name}-answer")
        self.view: list[Any] = [*self.fields.values(), self.go, self.stop, self.status, self.answer]
        event = on(self.go.click, self.ask, [*place, *self.fields.values()], self.view, concurrency_id="study")
        on(event.then, self.finish, place, self.view, by_page=True)
        on(
            self.stop.click, lambda: {self.stop: gr.Button(visible=False), self.status: sentence(STOPPED)}, None,
            [self.stop, self.status], cancels=event,
        )  # fmt: skip

    def ask(self, name: str | None, saved: str | None, *given: Any) -> Generator[Values, None, None]:
        """Put the question; its answer is kept beside the comparison that it belongs to."""
        _, file = shown_comparison(self.board, name, saved)
        asked = dict(zip(self.fields, given, strict=True))
        question = Question(self.board.find(name), self.study.name, str(file), asked)
        idle = {self.stop: gr.Button(visible=False), self.status: ""}
        # Until a stopped question has ended, Gradio drops the next press.
        yield {self.go: gr.Button(interactive=False), self.stop: gr.Button(visible=True)}
        try:
            yield from watched(self.services.study(question), self.status)
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield idle
            raise
        yield idle

    def finish(self, name: str | None, saved: str | None) -> Values:
        """Show the answer, and let the next question be asked."""
        return {self.go: gr.Button(interactive=True), **self.show(name, saved)}

    def show(self, name: str | None, saved: str | None) -> Values:
        """Show what is kept of the comparison that is on screen by now, which may be another one than was asked of."""
        if not name or not saved:
            return {self.answer: ""}
        comparison, file = shown_comparison(self.board, name, saved)
        found = self.study.kept(file)
        return {self.answer: rendered(self.study.blocks(found, comparison), name=self.study.name) if found else ""}

    def begin(self, comparison: Comparison) -> Values:
        """Clear the answer, which another comparison gave, and offer what can be asked of this one."""
        fields = {self.fields[each.name]: _fitted(each) for each in self.study.parameters(comparison)}
        return {**fields, self.answer: "", self.status: ""}

    def _field(self, each: Parameter) -> gr.Dropdown | gr.Number:
        about: dict[str, Any] = {"label": each.label, "elem_id": f"{self.study.name}-{each.name}", "min_width": 150}
        if each.choices:
            return gr.Dropdown(list(each.choices), value=each.default, scale=2, **about)
        return gr.Number(each.default, precision=0, minimum=each.low, scale=1, **about)


class StudyPanels:
    """All of them as tabs; the answer of the open one is loaded when it is looked at."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.board, place = board, [run, saved]
        self.open = gr.State(STUDIES[0].name)
        self.panels: dict[str, StudyPanel] = {}
        with gr.Tabs(elem_id="studies"):
            for study in STUDIES:
                with gr.Tab(study.title, id=study.name) as tab:
                    panel = self.panels[study.name] = StudyPanel(services, board, place, study)

                def opened(*shown: str, panel: StudyPanel = panel) -> Values:
                    return {self.open: panel.study.name, **panel.show(*shown)}

                on(tab.select, opened, place, [self.open, *panel.view], by_page=True)
            with gr.Tab("All numbers", id="numbers"):
                self.numbers = slot("numbers")
        view = [widget for panel in self.panels.values() for widget in panel.view]
        # However a comparison came on screen.
        on(saved.change, self.begin, [*place, self.open], view, by_page=True, trigger_mode="always_last")

    def begin(self, name: str | None, saved: str | None, study: str) -> Values:
        """Return what every panel shows as another comparison comes on screen: its answer in the one that is open."""
        if not name or not saved:
            return {panel.answer: "" for panel in self.panels.values()}
        comparison, _ = shown_comparison(self.board, name, saved)
        told = {widget: value for panel in self.panels.values() for widget, value in panel.begin(comparison).items()}
        return told | self.panels[study].show(name, saved)


def _fitted(each: Parameter) -> gr.Dropdown | gr.Number:
    return gr.Dropdown(list(each.choices), value=each.default) if each.choices else gr.Number(each.default)
