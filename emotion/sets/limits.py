"""How much an import may hold. Generous for one's own machine; a public server passes tighter ones."""

from __future__ import annotations

from dataclasses import dataclass, fields

from emotion.errors import ConfigError
from emotion.pictures.decoding import MAX_BYTES, MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """What an import is refused beyond; a single picture beyond ``picture_bytes`` or ``pixels`` is left out instead.

    Raises:
        ConfigError: a limit is not positive, or ``pixels`` is more than can be decoded.
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
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ConfigError(f"The limit {field.name} is {getattr(self, field.name)}: use a positive number.")
        if self.pixels > MAX_PIXELS:
            raise ConfigError(f"The limit pixels is {self.pixels}: use at most {MAX_PIXELS}.")
