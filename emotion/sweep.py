"""Several trainings that differ in one setting, read from a line of text. Starts none of them."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from emotion.config import TrainConfig, parse_depth
from emotion.errors import ConfigError

MAX_VALUES = 12
Value = int | float | str


@dataclass(frozen=True)
class SweptSetting:
    """A setting that can be swept: what it is called in a sentence, how a value is read, and values to begin with."""

    title: str
    read: Callable[[str], Value]
    values: str


SWEPT_SETTINGS: dict[str, SweptSetting] = {
    "batch_size": SweptSetting("batch size", int, "4, 8, 16, 24"),
    "epochs": SweptSetting("epochs", int, "2, 4, 8, 16"),
    "head_learning_rate": SweptSetting("classifier learning rate", float, "5e-4, 1.5e-3, 5e-3, 1.5e-2"),
    "block_learning_rate": SweptSetting("block learning rate", float, "1e-5, 5e-5, 2e-4"),
    "weight_decay": SweptSetting("weight decay", float, "0, 0.01, 0.1"),
    "label_smoothing": SweptSetting("label smoothing", float, "0, 0.05, 0.1, 0.2"),
    "depth": SweptSetting("depth", parse_depth, "head, 1, 2"),
    "augmentation": SweptSetting("augmentation", str, "off, light, zoom"),
    "seed": SweptSetting("seed", int, "1, 2, 3, 4, 5"),
}


@dataclass(frozen=True)
class SweepMember:
    """What a run folder keeps of its sweep: which one, the setting, this run's value, and its place from 0."""

    id: str
    setting: str
    value: Value
    place: int

    @property
    def title(self) -> str:
        """Setting and value as a person says them: batch size 4."""
        swept = SWEPT_SETTINGS.get(self.setting)
        return f"{swept.title if swept else self.setting} {value_text(self.value)}"

    @classmethod
    def from_record(cls, record: object) -> SweepMember | None:
        """Read what a run folder keeps; None for a run that belongs to no sweep, or to one that cannot be read."""
        if not isinstance(record, dict):
            return None
        try:
            return cls(str(record["id"]), str(record["setting"]), _value(record["value"]), int(record["place"]))
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class PlannedRun:
    """A training of a sweep that is still to be started."""

    config: TrainConfig
    member: SweepMember


def plan_sweep(config: TrainConfig, *, setting: str, values: str) -> list[PlannedRun]:
    """Return a training for each value of ``setting``, otherwise as in ``config``, in the order of ``values``.

    ``values`` is text: values with commas, semicolons or spaces between them.

    Raises:
        ConfigError: the setting cannot be swept or has no effect, or there is no value, one that cannot be read or is
            out of range, the same one twice, or too many.
    """
    if setting not in SWEPT_SETTINGS:
        raise ConfigError(f"{setting!r} cannot be swept: choose one of {', '.join(SWEPT_SETTINGS)}.")
    if setting == "block_learning_rate" and config.depth == "head":
        raise ConfigError("No block is trained, so its learning rate does nothing: train the last block or more first.")
    read = _read_values(SWEPT_SETTINGS[setting], values)
    sweep_id = _new_id()
    changes: list[dict[str, Any]] = [{setting: value} for value in read]
    return [
        PlannedRun(replace(config, **change), SweepMember(sweep_id, setting, value, place))
        for place, (value, change) in enumerate(zip(read, changes, strict=True))
    ]


def value_text(value: Value) -> str:
    """Return a value as a person writes it: 24, 0.0015, 5e-5, head."""
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value)


def _new_id() -> str:
    """Return an id of its own whose order is that of time, also of two in one second."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(seconds))}-{rest:09d}-{secrets.token_hex(2)}"


def _read_values(swept: SweptSetting, text: str) -> list[Value]:
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    if not words:
        raise ConfigError(f"No value is given: write some with commas between them, for instance {swept.values}.")
    if len(words) > MAX_VALUES:
        raise ConfigError(f"These are {len(words)} values: leave at most {MAX_VALUES}.")
    values: list[Value] = []
    for word in words:
        value = _read(swept, word)
        if value in values:
            raise ConfigError(f"{swept.title.capitalize()} {value_text(value)} is there twice: leave one of them out.")
        values.append(value)
    return values


def _read(swept: SweptSetting, word: str) -> Value:
    try:
        return swept.read(word)
    except ValueError:
        kind = "whole numbers" if swept.read is int else "numbers"
        raise ConfigError(
            f"{swept.title.capitalize()} cannot be {word!r}: write {kind} with commas between them, "
            f"for instance {swept.values}."
        ) from None


def _value(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("a value is a number or a word")
    return value
