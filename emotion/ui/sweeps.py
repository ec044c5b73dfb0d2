"""The runs of one sweep together: which is in hand, each value's scores, and what their differences are worth."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from emotion.core.events import RunStarted
from emotion.core.format import count, duration, percent
from emotion.core.labels import chance_level
from emotion.runs.run import Status
from emotion.runs.sweep import SweepMember, title_of, value_text
from emotion.runs.validation import smallest_difference
from emotion.ui.run_board import RunSummary
from emotion.ui.status import sentence
from emotion.ui.words import ENDED

HEADERS = ("Status", "Epoch kept", "Validation loss", "Validation accuracy", "Time")


@dataclass(frozen=True)
class Sweep:
    """A sweep and those of its runs that are still there, in the order of their values."""

    id: str
    setting: str
    runs: tuple[tuple[SweepMember, RunSummary], ...]

    @property
    def summaries(self) -> list[RunSummary]:
        """The runs alone."""
        return [summary for _, summary in self.runs]

    @property
    def is_going(self) -> bool:
        """Whether a run of it is trained or waits for its turn."""
        return any(each.status not in ENDED for each in self.summaries)

    @property
    def in_hand(self) -> RunSummary:
        """The run that is trained or has its turn next; when all have ended, the best one."""
        running = [each for each in self.summaries if each.status in ("running", "stopping")]
        waiting = [each for each in self.summaries if each.status == "queued"]
        return next(iter(running + waiting), self.best or self.summaries[-1])

    @property
    def best(self) -> RunSummary | None:
        """The finished run with the lowest validation loss, which also chooses a run's best epoch."""
        scored = [(each.best.loss, each) for each in self.summaries if each.best and each.status == "finished"]
        return min(scored, key=lambda pair: pair[0])[1] if scored else None

    @property
    def started(self) -> list[RunStarted]:
        """How each run that has begun began."""
        return [event for each in self.summaries for event in each.curve if isinstance(event, RunStarted)]


def find_sweep(summaries: Sequence[RunSummary], sweep_id: str | None) -> Sweep | None:
    """Return the sweep of an id; None where all of its runs are gone."""
    runs = [(each.sweep, each) for each in summaries if each.sweep and each.sweep.id == sweep_id]
    if not runs:
        return None
    ordered = sorted(runs, key=lambda pair: pair[0].place)
    return Sweep(ordered[0][0].id, ordered[0][0].setting, tuple(ordered))


def place_in(sweep: Sweep | None) -> str:
    """Return which of a sweep's trainings is in hand: "Batch size 8, 2 of 4. "; nothing once it is over."""
    if sweep is None or not sweep.is_going:
        return ""
    place = sweep.summaries.index(sweep.in_hand)
    return f"{sweep.runs[place][0].title.capitalize()}, {place + 1} of {len(sweep.runs)}. "


def sweep_html(sweep: Sweep | None) -> str:
    """Return one row a value, the best one marked, and what the differences are worth; nothing for no sweep."""
    if sweep is None:
        return ""
    name = title_of(sweep.setting).capitalize()
    head = "".join(f'<th scope="col"{_look(header)}>{header}</th>' for header in (name, *HEADERS))
    rows = "".join(_row(member, each, is_best=each is sweep.best) for member, each in sweep.runs)
    finished = sum(each.status == "finished" for each in sweep.summaries)
    title = f"{name}: {finished} of {count(len(sweep.runs), 'run')} finished"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    basis = ""
    if sweep.started:
        started = sweep.started[0]
        chance = percent(chance_level(len(started.classes)))
        basis = f"Of {count(started.validation_pictures, 'validation picture')}; chance is {chance}."
    return (
        f'<h3 class="section-title">{html.escape(title)}</h3>'
        + f'<div class="runs" tabindex="0" role="region" aria-label="Runs of the sweep">{table}</div>'
        + sentence(f"{basis} {reading(sweep)}".strip())
    )


def reading(sweep: Sweep) -> str:
    """Say which value came out best, and whether that can be told from luck; nothing before a run is finished."""
    best = sweep.best
    if best is None or best.sweep is None or not sweep.started:
        return ""
    said = [f"Lowest validation loss: {best.sweep.title}."]
    shares = [each.best.accuracy for each in sweep.summaries if each.best and each.status == "finished"]
    if len(shares) > 1:
        said.append(_luck(shares, pictures=sweep.started[0].validation_pictures, is_over=not sweep.is_going))
    if sweep.setting == "seed":
        said.append("Each seed draws a split of its own: how far the runs lie apart is what luck does.")
    else:
        said.append(f"Every run used seed {best.config.seed}, and with it the same split.")
    return " ".join(said)


def _luck(shares: Sequence[float], *, pictures: int, is_over: bool) -> str:
    mean, gap = sum(shares) / len(shares), max(shares) - min(shares)
    reach = smallest_difference(round(mean * pictures), pictures)
    found = "no value is shown to be better" if gap < reach else "the best of several still looks better than it is"
    widest = f"; the widest gap here is {gap * 100:.0f}: {found}" if is_over else ""
    return f"Accuracies less than about {reach * 100:.0f} points apart cannot be told from luck{widest}."


def _row(member: SweepMember, summary: RunSummary, *, is_best: bool) -> str:
    state, best = _shown_status(summary), summary.best
    scores = [str(summary.best_epoch), f"{best.loss:.3f}", percent(best.accuracy)] if best else ["–"] * 3
    time = duration(summary.seconds) if summary.curve else "–"
    mark = ' <span class="best-mark">best</span>' if is_best else ""
    cells = "".join(
        f"<td{_look(header)}>{cell}</td>" for header, cell in zip(HEADERS[1:], [*scores, time], strict=True)
    )
    return (
        f"<tr{' class=best' if is_best else ''}><td>{html.escape(value_text(member.value))}{mark}</td>"
        f'<td class="state {state}">{state}</td>{cells}</tr>'
    )


def _shown_status(summary: RunSummary) -> Status:
    """Return a run's status; a waiting one that is asked to stop is stopping until it is withdrawn."""
    is_leaving = summary.status == "queued" and summary.run.stop_requested()
    return "stopping" if is_leaving else summary.status


def _look(header: str) -> str:
    return ' class="number"' if header in HEADERS[1:] else ""
