"""A sample in the making: drawn by seed, with stand-ins for what cannot count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.scored import SampleResult, ScoredPicture, summarise
from emotion.data.folders import Picture


@dataclass
class Draw:
    """A class of a set in the seeded order, and what became of the pictures looked at so far."""

    set_name: str
    label: str
    order: list[Picture]
    size: int | None
    scored: list[ScoredPicture] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    near_duplicates: dict[str, str] = field(default_factory=dict)
    is_trained_on: bool = False

    def due(self) -> list[Picture]:
        """Return the pictures to look at next: as many as are missing, as long as there are any."""
        left_out = len(self.unreadable) + len(self.near_duplicates)
        end = len(self.order) if self.size is None else self.size + left_out
        return self.order[len(self.scored) + left_out : end]

    def leave_out(self, twins: Mapping[Path, str]) -> None:
        """Take those of the due pictures that were trained on, under another name perhaps, out of the sample."""
        for picture in self.due():
            if picture.path in twins:
                self.near_duplicates[str(picture.path.absolute())] = twins[picture.path]
                # Moved before what is scored next, so that the order holds first what is settled.
                self.order.remove(picture)
                self.order.insert(len(self.scored) + len(self.unreadable) + len(self.near_duplicates) - 1, picture)
        if len(self.near_duplicates) == len(self.order):
            # Whoever asks for the training pictures themselves gets them, with the warning that they need.
            self.near_duplicates, self.is_trained_on = {}, True

    def take(self, picture: Picture, said: dict[str, float] | PictureError) -> None:
        """Keep what was said of a picture."""
        path = str(picture.path.absolute())
        if isinstance(said, PictureError):
            self.unreadable[path] = str(said)
        else:
            self.scored.append(ScoredPicture(path, picture.sha256, self.label, said))

    def result(self, classes: list[str]) -> SampleResult:
        """Sum the sample up; it is smaller than asked for where too many of the pictures were trained on.

        Raises:
            PictureError: fewer pictures than that can be read.
        """
        usable, remaining = len(self.scored), len(self.order) - len(self.near_duplicates)
        if usable < min(self.size or 1, remaining):
            raise PictureError(
                f"Only {usable} of the {remaining} pictures of {self.label!r} in {self.set_name} can be read: "
                f"choose {'a smaller sample' if usable else 'another set'}, or save the others again."
            )
        summary = summarise(self.scored, classes=classes)
        return replace(
            summary,
            unreadable=self.unreadable,
            near_duplicates=self.near_duplicates,
            is_trained_on=self.is_trained_on,
        )
