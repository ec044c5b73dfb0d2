"""Return types of the named endpoints, from which Gradio makes schemas; field names and units are stable."""

from pathlib import Path

# Before Python 3.12, pydantic makes schemas of these TypedDicts only.
from typing_extensions import TypedDict

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
from emotion.ui.picture_sets import PictureSet, saved_key, set_title
from emotion.ui.run_board import RunSummary, summarise
from emotion.ui.words import progress

ALL = "all"


class PredictionAnswer(TypedDict):
    run: str
    label: str
    confidence: float
    scores: dict[str, float]
    precision: str
    seconds: float
    unknown: bool | None
    unknown_sentence: str


class SampleAnswer(TypedDict):
    set: str
    emotion: str
    n: int
    correct: int
    accuracy: float
    accuracy_interval: list[float]
    correct_confidence: float
    correct_confidence_interval: list[float]
    runner_up: int
    log_loss: float
    brier: float
    predicted: dict[str, int]
    unreadable: int
    near_duplicates: int
    is_trained_on: bool


class GapAnswer(TypedDict):
    reference: str
    other: str
    emotion: str
    gap: float
    interval: list[float]
    p_value: float
    adjusted_p_value: float
    sentence: str


class ComparisonAnswer(TypedDict):
    run: str
    file: str
    seed: int
    size: int | None
    chance: float
    precision: str
    samples: list[SampleAnswer]
    gaps: list[GapAnswer]
    notes: list[str]


class TrainingAnswer(TypedDict):
    run: str


class RunLine(TypedDict):
    run: str
    title: str
    status: str
    picture_set: str
    backbone: str
    epochs: int
    batch_size: int
    seed: int
    best_epoch: int | None
    best_loss: float | None
    best_accuracy: float | None
    elapsed_seconds: float
    can_predict: bool


class RunAnswer(RunLine):
    message: str
    queue_place: int | None
    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None


class SetAnswer(TypedDict):
    key: str
    title: str
    species: str
    classes: dict[str, int]
    is_drawn: bool
    is_for_training: bool


class ImportAnswer(TypedDict):
    key: str
    name: str
    species: str
    pictures: int
    classes: dict[str, int]
    left_out: int
    findings: list[str]


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
    """Return a comparison without its pictures; with several emotions, also the pooled result of each set."""
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
    """Return a run as a line of the list of runs; losses and accuracies are those on its validation pictures."""
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
    """Return a run's progress, in numbers and as a sentence. Raises EmotionError if the run cannot be read."""
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
    """Return a picture set with its key and its number of pictures per class."""
    return {
        "key": found.key,
        "title": found.title,
        "species": found.species,
        "classes": {label: len(paths) for label, paths in found.pictures().items()},
        "is_drawn": found.is_drawn,
        "is_for_training": found.is_for_training,
    }


def import_answer(saved: SavedSet) -> ImportAnswer:
    """Return a summary of an imported set, with the key that the other endpoints take."""
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
