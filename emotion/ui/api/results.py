"""Make the endpoints' answers of the project's own values."""

from __future__ import annotations

from pathlib import Path

from emotion.analysis.comparison import Comparison, Gap
from emotion.analysis.findings import caveats, gap_sentence
from emotion.core.events import EpochDone, without_void
from emotion.core.labels import DRAWN_NOTE
from emotion.core.prediction import Prediction
from emotion.core.scored import SampleResult
from emotion.data.drawn import is_drawn
from emotion.data.findings import findings
from emotion.data.sets import SavedSet
from emotion.runs.run import Run
from emotion.ui.api.answers import (
    ComparisonAnswer,
    GapAnswer,
    ImportAnswer,
    PredictionAnswer,
    RunAnswer,
    RunLine,
    SampleAnswer,
    SetAnswer,
)
from emotion.ui.picture_sets import PictureSet, saved_key, set_title
from emotion.ui.run_board import RunSummary, summarise
from emotion.ui.words import progress

ALL = "all"


def prediction_answer(prediction: Prediction, run: Run) -> PredictionAnswer:
    """Return a prediction with the run that made it."""
    return {
        "run": run.name,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "scores": prediction.scores,
        "precision": prediction.precision,
        "seconds": prediction.seconds,
        "unknown": prediction.is_unknown,
        "unknown_sentence": prediction.novelty_sentence(),
    }


def comparison_answer(comparison: Comparison, path: Path) -> ComparisonAnswer:
    """Return a comparison without its pictures; of several emotions also what they amount to together."""
    samples = [
        _sample(name, label, result) for name, found in comparison.sets.items() for label, result in found.items()
    ]
    if len(comparison.emotions()) > 1:
        samples += [_sample(name, ALL, comparison.pooled(name)) for name in comparison.sets]
    drawn = [DRAWN_NOTE] if any(is_drawn(folder) for folder in comparison.folders.values()) else []
    return {
        "run": Path(comparison.run).name,
        "file": path.name,
        "seed": comparison.seed,
        "size": comparison.size,
        "chance": comparison.chance,
        "precision": comparison.precision,
        "samples": samples,
        "gaps": [_gap(gap) for gap in comparison.gaps],
        "notes": [*caveats(comparison, None), *drawn],
    }


def run_line(found: RunSummary) -> RunLine:
    """Return a run as a list of runs shows it; losses and accuracies are of its validation pictures."""
    config = found.config
    return {
        "run": found.run.name,
        "title": found.title,
        "status": found.status,
        "picture_set": set_title(config.pictures),
        "backbone": config.backbone,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "best_epoch": found.best_epoch,
        "best_loss": found.best.loss if found.best else None,
        "best_accuracy": found.best.accuracy if found.best else None,
        "elapsed_seconds": found.seconds,
        "can_predict": found.has_checkpoint,
    }


def run_answer(run: Run, *, queue_place: int | None) -> RunAnswer:
    """Return how a run stands, in numbers and in a sentence.

    Raises:
        EmotionError: it cannot be read.
    """
    found = summarise(run)
    last = next((each for each in reversed(found.curve) if isinstance(each, EpochDone)), None)
    return {
        **run_line(found),
        "message": progress(without_void(run.events()), found.status, queue_place=queue_place).sentence,
        "queue_place": queue_place,
        "epoch": last.epoch if last else 0,
        "train_loss": last.train_loss if last else None,
        "train_accuracy": last.train_accuracy if last else None,
        "validation_loss": last.validation.loss if last else None,
        "validation_accuracy": last.validation.accuracy if last else None,
    }


def set_answer(found: PictureSet) -> SetAnswer:
    """Return a picture set as it is offered."""
    return {
        "key": found.key,
        "title": found.title,
        "species": found.species,
        "classes": {label: len(paths) for label, paths in found.pictures().items()},
        "is_drawn": found.is_drawn,
        "is_for_training": found.is_for_training,
    }


def import_answer(saved: SavedSet) -> ImportAnswer:
    """Return an imported set in short, with the key that the other endpoints take."""
    manifest = saved.manifest
    return {
        "key": saved_key(saved),
        "name": manifest.name,
        "species": manifest.species,
        "pictures": len(manifest.pictures),
        "classes": manifest.counts(),
        "left_out": len(manifest.skipped),
        "findings": findings(manifest),
    }


def _sample(name: str, emotion: str, result: SampleResult) -> SampleAnswer:
    return {
        "set": name,
        "emotion": emotion,
        "n": result.n,
        "correct": result.correct,
        "accuracy": result.accuracy,
        "accuracy_interval": list(result.accuracy_interval),
        "correct_confidence": result.correct_confidence,
        "correct_confidence_interval": list(result.correct_confidence_interval),
        "runner_up": result.runner_up,
        "log_loss": result.log_loss,
        "brier": result.brier,
        "predicted": result.predicted,
        "unreadable": len(result.unreadable),
        "near_duplicates": len(result.near_duplicates),
        "is_trained_on": result.is_trained_on,
    }


def _gap(gap: Gap) -> GapAnswer:
    found = gap.difference
    return {
        "reference": gap.reference,
        "other": gap.other,
        "emotion": gap.emotion or ALL,
        "gap": found.gap,
        "interval": list(found.interval),
        "p_value": found.p_value,
        "adjusted_p_value": gap.adjusted_p_value,
        "sentence": gap_sentence(gap),
    }
