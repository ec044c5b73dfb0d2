"""A sweep in words and as a table: how it stands, each value's scores, and what their differences are worth."""

from __future__ import annotations

import html
from collections.abc import Sequence

from emotion.core.format import capital, count, duration, percent
from emotion.core.labels import chance_level
from emotion.data.drawn import is_drawn
from emotion.runs.sweep import SweepMember, value_text
from emotion.runs.validation import smallest_difference
from emotion.ui.charts.look import run_look
from emotion.ui.run_board import RunSummary
from emotion.ui.status import drawn_note, sentence, status_box
from emotion.ui.sweeps import Sweep, shown_status
from emotion.ui.words import progress

NOTHING_YET = "Nothing is swept here yet. Press Sweep for one training a value, each after the one before."
WAITING = "Each value’s curves appear here."
LINES = "Bold: validation. Dotted: training."
_GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "cross": "✚", "x": "✖"}
HEADERS = ("Status", "Best epoch", "Validation loss", "Validation accuracy", "Time")


def sweep_status(sweep: Sweep | None) -> str:
    """Return how a sweep stands: a chip, a sentence, a bar."""
    if sweep is None:
        return status_box("idle", "ready", NOTHING_YET, None)
    states = [shown_status(each) for each in sweep.summaries]
    chip = next(
        each for each in ("stopping", "running", "queued", "failed", "interrupted", "stopped", "finished")
        if each in states
    )  # fmt: skip
    finished = states.count("finished")
    said = f"Sweep of {sweep.title}: {finished} of {count(len(states), 'run')} finished."
    # Before the first one has finished the bar only moves: it would stand still during the look at the pictures.
    share = finished / len(states) if finished and sweep.is_going else None
    return status_box(chip, chip, f"{said} {_in_hand(sweep)}", share)


def sweep_legend(sweep: Sweep | None) -> str:
    """Return the colour and the mark of each value's curves, for both charts."""
    members = [member for member, _ in sweep.runs] if sweep else []
    looks = [run_look(number) for number in range(len(members))]
    names = "".join(
        f'<li><i style="color:{colour}" aria-hidden="true">{_GLYPHS[mark]}</i>{html.escape(member.title)}</li>'
        for member, (colour, mark) in zip(members, looks, strict=True)
    )
    return f'<ul class="sweep-legend">{names}<li class="lines">{LINES}</li></ul>'


def sweep_table(sweep: Sweep | None) -> str:
    """Return one row a value, the best one marked, and what the differences are worth."""
    name = sweep.title.capitalize() if sweep else "Value"
    head = "".join(f'<th scope="col"{_look(header)}>{header}</th>' for header in (name, *HEADERS))
    best = sweep.best if sweep else None
    rows = "".join(_row(member, each, is_best=each is best) for member, each in sweep.runs) if sweep else ""
    return (
        f'<p class="note" id="sweep-caption">{_caption(sweep)}</p>'
        '<div class="runs" tabindex="0" role="region" aria-label="Runs of the sweep" aria-describedby="sweep-caption">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        + sentence(reading(sweep) if sweep else "")
        + drawn_note(shown=sweep is not None and any(is_drawn(each.config.pictures) for each in sweep.summaries))
    )


def reading(sweep: Sweep) -> str:
    """Say which value came out best, and whether that can be told from luck; nothing before a run is finished."""
    best = sweep.best
    if best is None or best.sweep is None or not sweep.started:
        return ""
    said = [f"Lowest validation loss: {best.sweep.title}, after epoch {best.best_epoch}."]
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
    return (
        f"With {count(pictures, 'validation picture')}, accuracies less than about {reach * 100:.0f} points apart "
        f"cannot be told from luck{f'; the widest gap here is {gap * 100:.0f}: {found}' if is_over else ''}."
    )


def _in_hand(sweep: Sweep) -> str:
    """Say what happens now, or what went wrong."""
    running = next((each for each in sweep.runs if each[1].status in ("running", "stopping")), None)
    if running is not None:
        member, summary = running
        return f"Now {member.title}. {progress(summary.run.events(), summary.status).sentence}"
    waiting = next((member for member, each in sweep.runs if each.status == "queued"), None)
    if waiting is not None:
        return f"{capital(waiting.title)} waits for its turn."
    wrong = next((each for each in sweep.runs if each[1].status in ("failed", "interrupted")), None)
    if wrong is not None:
        member, summary = wrong
        return f"{capital(member.title)}: {progress(summary.run.events(), summary.status).sentence}"
    return f"The trainings took {duration(sum(each.seconds for each in sweep.summaries))}."


def _caption(sweep: Sweep | None) -> str:
    if sweep is None or not sweep.started:
        return "One row a value; the lowest validation loss is marked as best."
    started = sweep.started[0]
    return (
        f"Validation accuracy is of {count(started.validation_pictures, 'picture')} held back; "
        f"chance is {percent(chance_level(len(started.classes)))}. The lowest validation loss is marked as best. "
        "Time includes the look at pictures, which only the first run has where the others see the same."
    )


def _row(member: SweepMember, summary: RunSummary, *, is_best: bool) -> str:
    state, best = shown_status(summary), summary.best
    scores = [str(summary.best_epoch), f"{best.loss:.3f}", percent(best.accuracy)] if best else ["–"] * 3
    time = duration(summary.seconds) if summary.curve else "–"
    mark = ' <span class="best-mark">best</span>' if is_best else ""
    value = html.escape(value_text(member.value))
    cells = "".join(
        f"<td{_look(header)}>{cell}</td>" for header, cell in zip(HEADERS[1:], [*scores, time], strict=True)
    )
    return (
        f'<tr{" class=best" if is_best else ""}><td><button type="button" data-run="{html.escape(summary.run.name)}" '
        f'aria-label="Open the run of {html.escape(member.title)}">{value}</button>{mark}</td>'
        f'<td class="state {state}">{state}</td>{cells}</tr>'
    )


def _look(header: str) -> str:
    return ' class="number"' if header in HEADERS[1:] else ""
