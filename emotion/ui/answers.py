"""Return types of the named endpoints, from which Gradio makes schemas; field names and units are stable."""

from pathlib import Path
from typing import Any, TypeVar, cast

# Before Python 3.12, pydantic makes schemas of these TypedDicts only.
from typing_extensions import TypedDict

from emotion.analysis.comparison import Comparison, Gap
from emotion.analysis.findings import caveats, gap_sentence
from emotion.core.events import EpochDone
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
T = TypeVar("T")


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
    sentence = prediction.novelty_sentence()
    return _like(PredictionAnswer, prediction, run=run.name, unknown=prediction.is_unknown, unknown_sentence=sentence)


def comparison_answer(comparison: Comparison, path: Path) -> ComparisonAnswer:
    """Return a comparison without its pictures; with several emotions, also the pooled result of each set."""
    results = [(name, label, result) for name, found in comparison.sets.items() for label, result in found.items()]
    if len(comparison.emotions()) > 1:
        results += [(name, ALL, comparison.pooled(name)) for name in comparison.sets]
    samples = [_sample(*each) for each in results]
    gaps, notes = [_gap(each) for each in comparison.gaps], caveats(comparison, None)
    if any(is_drawn(folder) for folder in comparison.folders.values()):
        notes = [*notes, DRAWN_NOTE]
    run = Path(comparison.run).name
    return _like(ComparisonAnswer, comparison, run=run, file=path.name, samples=samples, gaps=gaps, notes=notes)


def run_line(found: RunSummary) -> RunLine:
    """Return a run as a line of the list of runs; losses and accuracies are those on its validation pictures."""
    best = found.best
    return _like(
        RunLine,
        found.config,
        run=found.run.name,
        title=found.title,
        status=found.status,
        picture_set=set_title(found.config.pictures),
        best_epoch=found.best_epoch,
        best_loss=best.loss if best else None,
        best_accuracy=best.accuracy if best else None,
        elapsed_seconds=found.seconds,
        can_predict=found.has_checkpoint,
    )


def run_answer(run: Run, *, queue_place: int | None) -> RunAnswer:
    """Return a run's progress, in numbers and as a sentence. Raises EmotionError if the run cannot be read."""
    found = summarise(run)
    last = next((each for each in reversed(found.curve) if isinstance(each, EpochDone)), None)
    return {
        **run_line(found),
        "message": progress(found.curve, found.status, queue_place=queue_place).sentence,
        "queue_place": queue_place,
        "epoch": last.epoch if last else 0,
        "train_loss": last.train_loss if last else None,
        "train_accuracy": last.train_accuracy if last else None,
        "validation_loss": last.validation.loss if last else None,
        "validation_accuracy": last.validation.accuracy if last else None,
    }


def set_answer(found: PictureSet) -> SetAnswer:
    """Return a picture set with its key and its number of pictures per class."""
    return _like(SetAnswer, found, classes={label: len(paths) for label, paths in found.pictures().items()})


def import_answer(saved: SavedSet) -> ImportAnswer:
    """Return a summary of an imported set, with the key that the other endpoints take."""
    manifest, key = saved.manifest, saved_key(saved)
    counts = {"pictures": len(manifest.pictures), "classes": manifest.counts(), "left_out": len(manifest.skipped)}
    return _like(ImportAnswer, manifest, key=key, findings=findings(manifest), **counts)


def _sample(name: str, emotion: str, result: SampleResult) -> SampleAnswer:
    unreadable, twins = len(result.unreadable), len(result.near_duplicates)
    return _like(SampleAnswer, result, set=name, emotion=emotion, unreadable=unreadable, near_duplicates=twins)


def _gap(gap: Gap) -> GapAnswer:
    told, found = {"emotion": gap.emotion or ALL, "sentence": gap_sentence(gap)}, gap.difference
    return _like(GapAnswer, gap, gap=found.gap, interval=found.interval, p_value=found.p_value, **told)


def _like(kind: type[T], source: object, **own: Any) -> T:
    """Return an answer of a kind: each field is one of ``own``, or the source's attribute of its name."""
    values = {name: own[name] if name in own else getattr(source, name) for name in kind.__annotations__}
    return cast(T, values)
