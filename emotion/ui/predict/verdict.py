"""What a run says of a picture, in a sentence, with what it rests on. Judges nothing."""

from __future__ import annotations

import html

from emotion.labels import colour_of
from emotion.prediction import Prediction
from emotion.runs import Run
from emotion.ui.status import drawn_note
from emotion.ui.words import verdict
from emotion.words import duration


def verdict_html(prediction: Prediction, run: Run, *, is_drawn: bool) -> str:
    """Return the verdict, what it rests on, and the line that drawn pictures need."""
    text = html.escape(verdict(prediction.scores, label=prediction.label))
    rest = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    return (
        f'<div class="verdict" role="status" style="--accent:{colour_of(prediction.label)}"><b>{text}</b>'
        f"<span>{html.escape(rest)}</span></div>{drawn_note(shown=is_drawn)}"
    )
