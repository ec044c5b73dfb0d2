"""Bring pictures into a set, a new one or one that is there, as a job for another process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from emotion.job import Progress, paced
from emotion.sets.entries import Source
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped
from emotion.sets.saved import find_set, sets_folder


class Way(Protocol):
    """A way in: where pictures come from, as plain values that travel to another process."""

    def steps(self, limits: Limits) -> Generator[Progress, None, Source]:
        """Open the source, and say how far that is where it takes long; to close it is the caller's.

        Raises:
            PictureError: it cannot be read, or not safely.
        """


@dataclass(frozen=True)
class FromPath:
    """A zip of class folders, or a folder of them."""

    path: Path

    def steps(self, limits: Limits) -> Generator[Progress, None, Source]:
        """Open the zip or the folder."""
        from emotion.sets.importing import open_path

        yield Progress(0, 0, "listing what is in it")
        return open_path(self.path, limits)


@dataclass(frozen=True)
class FromFiles:
    """Single files, each with the name it had where it came from, all of one class."""

    files: Sequence[tuple[Path, str]]
    label: str

    def steps(self, limits: Limits) -> Generator[Progress, None, Source]:
        """List the files."""
        from emotion.sets.files import FileSource

        yield Progress(0, 0, "listing the files")
        return FileSource(self.files, label=self.label, limits=limits)


@dataclass(frozen=True)
class Brought:
    """What came into which set, and what was left out of what was given."""

    key: str
    pictures: int
    skipped: Sequence[Skipped]


@dataclass(frozen=True)
class Bring:
    """Bring pictures into the set of the folder ``into``, or into a new one that is called ``name``.

    ``owner`` is the visitor whose set a new one is, by their hash.
    """

    way: Way
    into: str = ""
    name: str = ""
    species: str = ""
    use_aliases: bool = False
    root: Path = field(default_factory=sets_folder)
    limits: Limits = field(default_factory=Limits)
    owner: str | None = None

    def carry_out(self) -> Generator[Progress, None, Brought]:
        """Yield how far it is, at a page's pace, and return what came in.

        Raises:
            PictureError: as ``import_from`` and ``add_from``.
        """
        return (yield from paced(self._steps()))

    def _steps(self) -> Generator[Progress, None, Brought]:
        # Done in another process: the page that asks for it imports nothing of it.
        from emotion.sets.adding import add_from
        from emotion.sets.importing import import_from, refuse_unusable

        if self.into:
            found = find_set(self.into, root=self.root)
            with closing((yield from self.way.steps(self.limits))) as source:
                added = yield from add_from(found, source, use_aliases=self.use_aliases, limits=self.limits)
            return Brought(found.key, added.pictures, added.skipped)
        # Before anything is opened: a name that is taken costs nothing.
        refuse_unusable(self.name, self.species, root=self.root, owner=self.owner)
        with closing((yield from self.way.steps(self.limits))) as source:
            made = yield from import_from(
                source,
                name=self.name,
                species=self.species,
                root=self.root,
                use_aliases=self.use_aliases,
                limits=self.limits,
                owner=self.owner,
            )
        return Brought(made.key, len(made.manifest.pictures), made.manifest.skipped)
