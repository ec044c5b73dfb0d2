"""The card that goes out with a checkpoint: the run's own, and what came out on each species."""

from __future__ import annotations

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from emotion.analysis import Comparison, load_comparison
from emotion.analysis.findings import gap_sentence, gaps_of
from emotion.core.errors import RunError
from emotion.core.format import escaped, percent, span
from emotion.core.labels import DRAWN_NOTE, RELAXED_WARNING
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run

HEAD = "| set | pictures | mean correct-class confidence | right | log loss |\n|---|---|---|---|---|"
NOTHING = "It was compared on no species before it was handed on."
LIMITS = """
## Limits

- A facial expression is not a feeling (Barrett et al. 2019, doi 10.1177/1529100619832930).
- In the European Union, systems that read emotions of people at work or in education are banned (AI Act, Art. 5(1)(f)).
- Samples are small, and labels are what people called a picture.
"""


def card_of(run: Run) -> str:
    """Return the card of a run's checkpoint with what its newest comparison says of each set.

    Raises:
        RunError: the checkpoint has no card that can be read.
    """
    try:
        card = ModelCard((run.checkpoint / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"The checkpoint of {run.name} has no card that can be read: train it again.") from error
    comparison = _newest(run)
    if comparison is None:
        card.text += f"\n## Species\n\n{NOTHING}\n{LIMITS}"
        return str(card)
    results = [each for name in comparison.sets for each in _results(comparison, name)]
    card.data = ModelCardData(**{**vars(card.data), "model_name": run.name, "eval_results": results})
    card.text += _section(comparison) + LIMITS
    return str(card)


def _newest(run: Run) -> Comparison | None:
    for file in sorted(run.comparisons.glob("*.json"), reverse=True):
        try:
            return load_comparison(file)
        except RunError:
            continue  # A torn one says nothing.
    return None


def _results(comparison: Comparison, name: str) -> list[EvalResult]:
    whole = comparison.pooled(name)
    called = f"{name}: {', '.join(comparison.emotions())}, n = {whole.n}, seed {comparison.seed}"
    measured = {
        "accuracy": round(whole.accuracy, 4),
        "mean correct-class confidence": round(whole.correct_confidence, 4),
        "log loss": round(whole.log_loss, 4),
    }
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type="image-folder",
            dataset_name=called,
            # By this, and not by the name, the Hub tells one set's results from another's.
            dataset_config=name,
            metric_type=metric,
            metric_value=value,
        )
        for metric, value in measured.items()
    ]


def _section(comparison: Comparison) -> str:
    rows = []
    for name in comparison.sets:
        each = comparison.pooled(name)
        rows.append(
            f"| {escaped(name)} | {each.n} "
            f"| {percent(each.correct_confidence)} ({span(each.correct_confidence_interval)}) "
            f"| {each.correct} ({span(each.accuracy_interval)}) | {each.log_loss:.2f} |"
        )
    gaps = "".join(f"\n- {escaped(gap_sentence(gap))}" for gap in gaps_of(comparison, None))
    shown = escaped(", ".join(comparison.emotions()))
    drawn = f"\n\n*{DRAWN_NOTE}*" if any(map(is_drawn, comparison.folders.values())) else ""
    relaxed = f"\n\n{RELAXED_WARNING}" if comparison.relaxed_as_tired else ""
    return (
        f"\n## Species\n\n{shown}, seed {comparison.seed}, chance {percent(comparison.chance)}; in brackets 95 % "
        f"intervals in percent, Student-t for a mean and Wilson for a share.\n\n{HEAD}\n"
        + "\n".join(rows)
        + f"\n{gaps}{relaxed}{drawn}\n"
    )
