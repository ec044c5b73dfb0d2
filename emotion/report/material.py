"""The material of a report: a comparison, its run and their stored data, and names without paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from emotion.analysis.comparison import Comparison, load_comparison, run_of
from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.events import Event, RunStarted, without_void
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run
from emotion.runs.split import SplitRow, load_split

# The folders of an absolute path.
_PLACE = re.compile(r"(?<![\w./:])/(?:[^/\s'\"]+/)+")


@dataclass(frozen=True)
class Material:
    """A comparison with the run that made it; ``file`` is the comparison's file."""

    file: Path
    comparison: Comparison
    run: Run
    config: TrainConfig

    @classmethod
    def of(cls, file: Path) -> Material:
        """Return the material of a comparison's report; RunError or ConfigError if it or its run cannot be read."""
        run = run_of(file)
        return cls(file, load_comparison(file), run, run.config())

    @property
    def emotion(self) -> str | None:
        """The only emotion compared; None for several."""
        emotions = self.comparison.emotions()
        return emotions[0] if len(emotions) == 1 else None

    @property
    def is_drawn(self) -> bool:
        """Whether any pictures, of the training or of the comparison, are drawn."""
        return any(is_drawn(folder) for folder in (self.config.pictures, *self.comparison.folders.values()))

    @property
    def is_trained_further(self) -> bool:
        """Whether the checkpoint is newer than the comparison."""
        weights = self.run.checkpoint / "model.safetensors"
        return weights.is_file() and weights.stat().st_mtime > self.comparison.created

    @cached_property
    def all_events(self) -> list[Event]:
        """All events of the training, including those made void by a resume."""
        return self.run.events()

    @cached_property
    def events(self) -> list[Event]:
        """The events that are not void."""
        return without_void(self.all_events)

    @property
    def started(self) -> RunStarted | None:
        """The last start of the training; None if its events are gone."""
        return next((event for event in reversed(self.events) if isinstance(event, RunStarted)), None)

    @cached_property
    def split(self) -> Mapping[str, list[SplitRow]]:
        """The training and validation pictures; empty if they are not recorded."""
        try:
            record = load_split(self.run)
        except RunError:
            return {}
        return {"train": record.train, "validation": record.validation}

    def tidy(self, text: str) -> str:
        """Return a text without the paths of the run's and the sets' folders."""
        return without_places(text, [self.config.pictures, *self.comparison.folders.values(), str(self.run.path)])


def place_of(folder: str) -> str:
    """Return a folder for use in a command: its path in the project, or its name below `path/to`."""
    name = PurePath(folder).name
    return f"assets/faces/{name}" if is_drawn(folder) and name else f"path/to/{name or 'pictures'}"


def without_places(text: str, folders: Iterable[str]) -> str:
    """Return a text with paths shortened to be relative to their folders, or to file names."""
    roots = {root for folder in folders for root in (folder, str(Path(folder).resolve()))}
    for root in sorted(roots, key=len, reverse=True):
        if len(PurePath(root).parts) > 1:
            text = text.replace(f"{root}/", "").replace(root, PurePath(root).name)
    return _PLACE.sub("", text)


def plain_name(backbone: str) -> str:
    """Return a backbone's name: of a path, the folder's name."""
    return PurePath(backbone).name if PurePath(backbone).is_absolute() else backbone
