"""A prediction in sentences and HTML: the verdict with its doubt, the bars, and the difference to another run's."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence

from emotion.analysis.blocks import Text
from emotion.core.format import duration, exact_percent, percent, points
from emotion.core.labels import EMOTIONS, chance_level, colour_of, in_order
from emotion.core.prediction import Prediction
from emotion.runs.run import Run
from emotion.runs.validation import MOST_CLASSES
from emotion.ui.html import bars, drawn_badge
from emotion.ui.rendering import rendered
from emotion.ui.run_board import trained_on_drawn

SEEN_DRAWINGS = "but this model has only seen drawings. Train it on photographs."
TITLE, TITLE_BESIDE = "Probability of each emotion", "Probability by the other run"
# A single picture is a sample of one.
ONE_PICTURE = "One picture does not tell which run is better: Cross-species compares a run on samples."


def verdict(scores: Mapping[str, float], *, label: str, is_unknown: bool = False, is_of_drawings: bool = False) -> str:
    """Return a prediction as a sentence that reflects its certainty.

    ``is_unknown`` marks a picture of an unfamiliar kind, ``is_of_drawings`` a run trained on drawings only.
    """
    if is_unknown:
        return f"Leans to {label} ({percent(scores[label])})" + (f", {SEEN_DRAWINGS}" if is_of_drawings else ".")
    top = scores[label]
    second, runner_up = max(((score, name) for name, score in scores.items() if name != label), default=(0.0, ""))
    if runner_up and top - second < 0.1:
        return f"Undecided between {label} ({percent(top)}) and {runner_up} ({percent(second)})."
    if runner_up and top < 0.5:
        return f"Perhaps {label}: {percent(top)}, ahead of {runner_up} with {percent(second)}."
    return f"Looks {label}: {percent(top)}."


def answer_html(answers: Sequence[tuple[Prediction, Run]], *, is_drawn: bool) -> str:
    """Return what each run says of a picture, side by side, and how the second one differs from the first."""
    classes = {name for said, _ in answers for name in said.scores}
    parts = [
        verdict_html(said, run, is_drawn=is_drawn)
        + bars_html(TITLE if place == 0 else TITLE_BESIDE, said, classes=classes)
        for place, (said, run) in enumerate(answers)
    ]
    differs = ""
    if len(answers) == 2:
        (first, _), (second, _) = answers
        blocks = [Text(difference(first, second), "finding"), Text(ONE_PICTURE, "note")]
        differs = rendered(blocks, name="difference")
    return f'<div class="answers">{"".join(f"<div>{part}</div>" for part in parts)}</div>{differs}'


def no_answer_html(said: str) -> str:
    """Return a sentence (HTML) where there is no answer, above the bars of none."""
    return f'<div class="answers"><div>{said}{bars_html(TITLE, None)}</div></div>'


def verdict_html(prediction: Prediction, run: Run, *, is_drawn: bool) -> str:
    """Return the verdict with its doubt, run, precision and time; a drawn picture has a badge."""
    is_unknown, label = bool(prediction.is_unknown), prediction.label
    head = verdict(prediction.scores, label=label, is_unknown=is_unknown, is_of_drawings=trained_on_drawn(run))
    basis = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    badge = drawn_badge(shown=is_drawn)
    return box(head, prediction.novelty_sentence(), basis, colour=colour_of(label), badge=badge, is_unknown=is_unknown)


def box(
    head: str,
    *below: str,
    colour: str = "transparent",
    badge: str = "",
    is_unknown: bool = False,
    is_over: bool = False,
) -> str:
    """Return a sentence in bold with smaller ones below, in a class's colour; ``is_over`` ends a live camera."""
    kind = "verdict unknown" if is_unknown else "verdict"
    small = "".join(f"<span>{html.escape(each)}</span>" for each in below)
    return (
        f'<div class="{kind}" role="status" style="--accent:{colour}"{" data-over" if is_over else ""}>'
        f"<b>{html.escape(head)} {badge}</b>{small}</div>"
    )


def class_bars(
    scores: Mapping[str, float],
    *,
    classes: Iterable[str] = (),
    is_muted: bool = False,
    written: Callable[[float], str] = exact_percent,
) -> str:
    """Return the probability (0 to 1) of each class as bars in the fixed order of the classes, with chance.

    ``classes`` are those to show as well, for the same rows as in other bars.
    """
    often = sorted({*scores, *classes}, key=lambda name: -scores.get(name, 0.0))[:MOST_CLASSES]
    rows = [
        (name, scores.get(name, 0.0), written(scores[name]) if name in scores else "no class of it")
        for name in in_order(often)
    ]
    return bars(rows, chance=chance_level(len(scores)), is_muted=is_muted)


def bars_html(title: str, said: Prediction | None, *, classes: Iterable[str] = ()) -> str:
    """Return the bars of a prediction under a title; None is the place where they appear."""
    if said is None:
        shown, note = bars((name, 0.0, "") for name in EMOTIONS), ""
    else:
        shown = class_bars(said.scores, classes=classes, is_muted=bool(said.is_unknown))
        note = f"The dotted line is chance, {percent(chance_level(len(said.scores)))}."
    return f'<figure class="chart"><figcaption>{title}</figcaption>{shown}<p class="note">{note}</p></figure>'


def difference(first: Prediction, second: Prediction) -> str:
    """Return the difference of two predictions in sentences: the labels, and the probability of the first label."""
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
