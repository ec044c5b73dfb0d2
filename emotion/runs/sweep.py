"""Plan several trainings that differ in one setting, from a line of text."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from emotion.core.config import SETTINGS, TrainConfig
from emotion.core.errors import ConfigError

MAX_VALUES = 12
SWEPT_SETTINGS = {name: setting for name, setting in SETTINGS.items() if setting.sweep}
Value = int | float | str


@dataclass(frozen=True)
class SweepMember:
    """A run's record of its sweep: the sweep's id, the setting, this run's value, and its place from 0."""

    id: str
    setting: str
    value: Value
    place: int

    @property
    def title(self) -> str:
        """Setting and value in words: batch size 4."""
        return f"{title_of(self.setting)} {value_text(self.value)}"

    @classmethod
    def from_record(cls, record: object) -> SweepMember | None:
        """Read a run's record; None for a run without a sweep, or with a record that cannot be read."""
        try:
            member = cls(**record)  # type: ignore[arg-type]  # the file may hold anything
        except TypeError:
            return None
        is_value = isinstance(member.value, Value) and not isinstance(member.value, bool)
        return member if is_value and isinstance(member.place, int) else None


@dataclass(frozen=True)
class PlannedRun:
    """A training of a sweep that is not started yet."""

    config: TrainConfig
    member: SweepMember


def plan_sweep(config: TrainConfig, *, setting: str, values: str) -> list[PlannedRun]:
    """Return a training for each value of ``setting``, otherwise as in ``config``, in the order of ``values``.

    ``values`` is text: values separated by commas, semicolons or spaces.
    Raises ConfigError where the setting cannot be swept or has no effect, or there is no value, an unreadable one, one
    out of range, the same one twice, or too many.
    """
    if setting not in SWEPT_SETTINGS:
        raise ConfigError(f"{setting!r} cannot be swept: choose one of {', '.join(SWEPT_SETTINGS)}.")
    if setting == "block_learning_rate" and config.depth == "head":
        raise ConfigError("No block is trained, so its learning rate does nothing: train the last block or more first.")
    swept = SETTINGS[setting]
    given: list[Value] = [swept.read(word) for word in re.split(r"[,;\s]+", values) if word]
    if not given:
        raise ConfigError(f"No value is given: write some with commas between them, for instance {swept.sweep}.")
    if len(given) > MAX_VALUES:
        raise ConfigError(f"These are {len(given)} values: leave at most {MAX_VALUES}.")
    if twice := [value for place, value in enumerate(given) if value in given[:place]]:
        raise ConfigError(f"{swept.label} {value_text(twice[0])} is there twice: leave one of them out.")
    # Ids sort by time, and those of one moment are told apart.
    sweep = f"{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"
    changes = [cast(dict[str, Any], {setting: value}) for value in given]
    return [
        PlannedRun(replace(config, **change), SweepMember(sweep, setting, value, place))
        for place, (value, change) in enumerate(zip(given, changes, strict=True))
    ]


def title_of(setting: str) -> str:
    """Return a setting's name for the middle of a sentence."""
    return SETTINGS[setting].label.lower() if setting in SETTINGS else setting


def value_text(value: Value) -> str:
    """Return a value as a person writes it: 24, 0.0015, 5e-5, head."""
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value)
