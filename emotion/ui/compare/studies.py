"""The further questions to a comparison: one panel for each of ``STUDIES``, all built and answered alike."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import gradio as gr

from emotion.analysis import Comparison
from emotion.analysis.studies import STUDIES, Question
from emotion.analysis.study import Parameter, Study
from emotion.server.services import Services
from emotion.ui.compare.shown import rendered, shown_comparison
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.studying import carried_out

STOPPED = "Stopped: nothing of it is kept."
Values = dict[Any, Any]


class StudyPanel:
    """A study in a tab of its own: what it asks of the visitor, a bar with Stop, and its answer."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown, study: Study) -> None:
        self.services, self.board, self.study = services, board, study
        gr.HTML(sentence(study.question), apply_default_css=False)
        with gr.Row(elem_classes="actions"):
            self.fields = {each.name: self._field(each) for each in study.parameters(None)}
            self.go = gr.Button(
                "Ask",
                elem_id=f"{study.name}-ask",
                scale=0,
                min_width=120,
                visible=study.load is None or study.save is not None,
            )
            self.stop = gr.Button(
                "Stop", variant="stop", visible=False, elem_id=f"{study.name}-stop", scale=0, min_width=90
            )
        self.status = gr.HTML("", elem_id=f"{study.name}-status", apply_default_css=False)
        self.answer = gr.HTML("", elem_id=f"{study.name}-answer", apply_default_css=False)
        self.view: list[Any] = [*self.fields.values(), self.stop, self.status, self.answer]
        asked = [run, saved, *self.fields.values()]
        event = self.go.click(guarded_stream(self.ask), asked, self.view, concurrency_id="study", **QUIET)
        event.then(guarded(self.show), [run, saved], self.view, **QUIET)
        self.stop.click(
            lambda: {self.stop: gr.Button(visible=False), self.status: sentence(STOPPED)}, None,
            [self.stop, self.status], cancels=event, **QUIET,
        )  # fmt: skip

    def ask(self, name: str | None, saved: str | None, *given: Any) -> Generator[Values, None, None]:
        """Put the question; its answer is kept beside the comparison that it belongs to."""
        _, file = shown_comparison(self.board, name, saved)
        asked = dict(zip(self.fields, given, strict=True))
        question = Question(self.board.find(name), self.study.name, str(file), asked)
        idle = {self.stop: gr.Button(visible=False), self.status: ""}
        yield {self.stop: gr.Button(visible=True)}
        try:
            yield from carried_out(self.services, question, place=lambda line: {self.status: line})
        except Exception:
            # Neither a bar that runs nor a Stop that stops nothing is left behind.
            yield idle
            raise
        yield idle

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
        self.run, self.saved = run, saved
        self.open = gr.State(STUDIES[0].name)
        self.panels: dict[str, StudyPanel] = {}
        with gr.Tabs(elem_id="studies"):
            for study in STUDIES:
                with gr.Tab(study.title, id=study.name) as tab:
                    panel = self.panels[study.name] = StudyPanel(services, board, run, saved, study)
                tab.select(
                    guarded(lambda *shown, panel=panel: {self.open: panel.study.name, **panel.show(*shown)}),
                    [run, saved], [self.open, *panel.view], **QUIET,
                )  # fmt: skip
            with gr.Tab("All numbers", id="numbers"):
                self.numbers = gr.HTML("", elem_id="numbers", apply_default_css=False)
        self.view: list[Any] = [self.numbers, *(widget for panel in self.panels.values() for widget in panel.view)]

    def begin(self, comparison: Comparison) -> Values:
        """Return what every panel shows as another comparison comes on screen."""
        return {widget: value for panel in self.panels.values() for widget, value in panel.begin(comparison).items()}

    def show(self, name: str | None, saved: str | None, study: str) -> Values:
        """Return the answer of the panel that is open."""
        return self.panels[study].show(name, saved)


def _fitted(each: Parameter) -> gr.Dropdown | gr.Number:
    return gr.Dropdown(list(each.choices), value=each.default) if each.choices else gr.Number(each.default)
