"""Where a data set's files lie: a folder or a Parquet file of this machine, or the Hub. Knows no format."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Protocol

from emotion.errors import PictureError
from emotion.hub import is_hub_id
from emotion.job import Progress
from emotion.sets.limits import Limits
from emotion.sets.naming import shown

PARQUET = ".parquet"


class Place(Protocol):
    """The files of a data set by their relative names, all of which are in ``folder``, be it as empty stand-ins.

    ``title`` is how sentences call it; ``commit`` is its version, empty where there are none; ``only`` is the one file
    that counts, where not all do; ``far`` is whether a look into a file goes over the network.
    """

    title: str
    commit: str
    folder: Path
    only: str
    far: bool

    def size(self, file: str) -> int:
        """Return how many bytes a file has."""

    def opened(self, file: str) -> IO[bytes]:
        """Open a file to read any part of it.

        Raises:
            PictureError, OSError: it cannot be read.
        """

    def fetch(self, files: Sequence[str], *, limits: Limits, deadline: float) -> Generator[Progress, None, None]:
        """Make the content of these files be in ``folder``.

        Raises:
            PictureError: it cannot be had, or takes longer than the limit.
        """

    def spent(self, file: str) -> None:
        """Say that a file's content is needed no more."""

    def close(self) -> None:
        """Delete what was fetched."""


class LocalPlace:
    """A folder, or one Parquet file, of this machine. Nothing in it is ever changed."""

    commit = ""
    far = False

    def __init__(self, path: Path) -> None:
        self.title = shown(path.name)
        whole = path.resolve()
        self.folder = whole if whole.is_dir() else whole.parent
        self.only = "" if whole.is_dir() else whole.name

    def size(self, file: str) -> int:
        """Return how many bytes a file has."""
        return (self.folder / file).stat().st_size

    def opened(self, file: str) -> IO[bytes]:
        """Open a file."""
        return (self.folder / file).open("rb")

    def fetch(self, files: Sequence[str], *, limits: Limits, deadline: float) -> Generator[Progress, None, None]:
        """Do nothing: they are here."""
        yield from ()

    def spent(self, file: str) -> None:
        """Do nothing: it is somebody's."""

    def close(self) -> None:
        """Do nothing: it stays."""


def open_place(source: str | Path, *, on_hub: bool = False, commit: str = "", limits: Limits) -> Place:
    """Return where a data set lies: what is here under that name, else what the Hub has.

    With ``on_hub``, only the latter is meant; by a ``Path``, only the former. ``commit`` is the version wanted of one
    on the Hub; the newest where none is given.

    Raises:
        PictureError: there is none, it may not be read, or the Hub cannot be reached.
    """
    path = Path(source)
    if not on_hub and (path.is_dir() or (path.is_file() and path.suffix.lower() == PARQUET)):
        return LocalPlace(path)
    # Nobody who mistypes a file's name means the Hub.
    is_file = isinstance(source, Path) or path.exists() or path.suffix.lower() == PARQUET
    if on_hub or (is_hub_id(str(source)) and not is_file):
        from emotion.sets.hub.repository import Repository

        return Repository(str(source), commit=commit, limits=limits)
    raise PictureError(
        f"There is no data set {shown(str(source))!r}: give the id of one on the Hub (owner/name), or a Parquet file "
        "or a folder that is here."
    )
