"""What a report is made from: a comparison with the run that made it, and names without paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from emotion.analysis.comparison import Comparison, load_comparison, run_of
from emotion.core.config import TrainConfig
from emotion.core.events import EpochDone, Event, RunStarted, without_void
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run

# The folders of an absolute path.
_PLACE = re.compile(r"(?<![\w./:])/(?:[^/\s'\"]+/)+")


@dataclass(frozen=True)
class Material:
    """A comparison and its ``file``, the run that made it, and all ``told`` of its training.

    ``events`` are those that no resume made void.
    """

    file: Path
    comparison: Comparison
    run: Run
    config: TrainConfig
    told: list[Event]
    events: list[Event]

    @classmethod
    def of(cls, file: Path) -> Material:
        """Return the material of a comparison's report; RunError or ConfigError if it or its run cannot be read."""
        run = run_of(file)
        told = run.events()
        return cls(file, load_comparison(file), run, run.config(), told, without_void(told))

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
    def started(self) -> RunStarted | None:
        """The last start of the training; None if its events are gone."""
        return next((event for event in reversed(self.events) if isinstance(event, RunStarted)), None)

    @property
    def epochs(self) -> list[EpochDone]:
        """The epochs of the training."""
        return [event for event in self.events if isinstance(event, EpochDone)]


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
