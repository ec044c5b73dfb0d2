"""Luck in words and in a table, as HTML: what a repeat will cost, and what it came to."""

from __future__ import annotations

import html
from collections.abc import Sequence

from emotion.analysis import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.luck_result import LuckResult, SetLuck, percent
from emotion.analysis.pool import pictures_of
from emotion.core.errors import PictureError
from emotion.core.events import RunFinished, TrunkProgress
from emotion.core.format import count, duration
from emotion.core.labels import colour_of_set
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run
from emotion.ui.look_cost import looks_sentence
from emotion.ui.run_board import RunSummary
from emotion.ui.status import drawn_note, sentence
from emotion.ui.tables import column_head, row_head, scrolled

BLOCKS_TOO = (
    "This run trained more than its classifier: training it anew takes as long as it took. Only the draw is repeated "
    "here; for other trainings, sweep over seeds in Train."
)


def cost_html(run: Run, comparison: Comparison, *, seeds: int, is_known: bool, runs: Sequence[RunSummary]) -> str:
    """Return what a repeat costs before it is begun; ``is_known`` says that its pictures were looked at for one."""
    is_retrained, most, said = run.config().depth == "head", 0, []
    if not is_retrained:
        said.append(BLOCKS_TOO)
    if not is_known:
        try:
            most = sum(len(pictures_of(comparison, name, comparison.emotions())) for name in comparison.sets)
        except PictureError as error:
            return sentence(str(error))
        said.append(looks_sentence(run.config(), most=most, runs=runs))
    took = _training_seconds(run)
    if is_retrained and took is not None:
        said.append(
            f"{'Then' if most else 'Every picture is known:'} {seeds} trainings of about {duration(took)} each."
        )
    return sentence(" ".join(said))


def finding_html(result: LuckResult, comparison: Comparison) -> str:
    """Return what the repeats came to, and what that rests on."""
    seeds = f"training seeds {', '.join(map(str, result.seeds))}" if result.is_retrained else "this run's training"
    emotion = f"“{result.emotion}”" if result.emotion else "all emotions together"
    draws = f", draws by seed {comparison.seed}" if result.draws > 1 else ""
    basis = f"Mean correct-class confidence, {emotion}; {seeds}{draws}; chance {percent(result.chance)}."
    note = drawn_note(shown=any(is_drawn(folder) for folder in comparison.folders.values()))
    return (
        f'<div class="headline luck"><p class="finding">{html.escape(result.sentence())}</p>'
        f"<p>{html.escape(result.own_sentence())}</p>"
        f'<p class="basis">{html.escape(basis)}</p></div>{note}'
    )


def table_html(result: LuckResult) -> str:
    """Return a row for each set: how it comes out, what moves it, and what was left out."""
    has_others = any(each.reference_ahead is not None for each in result.sets.values())
    heads = [
        "Set",
        "Pictures",
        "Results",
        "This comparison",
        "Another draw",
        "Another training",
        "Right of all",
    ]
    heads += [f"{plural(result.reference).capitalize()} ahead"] if has_others else []
    rows = "".join(_row(name, each, has_others=has_others) for name, each in result.sets.items())
    head = "".join(map(column_head, heads))
    table = f'<table class="measures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    note = (
        "Results: where 95 % of them lie, or all where every picture is used. Another draw, another training: standard "
        "deviations in percentage points. Right of all: top-1 accuracy over all pictures, least to most."
    )
    return scrolled(table, label="Results over repeats") + sentence(" ".join([note, *_left_out(result)]))


def _row(name: str, each: SetLuck, *, has_others: bool) -> str:
    low, high = each.span
    right = sorted(training.accuracy for training in each.trainings)
    cells = [
        f"all {each.n}" if each.is_whole else f"{each.size} of {each.n}",
        f"{percent(low)} to {percent(high)}",
        percent(each.observed),
        "–" if each.is_whole else _points(each.draw_deviation),
        "–" if each.training_deviation is None else _points(each.training_deviation),
        percent(right[0]) if right[0] == right[-1] else f"{percent(right[0])} to {percent(right[-1])}",
    ]
    if has_others:
        cells.append("–" if each.reference_ahead is None else percent(each.reference_ahead))
    return f"<tr>{row_head(name, colour_of_set(name))}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _points(deviation: float) -> str:
    return f"{100 * deviation:.1f}"


def _left_out(result: LuckResult) -> list[str]:
    said = []
    for name, each in result.sets.items():
        if each.unreadable:
            said.append(f"{count(each.unreadable, 'picture')} of {plural(name)} cannot be read and left out.")
        if each.trained_on:
            said.append(
                f"{count(each.trained_on, 'picture')} of {plural(name)} left out, since the run was trained on them."
            )
    return said


def _training_seconds(run: Run) -> float | None:
    """Return how long the run's own training took once its pictures were looked at."""
    events = run.events()
    looked = next((event for event in reversed(events) if isinstance(event, TrunkProgress)), None)
    finished = next((event for event in reversed(events) if isinstance(event, RunFinished)), None)
    return finished.elapsed_seconds - looked.elapsed_seconds if looked and finished else None
