"""The runs of a sweep: which one is in hand, which is best, and what their differences are worth."""

from collections.abc import Iterable, Sequence

from emotion.analysis.blocks import Block, Row, Table, Text, row
from emotion.core.events import RunStarted
from emotion.core.format import count, duration, percent
from emotion.core.labels import chance_level
from emotion.runs.sweep import SweepMember, title_of, value_text
from emotion.runs.validation import smallest_difference
from emotion.ui.run_board import RunSummary
from emotion.ui.words import ENDED

HEAD = ("Status", "Epoch kept", "Validation loss", "Validation accuracy", "Time")


def runs_of(summaries: Iterable[RunSummary], sweep_id: str) -> list[RunSummary]:
    """Return the existing runs of a sweep, in the order of their values; none for an empty id."""
    found = [(each.sweep.place, each) for each in summaries if each.sweep and each.sweep.id == sweep_id]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def is_going(runs: Iterable[RunSummary]) -> bool:
    """Whether one of the runs is training or queued."""
    return any(each.status not in ENDED for each in runs)


def best_of(runs: Iterable[RunSummary]) -> RunSummary | None:
    """Return the finished run with the lowest validation loss, the criterion that also selects a run's best epoch."""
    scored = [(each.best.loss, each) for each in runs if each.best and each.status == "finished"]
    return min(scored, key=lambda pair: pair[0])[1] if scored else None


def in_hand(runs: Sequence[RunSummary]) -> RunSummary:
    """Return the running or next run; once all have ended, the best one."""
    running = [each for each in runs if each.status in ("running", "stopping")]
    waiting = [each for each in runs if each.status == "queued"]
    return next(iter(running + waiting), best_of(runs) or runs[-1])


def place_in(runs: Sequence[RunSummary]) -> str:
    """Return the current training's place in its sweep: "Batch size 8, 2 of 4. "; empty once it is over."""
    if not is_going(runs):
        return ""
    current = in_hand(runs)
    return f"{_member(current).title.capitalize()}, {runs.index(current) + 1} of {len(runs)}. "


def sweep_blocks(runs: Sequence[RunSummary]) -> list[Block]:
    """Return a table with one row per value and the best one marked, and a reading of it; nothing without runs."""
    if not runs:
        return []
    name, best = title_of(_member(runs[0]).setting).capitalize(), best_of(runs)
    finished = sum(each.status == "finished" for each in runs)
    title, said = f"{name}: {finished} of {count(len(runs), 'run')} finished", reading(runs)
    table = Table(title, name, HEAD, [_row(each, is_best=each is best) for each in runs])
    return [table, Text(said, "note")] if said else [table]


def reading(runs: Sequence[RunSummary]) -> str:
    """Return which value is best, and whether that could be chance; empty before a run has finished."""
    best = best_of(runs)
    started = [event for each in runs for event in each.curve if isinstance(event, RunStarted)]
    if best is None or not started:
        return ""
    pictures, chance = started[0].validation_pictures, percent(chance_level(len(started[0].classes)))
    said = [f"Of {count(pictures, 'validation picture')}; chance is {chance}."]
    said.append(f"Lowest validation loss: {_member(best).title}.")
    shares = [each.best.accuracy for each in runs if each.best and each.status == "finished"]
    if len(shares) > 1:
        said.append(_luck(shares, pictures=pictures, is_over=not is_going(runs)))
    if _member(best).setting == "seed":
        said.append("Each seed draws its own split: how far the runs lie apart is luck.")
    else:
        said.append(f"Every run used seed {best.config.seed}, and with it the same split.")
    return " ".join(said)


def _member(summary: RunSummary) -> SweepMember:
    """Return a run's place in its sweep: what comes here has one."""
    assert summary.sweep is not None
    return summary.sweep


def _luck(shares: Sequence[float], *, pictures: int, is_over: bool) -> str:
    mean, gap = sum(shares) / len(shares), max(shares) - min(shares)
    reach = smallest_difference(round(mean * pictures), pictures)
    found = "no value is shown to be better" if gap < reach else "the best of several still looks better than it is"
    widest = f"; the widest gap here is {gap * 100:.0f}: {found}" if is_over else ""
    return f"Accuracies less than about {reach * 100:.0f} points apart cannot be told from luck{widest}."


def _row(summary: RunSummary, *, is_best: bool) -> Row:
    # A queued run that is asked to stop counts as stopping until it is withdrawn.
    is_leaving = summary.status == "queued" and summary.run.stop_requested()
    state = "stopping" if is_leaving else summary.status
    best = summary.best
    scores = (str(summary.best_epoch), f"{best.loss:.3f}", percent(best.accuracy)) if best else ("–", "–", "–")
    name = value_text(_member(summary).value) + (" best" if is_best else "")
    time = duration(summary.seconds) if summary.curve else "–"
    return row(name, state, *scores, time)
