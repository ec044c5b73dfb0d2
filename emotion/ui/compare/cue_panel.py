"""The Cue probe section: one feature of drawn faces moved from end to end, on people, dogs and cats."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import gradio as gr

from emotion.analysis.cue_probe import LEARNT_FROM, ON, CueCurves, CueProbe, keep_probe, kept_probes
from emotion.faces.cues import BASES, CUES, INDIVIDUALS, NEUTRAL_BASE
from emotion.faces.identity import SPECIES
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.charts.cues import HEIGHT as CUE_HEIGHT
from emotion.ui.charts.cues import cue_chart
from emotion.ui.charts.view import chart, shown
from emotion.ui.compare.cue_report import NUMBERS, faces_html, finding_html, kept_html, legend_html
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.studying import carried_out

NOTHING_YET = (
    "Which cue does the model carry from people to dogs? Probe moves one feature of drawn faces from end to end and "
    "asks the run of each face."
)


class CuePanel:
    """Widgets of the section and what they do."""

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown) -> None:
        self.services, self.board = services, board
        with gr.Row(elem_classes="controls"):
            self.cue = gr.Dropdown(
                [(cue.title, name) for name, cue in CUES.items()], value=next(iter(CUES)), label="Cue",
                elem_id="cue", scale=2, min_width=150,
            )  # fmt: skip
            self.base = gr.Dropdown(
                list(BASES), value=NEUTRAL_BASE, label="On a face that is otherwise", elem_id="cue-base", scale=2,
                min_width=150,
            )  # fmt: skip
            self.number = gr.Dropdown(
                list(NUMBERS), value=INDIVIDUALS, label="Individuals a species", elem_id="cue-number", scale=1,
                min_width=120,
            )  # fmt: skip
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Probe", elem_id="cue-probe", scale=0, min_width=160)
        self.status = gr.HTML("", elem_id="cue-status", apply_default_css=False)
        self.finding = gr.HTML(sentence(NOTHING_YET), elem_id="cue-finding", apply_default_css=False)
        self.legend = gr.HTML("", apply_default_css=False)
        self.charts, self.faces, columns = [], [], []
        # Shown as one, so that no chart is drawn as wide as the page before the others take their room.
        with gr.Row(visible=False, elem_classes="columns") as self.row:
            for species in SPECIES:
                with gr.Column(min_width=280) as column:
                    self.charts.append(chart(CUE_HEIGHT, label=ON[species].capitalize(), name=f"cue-{species}"))
                    self.faces.append(gr.HTML("", elem_id=f"cue-faces-{species}", apply_default_css=False))
                columns.append(column)
        self.people = columns[SPECIES.index(LEARNT_FROM)]
        self.kept = gr.HTML("", elem_id="cue-kept", apply_default_css=False)
        self.view: list[Any] = [
            self.status, self.finding, self.legend, self.kept, self.row, self.people, *self.charts, *self.faces,
            self.cue, self.base,
        ]  # fmt: skip
        self._connect(run)

    def _connect(self, run: gr.Dropdown) -> None:
        asked = [run, self.cue, self.base, self.number]
        self.go.click(guarded_stream(self.probe), asked, self.view, concurrency_id="study", **QUIET)
        self.cue.input(guarded(self.choose), [run, self.cue], self.view, **QUIET)
        run.change(guarded(self.reopen), [run], self.view, **QUIET)

    def probe(self, run_name: str | None, cue: str, base: str, number: int) -> Generator[list[Any], None, None]:
        """Move the cue on the drawn individuals, keep what came out with the run, and show it."""
        run = self.board.choose(run_name)
        rest = [gr.skip()] * (len(self.view) - 1)
        study = CueProbe(run, cue, base, int(number))
        try:
            curves = yield from carried_out(self.services, study, place=lambda line: [line, *rest])
            keep_probe(run, curves)
            yield self._shown(curves, run)
        except Exception:
            # No bar that runs is left behind.
            yield ["", *rest]
            raise

    def choose(self, run_name: str | None, cue: str) -> list[Any]:
        """Show the last probe of a cue, where the run has one; else what is shown stays."""
        run = self.board.choose(run_name)
        curves = next((each for each in kept_probes(run) if each.cue == cue), None)
        return self._shown(curves, run) if curves else [gr.skip()] * len(self.view)

    def reopen(self, run_name: str | None, saved_name: str | None = None) -> list[Any]:
        """Show the newest probe that is kept of a run."""
        run = self.board.find(run_name) if run_name else None
        return self._shown(next(iter(kept_probes(run)), None) if run else None, run)

    def _shown(self, curves: CueCurves | None, run: Run | None) -> list[Any]:
        if curves is None or run is None:
            rest = [gr.skip()] * (len(self.view) - 5)
            return ["", sentence(NOTHING_YET), "", "", gr.Row(visible=False), *rest]
        faces = [
            faces_html(curves.cue, curves.base, species) if species in curves.species else "" for species in SPECIES
        ]
        return [
            "",
            finding_html(curves, run=run.name),
            legend_html(curves),
            kept_html(kept_probes(run)),
            gr.Row(visible=True),
            gr.Column(visible=LEARNT_FROM in curves.species),
            *[shown(cue_chart(curves, species)) for species in SPECIES],
            *faces,
            curves.cue,
            curves.base,
        ]
