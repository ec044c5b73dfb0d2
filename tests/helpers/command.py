"""The command line, called in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object on the last line of what was printed."""
        return json.loads(self.out.strip().splitlines()[-1])


Emotion = Callable[..., Said]
