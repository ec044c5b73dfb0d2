"""The published model card: the run's own card, with its results on each species."""

from __future__ import annotations

from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from emotion.analysis.blocks import Block, Text
from emotion.analysis.comparison import Comparison, load_comparison
from emotion.analysis.findings import caveats
from emotion.analysis.results import differences, measures
from emotion.core.errors import RunError
from emotion.core.format import listed
from emotion.core.labels import DRAWN_NOTE
from emotion.data.drawn import is_drawn
from emotion.report.limits import general
from emotion.report.render import blocks_markdown
from emotion.runs.run import Run

NOTHING = Text("It was compared on no species before it was handed on.")


def card_of(run: Run) -> str:
    """Return the card of a run's checkpoint with the results of its newest comparison; RunError if it has no card."""
    try:
        card = ModelCard((run.checkpoint / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"The checkpoint of {run.name} has no card that can be read: train it again.") from error
    comparison = _newest(run)
    if comparison:
        found = {"model_name": run.name, "eval_results": _eval_results(comparison)}
        card.data = ModelCardData(**{**vars(card.data), **found})
    species = blocks_markdown(_species(comparison) if comparison else [NOTHING])
    card.text += f"\n## Species\n\n{species}\n## Limits\n\n{blocks_markdown(general())}"
    return str(card)


def _newest(run: Run) -> Comparison | None:
    for file in sorted(run.comparisons.glob("*.json"), reverse=True):
        try:
            return load_comparison(file)
        except RunError:
            continue  # Skip a damaged one.
    return None


def _eval_results(comparison: Comparison) -> list[EvalResult]:
    found, emotions = [], ", ".join(comparison.emotions())
    for name, each in comparison.results(None).items():
        # The Hub distinguishes the results of several sets by their configuration, not their name.
        of: dict[str, Any] = {
            "task_type": "image-classification",
            "dataset_type": "image-folder",
            "dataset_name": f"{name}: {emotions}, n = {each.n}, seed {comparison.seed}",
            "dataset_config": name,
        }
        measured = {
            "accuracy": each.accuracy,
            "mean correct-class confidence": each.correct_confidence,
            "log loss": each.log_loss,
        }
        found += [EvalResult(**of, metric_type=key, metric_value=round(value, 4)) for key, value in measured.items()]
    return found


def _species(comparison: Comparison) -> list[Block]:
    """Return the results of all emotions, or of the only one."""
    emotions = comparison.emotions()
    emotion = emotions[0] if len(emotions) == 1 else None
    notes = caveats(comparison, emotion)
    if any(map(is_drawn, comparison.folders.values())):
        notes.append(DRAWN_NOTE)
    return [
        *measures(comparison, emotion),
        *differences(comparison, emotion),
        *(Text(each, "warning") for each in notes),
        Text(f"{listed(emotions)}, seed {comparison.seed}.", "note"),
    ]
