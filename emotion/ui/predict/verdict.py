"""What a run says of a picture, in a sentence, with what it rests on. Judges nothing."""

from __future__ import annotations

import html

from emotion.core.format import duration
from emotion.core.labels import colour_of
from emotion.core.prediction import Prediction
from emotion.runs.run import Run
from emotion.ui.status import drawn_note
from emotion.ui.words import verdict


def verdict_html(prediction: Prediction, run: Run, *, is_drawn: bool) -> str:
    """Return the verdict, what it rests on, and the line that drawn pictures need.

    Of a picture that is unlike all that the run was trained on, that comes first and the class in the small print.
    """
    said, familiar = verdict(prediction.scores, label=prediction.label), prediction.familiarity_sentence()
    rest = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    if prediction.is_unknown:
        kind, head, *lines = "verdict unknown", familiar, f"Asked for one of its classes all the same: {said}", rest
    else:
        kind, head, *lines = "verdict", said, familiar, rest
    small = "".join(f"<span>{html.escape(line)}</span>" for line in lines)
    return (
        f'<div class="{kind}" role="status" style="--accent:{colour_of(prediction.label)}"><b>{html.escape(head)}</b>'
        f"{small}</div>{drawn_note(shown=is_drawn)}"
    )
