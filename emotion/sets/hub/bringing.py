"""A data set brought in whole: as a set of its own, or as a way into one, in plain values. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emotion.sets.hub.description import Description
from emotion.sets.hub.source import HubSource, open_source
from emotion.sets.importing import import_from, refuse_unusable
from emotion.sets.limits import Limits
from emotion.sets.saved import SavedSet
from emotion.studies.study import Progress


@dataclass(frozen=True)
class FromDataSet:
    """A split of a data set, which columns of it are read, and what its labels are called: ``open_source``'s choices.

    It can be handed to another process.
    """

    description: Description
    picture_column: str = ""
    label_column: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    def steps(self, limits: Limits | None = None) -> Generator[Progress, None, HubSource]:
        """Open the source step by step, as ``open_source`` does; to close it is the caller's."""
        return open_source(
            self.description,
            picture_column=self.picture_column,
            label_column=self.label_column,
            mapping=self.mapping,
            limits=limits,
        )

    @contextmanager
    def open(self, limits: Limits) -> Iterator[HubSource]:
        """Open the source at once, however long its download takes, and close it at the end.

        Raises:
            PictureError: as ``open_source``.
        """
        with closing(_last(self.steps(limits))) as source:
            yield source


def import_data_set(
    way: FromDataSet,
    *,
    name: str,
    species: str = "",
    root: Path | None = None,
    use_aliases: bool = False,
    limits: Limits | None = None,
) -> Generator[Progress, None, SavedSet]:
    """Import a split of a data set as a set: ``open_source``, then ``import_from``.

    Raises:
        PictureError: as these two; whether the name can be used is seen before anything is downloaded.
    """
    refuse_unusable(name, species, root=root)
    with closing((yield from way.steps(limits))) as source:
        return (
            yield from import_from(
                source, name=name, species=species, root=root, use_aliases=use_aliases, limits=limits
            )
        )


def _last(steps: Generator[Progress, None, HubSource]) -> HubSource:
    with closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: HubSource = end.value
                return found
