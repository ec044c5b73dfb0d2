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

    Of an unfamiliar kind of picture the doubt stands beside it.
    """
    head = verdict(prediction.scores, label=prediction.label)
    rest = f"Run {run.name}, {prediction.precision}, {duration(prediction.seconds)}"
    kind, lines = "verdict unknown" if prediction.is_unknown else "verdict", (prediction.novelty_sentence(), rest)
    small = "".join(f"<span>{html.escape(line)}</span>" for line in lines)
    return (
        f'<div class="{kind}" role="status" style="--accent:{colour_of(prediction.label)}"><b>{html.escape(head)}</b>'
        f"{small}</div>{drawn_note(shown=is_drawn)}"
    )
