"""How large a picture may be, and how much an import may hold: generous for one's own machine."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.core.errors import ConfigError, PictureError
from emotion.core.format import megabytes

# Of what has to be decoded: 200 MB as Pillow holds it.
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class Limits:
    """What an import is refused beyond; a single picture beyond ``picture_bytes`` or ``pixels`` is left out instead.
    Raises ConfigError where a limit is not positive, or ``pixels`` is more than can be decoded.
    """

    pictures: int = 100_000
    files: int = 400_000  # of any kind, folders too
    bytes: int = 50_000_000_000  # of all pictures, unpacked
    picture_bytes: int = MAX_BYTES  # of one file
    pixels: int = MAX_PIXELS  # of one picture
    ratio: float = 200.0  # unpacked over packed size of one picture: photographs have about 1
    ratio_from_bytes: int = 10_000_000  # blank drawings pack as well as bombs do, and harm nobody below this size
    depth: int = 32  # folders within folders
    seconds: float = 86_400.0  # for the whole import

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ConfigError(f"The limit {name} is {value}: use a positive number.")
        if self.pixels > MAX_PIXELS:
            raise ConfigError(f"The limit pixels is {self.pixels}: use at most {MAX_PIXELS}.")


def refuse_late(deadline: float, limits: Limits) -> None:
    """Raise ``PictureError`` after ``deadline``, a ``time.monotonic()``."""
    if time.monotonic() > deadline:
        raise PictureError(f"The import takes more than {limits.seconds:g} seconds, the limit: import fewer pictures.")


def refuse_full(folder: Path, size: int) -> None:
    """Raise ``PictureError`` where so many bytes find no room."""
    if size > (free := shutil.disk_usage(folder).free):
        raise PictureError(f"The set needs {megabytes(size)}, where {megabytes(free)} are free: make room.")
