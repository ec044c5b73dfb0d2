"""A sample in the making: drawn by seed, with stand-ins for what cannot count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from emotion.comparison.scored import SampleResult, ScoredPicture, summarise
from emotion.errors import PictureError
from emotion.pictures.folders import Picture


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

    def take(self, picture: Picture, said: dict[str, float] | PictureError) -> None:
        """Keep what was said of a picture."""
        path = str(picture.path.absolute())
        if isinstance(said, PictureError):
            self.unreadable[path] = str(said)
        else:
            self.scored.append(ScoredPicture(path, picture.sha256, self.label, said))

    def result(self, classes: list[str]) -> SampleResult:
        """Sum the sample up.

        Raises:
            PictureError: fewer pictures than were asked for can be used.
        """
        usable = len(self.scored)
        if usable < (self.size or 1):
            what = f"Only {usable} of the {len(self.order)} pictures of {self.label!r} in {self.set_name}"
            choose = "a smaller sample" if usable else "another set"
            if self.near_duplicates:
                known = f"the run was trained on {len(self.near_duplicates)} of them"
                raise PictureError(f"{what} can be used, since {known}: choose {choose}.")
            raise PictureError(f"{what} can be read: choose {choose}, or save the others again.")
        summary = summarise(self.scored, classes=classes)
        return replace(summary, unreadable=self.unreadable, near_duplicates=self.near_duplicates)
