"""Further studies of a comparison: one panel for each of ``STUDIES``, all built alike."""

from collections.abc import Generator
from typing import Any, TypeVar

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.studies import STUDIES, Question
from emotion.analysis.study import Parameter, Study
from emotion.core.errors import RunError
from emotion.core.progress import Progress
from emotion.report.material import Material
from emotion.server.services import Services
from emotion.ui.events import Steps, Values, on, watched, widgets
from emotion.ui.html import put, sentence, slot
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard

STOPPED = "Stopped: nothing of it is kept."
R = TypeVar("R")


def shown_comparison(board: RunBoard, run: str | None, saved: str | None) -> Material:
    """Return the saved comparison of a run, from two names: the page never sends a path.

    Raises:
        RunError: no comparison is chosen, or it is gone or cannot be read.
    """
    if not run or not saved:
        raise RunError("Nothing is compared yet: press Compare first.")
    for path in board.find(run).comparisons.glob("*.json"):
        if path.name == saved:
            return Material.of(path)
    raise RunError("That comparison is gone: choose another one.")


def stoppable(steps: Generator[Progress, None, R], status: gr.HTML, stop: gr.Button) -> Generator[Values, None, R]:
    """Yield the progress of ``steps`` as values of ``status``, with a Stop button, and return their result."""
    idle = {stop: gr.Button(visible=False), status: ""}
    yield {stop: gr.Button(visible=True)}
    try:
        result = yield from watched(steps, status)
    except Exception:
        # Remove the progress bar and the Stop button.
        yield idle
        raise
    yield idle
    return result


def connect_stop(stop: gr.Button, status: gr.HTML, events: Any) -> None:
    """Let a Stop button end the events."""

    def stopped() -> Values:
        return {stop: gr.Button(visible=False), status: sentence(STOPPED)}

    on(stop.click, stopped, None, [stop, status], cancels=events)


class StudyPanel:
    """A study in its own tab: the fields of its parameters, a status bar with Stop, and the answer."""

    def __init__(self, services: Services, board: RunBoard, place: list[gr.Dropdown], study: Study) -> None:
        self.services, self.board, self.study = services, board, study
        put(sentence(study.question))
        with gr.Row(elem_classes="actions"):
            self.fields = {each.name: self._field(each) for each in study.parameters(None)}
            self.go = gr.Button("Ask", elem_id=f"{study.name}-ask", scale=0, min_width=120)
            self.stop = gr.Button(
                "Stop", variant="stop", visible=False, elem_id=f"{study.name}-stop", scale=0, min_width=90
            )
        self.status, self.answer = slot(f"{study.name}-status"), slot(f"{study.name}-answer")
        self.view = [*self.fields.values(), *widgets(self)]
        event = on(self.go.click, self.ask, [*place, *self.fields.values()], self.view, concurrency_id="study")
        on(event.then, self.finish, place, self.view, by_page=True)
        connect_stop(self.stop, self.status, event)

    def ask(self, name: str | None, saved: str | None, *given: Any) -> Steps:
        """Run the study and save its answer next to the comparison."""
        file = shown_comparison(self.board, name, saved).file
        asked = dict(zip(self.fields, given, strict=True))
        question = Question(self.board.find(name), self.study.name, str(file), asked)
        # Until a stopped study has ended, Gradio drops the next press.
        yield {self.go: gr.Button(interactive=False)}
        yield from stoppable(self.services.study(question), self.status, self.stop)

    def finish(self, name: str | None, saved: str | None) -> Values:
        """Show the answer and enable the button again."""
        return {self.go: gr.Button(interactive=True), **self.show(name, saved)}

    def show(self, name: str | None, saved: str | None) -> Values:
        """Show the saved answer for the comparison now on screen, which may not be the one the study ran on."""
        if not name or not saved:
            return {self.answer: ""}
        material = shown_comparison(self.board, name, saved)
        found = self.study.kept(material.file)
        blocks = self.study.blocks(found, material.comparison) if found else []
        return {self.answer: rendered(blocks, name=self.study.name) if blocks else ""}

    def begin(self, comparison: Comparison) -> Values:
        """Clear the previous comparison's answer, and offer the parameters that fit this comparison."""
        fields = {self.fields[each.name]: _fitted(each) for each in self.study.parameters(comparison)}
        return {**fields, self.answer: "", self.status: ""}

    def _field(self, each: Parameter) -> gr.Dropdown | gr.Number:
        about: dict[str, Any] = {"label": each.label, "elem_id": f"{self.study.name}-{each.name}", "min_width": 150}
        if each.choices:
            return gr.Dropdown(list(each.choices), value=each.default, scale=2, **about)
        return gr.Number(each.default, precision=0, minimum=each.low, scale=1, **about)


class StudyPanels:
    """All studies as tabs; the answer of the open tab is loaded when it is opened."""

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
        # Fires for every comparison on screen, opened or new.
        on(saved.change, self.begin, [*place, self.open], view, by_page=True, trigger_mode="always_last")

    def begin(self, name: str | None, saved: str | None, study: str) -> Values:
        """Reset every panel for another comparison, and load the answer of the open panel."""
        if not name or not saved:
            return {panel.answer: "" for panel in self.panels.values()}
        comparison = shown_comparison(self.board, name, saved).comparison
        told = {widget: value for panel in self.panels.values() for widget, value in panel.begin(comparison).items()}
        return told | self.panels[study].show(name, saved)


def _fitted(each: Parameter) -> gr.Dropdown | gr.Number:
    return gr.Dropdown(list(each.choices), value=each.default) if each.choices else gr.Number(each.default)
