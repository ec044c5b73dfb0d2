"""What a report is made of: a comparison, its run, and what is kept of both. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emotion.analysis.comparison import Comparison
from emotion.analysis.kept import load_comparison, run_of
from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.events import Event, RunStarted, without_void
from emotion.data.drawn import is_drawn
from emotion.report.naming import without_places
from emotion.runs.run import Run
from emotion.runs.split import SplitRow, load_split
from emotion.runs.validation import Validation, load_validation


@dataclass(frozen=True)
class Material:
    """A comparison with the run that made it; ``file`` is where the comparison is kept."""

    file: Path
    comparison: Comparison
    run: Run
    config: TrainConfig

    @classmethod
    def of(cls, file: Path) -> Material:
        """Return the material of a comparison's report.

        Raises:
            RunError: the comparison or its run cannot be read.
            ConfigError: the run's settings are not of this version.
        """
        comparison = load_comparison(file)
        run = run_of(file)
        return cls(file, comparison, run, run.config())

    @property
    def emotion(self) -> str | None:
        """The one emotion that was shown; None for several."""
        emotions = self.comparison.emotions()
        return emotions[0] if len(emotions) == 1 else None

    @property
    def is_drawn(self) -> bool:
        """Whether any of the pictures were drawn: those of the training, or those that were shown."""
        return any(is_drawn(folder) for folder in (self.config.pictures, *self.comparison.folders.values()))

    @property
    def is_trained_further(self) -> bool:
        """Whether the checkpoint was written after it had made the comparison."""
        try:
            written = (self.run.checkpoint / "model.safetensors").stat().st_mtime
        except OSError:
            return False
        return written > self.comparison.created

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """What the run's ``config.json`` holds."""
        return self.run.record()

    @cached_property
    def all_events(self) -> list[Event]:
        """Everything that happened in the training, also what is void since it was resumed."""
        return self.run.events()

    @cached_property
    def events(self) -> list[Event]:
        """What still holds of it."""
        return without_void(self.all_events)

    @property
    def started(self) -> RunStarted | None:
        """The last start of the training; None where its events are gone."""
        return next((event for event in reversed(self.events) if isinstance(event, RunStarted)), None)

    @cached_property
    def validation(self) -> Validation | None:
        """What the best epoch said of the validation pictures; None for a run that kept no such thing."""
        return load_validation(self.run)

    @cached_property
    def split(self) -> Mapping[str, list[SplitRow]]:
        """The rows of pictures that were trained on and validated on; empty where they are not recorded."""
        try:
            record = load_split(self.run)
        except RunError:
            return {}
        return {"train": record.train, "validation": record.validation}

    def looks(self) -> tuple[int, int]:
        """Return which comparison of its run this one is, by time, and how many are kept."""
        names = sorted(path.name for path in self.file.parent.glob("*.json"))
        return names.index(self.file.name) + 1 if self.file.name in names else 1, max(1, len(names))

    def tidy(self, text: str) -> str:
        """Return a text without the places where the run's and the sets' folders lie."""
        return without_places(text, [self.config.pictures, *self.comparison.folders.values(), str(self.run.path)])
