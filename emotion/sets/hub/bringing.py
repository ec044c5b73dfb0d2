"""A split of a data set as a way in, in plain values, and the look at one as a job. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emotion.job import Progress
from emotion.sets.limits import Limits

if TYPE_CHECKING:
    from emotion.sets.hub.description import Description
    from emotion.sets.hub.source import HubSource


@dataclass(frozen=True)
class Describe:
    """Look at what a data set offers; with ``on_hub`` nothing of this machine is meant."""

    source: str
    config: str = ""
    split: str = ""
    on_hub: bool = False
    limits: Limits = field(default_factory=Limits)

    def carry_out(self) -> Generator[Progress, None, Description]:
        """Say that it is looked at, and return what was found.

        Raises:
            PictureError: as ``describe``.
        """
        from emotion.sets.hub.description import describe

        yield Progress(0, 0, "asking what the data set holds")
        return describe(self.source, config=self.config, split=self.split, on_hub=self.on_hub, limits=self.limits)


@dataclass(frozen=True)
class FromDataSet:
    """A split of a data set, which columns of it are read, and what its labels are called: ``open_source``'s choices.

    It can be handed to another process.
    """

    description: Description
    picture_column: str = ""
    label_column: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    def steps(self, limits: Limits) -> Generator[Progress, None, HubSource]:
        """Open the source step by step, as ``open_source`` does; to close it is the caller's."""
        from emotion.sets.hub.source import open_source

        return open_source(
            self.description,
            picture_column=self.picture_column,
            label_column=self.label_column,
            mapping=self.mapping,
            limits=limits,
        )
