"""What the endpoints answer, as types that become their schemas: names and units stay as they are."""

from __future__ import annotations

# Where Python is older than 3.12, pydantic makes schemas of these only.
from typing_extensions import TypedDict


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
