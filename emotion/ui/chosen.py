"""The page's header: the picker of the run in use, and the current training."""

import html
import time
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from emotion.core.format import count
from emotion.ui.events import BROWSER_SECRET, Values, on
from emotion.ui.html import put, sentence, slot
from emotion.ui.news import News, address, named
from emotion.ui.run_board import RunBoard, RunSummary
from emotion.ui.run_report import best_of
from emotion.ui.words import ENDED, WAITS_FOR_RUN, progress, public_words

# Runs in the browser, so that no refresh comes in between.
PICK = "(run) => ({run, at: Date.now() / 1000})"


class Chosen:
    """The header's widgets and their handlers; ``run`` is the picker, whose value is a run's name.

    A finished training becomes the run in use, unless the visitor has picked another run since it started: then it is
    offered.
    """

    def __init__(self, board: RunBoard) -> None:
        self.board = board
        self._waits: list[gr.HTML] = []
        self._also: list[tuple[gr.Dropdown, tuple[str, str]]] = []
        # The picked run and when it was picked, in Unix seconds; survives a reload.
        self.picked = gr.BrowserState(None, storage_key="emotion-run", secret=BROWSER_SECRET)
        # What is offered, as a text that tells whether it has changed; and the run on the button.
        self._seen, self._offered = gr.State(""), gr.State("")
        with gr.Column(elem_id="in-use", min_width=300):
            self.run = gr.Dropdown([], label="Run in use", interactive=True)
            self.state = slot("training-state")
            self.take = gr.Button("", visible=False, size="sm")
        on(self.run.input, None, self.run, self.picked, js=PICK)
        on(self.take.click, self._take, self._offered, [self.run, self.picked, self.take])
        on(self.run.change, None, self.run, None, js=address("run"))

    def waits(self) -> None:
        """Add a sentence that is shown while there is no usable run."""
        self._waits.append(put(sentence(WAITS_FOR_RUN, kind="waits")))

    def also_offered(self, picker: gr.Dropdown, *, none: tuple[str, str]) -> None:
        """Offer the same runs in another picker, after a choice for none of them."""
        self._also.append((picker, none))

    def use(self, name: str) -> Values:
        """Return the values that put a run into use, for a handler whose outputs are ``run`` and ``picked``."""
        choices = [(each.title, each.run.name) for each in self.board.usable()]
        return {self.run: gr.Dropdown(choices, value=name), self.picked: {"run": name, "at": time.time()}}

    def when_changed(self, handler: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Call ``handler(name, *inputs)`` for values by widget whenever the run in use changes, for any reason."""
        on(self.run.change, handler, [self.run, *inputs], outputs, by_page=True, trigger_mode="always_last")

    def follow(self, news: News) -> None:
        """Refresh the header whenever a run changes."""
        outputs = [self.run, self.picked, self.state, self.take, self._seen, self._offered, *self._waits]
        outputs += [picker for picker, _ in self._also]
        news.tell(self._refresh, [news.address, self.picked, self.run, self._seen], outputs)

    def _take(self, name: str) -> Values:
        return {**self.use(name), self.take: gr.Button(visible=False)}

    def _refresh(self, asked: str, picked: Any, in_use: str | None, seen: str) -> Values:
        """Return the runs that can predict and the current training, as values by widget."""
        usable, going = self.board.usable(), [each for each in self.board.summaries() if each.status not in ENDED]
        told: Values = {self.state: training_html(going)}
        if run := named(asked, "run"):
            picked = told[self.picked] = {"run": run, "at": time.time()}
        name, at = _read(picked)
        chosen, offered = choose(usable, own={each.run.name for each in self.board.mine()}, picked=name, at=at)
        value = chosen.run.name if chosen else None
        # What is as before is not sent: it would close an open list or undo the visitor's choice.
        change: dict[str, Any] = {} if value == in_use else {"value": value}
        choices = [(each.title, each.run.name) for each in usable]
        signature = repr((choices, offered and offered.run.name))
        if signature == seen:
            return {**told, self.run: gr.Dropdown(**change)} if change else told
        label = f"Use the new run: {offered.title}" if offered else ""
        told |= {
            self._seen: signature,
            self.run: gr.Dropdown(choices, **change),
            self.take: gr.Button(label, visible=bool(offered)),
            self._offered: offered.run.name if offered else "",
        }
        told |= {picker: gr.Dropdown([none, *choices]) for picker, none in self._also}
        return told | {each: gr.HTML(visible=not usable) for each in self._waits}


def choose(
    usable: Sequence[RunSummary], *, own: set[str], picked: str, at: float
) -> tuple[RunSummary | None, RunSummary | None]:
    """Return the run to use and the run to offer, from the runs that can predict, newest first.

    ``picked`` is the visitor's choice, made ``at`` a Unix time. The visitor's own run is used if it started later, and
    offered if it only finished later. A sweep is represented by its best run, by validation loss.
    """
    if not usable:
        return None, None
    newest = next((each for each in usable if each.run.name in own), usable[0])
    swept = [each for each in usable if newest.sweep and each.sweep and each.sweep.id == newest.sweep.id]
    new = best_of(swept) or newest
    chosen = next((each for each in usable if each.run.name == picked), None)
    if chosen is None or newest.created > at:
        return new, None
    return chosen, new if new != chosen and newest.ended > at else None


def training_html(going: Sequence[RunSummary]) -> str:
    """Return the current training in one line; empty if there is none."""
    if not going:
        return ""
    first = next((each for each in reversed(going) if each.status != "queued"), going[-1])
    said = progress(first.curve, first.status)
    more = f" ({count(len(going) - 1, 'training')} behind it)" if len(going) > 1 else ""
    bar = f'<i style="width:{said.share * 100:.0f}%"></i>' if said.share is not None else ""
    text = html.escape(public_words(said.sentence + more))
    return f'<p class="going"><span class="bar">{bar}</span><span>{text}</span></p>'


def _read(picked: Any) -> tuple[str, float]:
    """Return the run's name and the time from the browser's storage, which may hold anything."""
    if not isinstance(picked, dict) or not isinstance(picked.get("at"), int | float):
        return "", 0.0
    return str(picked.get("run", "")), float(picked["at"])
