"""The published model card: the run's own card, with its results on each species."""

from __future__ import annotations

from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.findings import gap_sentence, gaps_of
from emotion.core.errors import RunError
from emotion.core.format import escaped, percent, span
from emotion.core.labels import DRAWN_NOTE, RELAXED_WARNING
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run

HEAD = "| set | pictures | mean correct-class confidence | right | log loss |\n|---|---|---|---|---|\n"
NOTHING = "\n## Species\n\nIt was compared on no species before it was handed on.\n"
LIMITS = """
## Limits

- A facial expression is not a feeling (Barrett et al. 2019, doi 10.1177/1529100619832930).
- In the European Union, systems that read emotions of people at work or in education are banned (AI Act, Art. 5(1)(f)).
- Samples are small, and labels are what people called a picture.
"""


def card_of(run: Run) -> str:
    """Return the card of a run's checkpoint with the results of its newest comparison; RunError if it has no card."""
    try:
        card = ModelCard((run.checkpoint / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"The checkpoint of {run.name} has no card that can be read: train it again.") from error
    comparison = _newest(run)
    if comparison:
        card.data = ModelCardData(
            **{**vars(card.data), "model_name": run.name, "eval_results": _eval_results(comparison)}
        )
    card.text += (_section(comparison) if comparison else NOTHING) + LIMITS
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


def _section(comparison: Comparison) -> str:
    rows = "".join(
        f"| {escaped(name)} | {each.n} | {percent(each.correct_confidence)} ({span(each.correct_confidence_interval)}) "
        f"| {each.correct} ({span(each.accuracy_interval)}) | {each.log_loss:.2f} |\n"
        for name, each in comparison.results(None).items()
    )
    gaps = "".join(f"\n- {escaped(gap_sentence(gap))}" for gap in gaps_of(comparison, None))
    drawn = f"\n\n*{DRAWN_NOTE}*" if any(map(is_drawn, comparison.folders.values())) else ""
    relaxed = f"\n\n{RELAXED_WARNING}" if comparison.relaxed_as_tired else ""
    return (
        f"\n## Species\n\n{escaped(', '.join(comparison.emotions()))}, seed {comparison.seed}, chance "
        f"{percent(comparison.chance)}; in brackets 95 % intervals in percent, Student-t for a mean and Wilson for a "
        f"share.\n\n{HEAD}{rows}{gaps}{relaxed}{drawn}\n"
    )
