"""What a run says of a picture, in sentences and HTML: the verdict, the doubt beside it, what another run says."""

from __future__ import annotations

import html
from collections.abc import Mapping

from emotion.core.format import duration, exact_percent, percent, points
from emotion.core.labels import colour_of
from emotion.core.prediction import Prediction
from emotion.runs.run import Run
from emotion.ui.run_board import trained_on_drawn
from emotion.ui.status import drawn_badge

SEEN_DRAWINGS = "but this model has only seen drawings. Train it on photographs."
# A single picture is one draw.
ONE_PICTURE = "One picture does not tell which run is better: Cross-species compares a run on samples."


def verdict(scores: Mapping[str, float], *, label: str, is_unknown: bool = False, is_of_drawings: bool = False) -> str:
    """Say what a prediction amounts to, and how sure of it one may be.

    ``is_unknown`` says that the picture is of an unfamiliar kind, ``is_of_drawings`` that the run has seen
    drawings only.
    """
    ranked = sorted((name for name in scores if name != label), key=scores.__getitem__, reverse=True)
    top, runner_up = scores[label], ranked[0] if ranked else ""
    if is_unknown:
        return f"Leans to {label} ({percent(top)})" + (f", {SEEN_DRAWINGS}" if is_of_drawings else ".")
    if runner_up and top - scores[runner_up] < 0.1:
        return f"Undecided between {label} ({percent(top)}) and {runner_up} ({percent(scores[runner_up])})."
    if runner_up and top < 0.5:
        return f"Perhaps {label}: {percent(top)}, ahead of {runner_up} with {percent(scores[runner_up])}."
    return f"Looks {label}: {percent(top)}."


def wants_photographs(prediction: Prediction, run: Run) -> bool:
    """Whether photographs would help: the picture is of an unfamiliar kind, and the run has seen drawings only."""
    return bool(prediction.is_unknown) and trained_on_drawn(run)


def verdict_html(prediction: Prediction, run: Run, *, is_drawn: bool) -> str:
    """Return the verdict with the doubt beside it and what it rests on; a drawn picture is marked as one."""
    head = verdict(
        prediction.scores, label=prediction.label, is_unknown=bool(prediction.is_unknown),
        is_of_drawings=trained_on_drawn(run),
    )  # fmt: skip
    rest = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    small = "".join(f"<span>{html.escape(line)}</span>" for line in (prediction.novelty_sentence(), rest))
    kind = "verdict unknown" if prediction.is_unknown else "verdict"
    return (
        f'<div class="{kind}" role="status" style="--accent:{colour_of(prediction.label)}"><b>{html.escape(head)}</b>'
        f"{small}</div>{drawn_badge(shown=is_drawn)}"
    )


def difference_html(first: Prediction, second: Prediction) -> str:
    """Return what differs between the run in use and the other one, with what one picture is worth."""
    said = html.escape(difference(first, second))
    return f'<div class="headline"><p class="finding">{said}</p><p class="basis">{ONE_PICTURE}</p></div>'


def difference(first: Prediction, second: Prediction) -> str:
    """Return in a sentence or two what differs: the labels, and the probability of the first one's label."""
    label = first.label
    head = (
        f"Both say {label}."
        if second.label == label
        else f"They differ: the run in use says {label}, the other one {second.label}."
    )
    if label not in second.scores:
        return f"{head} The other one knows no class “{label}”."
    before, after = first.scores[label], second.scores[label]
    change = f"{points(after - before)} points"
    return f"{head} “{label}” has {exact_percent(before)} in use and {exact_percent(after)} in the other: {change}."
