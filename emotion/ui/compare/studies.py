"""Further studies of a comparison: one panel for each of ``STUDIES``, all built alike."""

from typing import Any

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.studies import STUDIES, Question
from emotion.analysis.study import Parameter, Study
from emotion.core.errors import RunError
from emotion.report.material import Material
from emotion.server.services import Services
from emotion.ui.events import Steps, Stoppable, Values, on, watched, widgets
from emotion.ui.html import put, sentence, slot
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard


def shown_comparison(board: RunBoard, run: str | None, saved: str | None) -> Material:
    """Return the saved comparison of a run, from two names: the page never sends a path.
    Raises RunError if none is chosen, or it is gone or cannot be read.
    """
    if not run or not saved:
        raise RunError("Nothing is compared yet: press Compare first.")
    for path in board.find(run).comparisons.glob("*.json"):
        if path.name == saved:
            return Material.of(path)
    raise RunError("That comparison is gone: choose another one.")


class StudyPanel:
    """A study in its own tab: the fields of its parameters, a status with Stop, and the answer.

    ``place`` are the pickers of the run and of the comparison on screen.
    """

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
        [asking] = Stoppable([self.go], self.stop, self.status).connect(
            [self.ask], [*place, *self.fields.values()], self.view, concurrency_id="study"
        )
        on(asking.then, self.show, place, self.answer, by_page=True)

    def ask(self, name: str | None, saved: str | None, *given: Any) -> Steps:
        """Run the study and save its answer next to the comparison."""
        file = shown_comparison(self.board, name, saved).file
        asked = dict(zip(self.fields, given, strict=True))
        question = Question(self.board.find(name), self.study.name, str(file), asked)
        yield from watched(self.services.study(question), self.status)

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
        fields = {self.fields[each.name]: self._field(each) for each in self.study.parameters(comparison)}
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

                on(tab.select, opened, place, [self.open, panel.answer], by_page=True)
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
