"""Who made a run or a picture set: a file in its folder with a hash. Standard library only, and knows no cookie."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.core.errors import RefusedError
from emotion.core.files import write_json

FILE = "owner.json"


@dataclass(frozen=True)
class Owner:
    """Whose a folder is: ``owner`` is a visitor's hash, empty for nobody who visits; ``shared`` opens it to all eyes.

    A visitor is told by the hash; None is whoever sits at the machine, to whom everything is open.
    """

    owner: str = ""
    shared: bool = True

    def may_see(self, visitor: str | None) -> bool:
        """Whether a visitor may look at it and use it."""
        return self.shared or self.may_change(visitor)

    def may_change(self, visitor: str | None) -> bool:
        """Whether a visitor may stop, rename, share or delete it."""
        return visitor is None or (bool(visitor) and visitor == self.owner)


# What the server's owner put there: to be seen by all, changed by none of the visitors.
OF_THE_SERVER = Owner()
# A torn file opens nothing.
OF_NOBODY = Owner(shared=False)


def hashed(secret: str) -> str:
    """Return the hash that stands for a visitor's secret on the disk: SHA-256, as hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def give(folder: Path, visitor: str | None) -> None:
    """Write down that a folder is a visitor's, before anybody else can see it; for None nothing is written.

    Raises:
        OSError: the folder is missing, full or cannot be written.
    """
    if visitor is not None:
        write_json(folder / FILE, asdict(Owner(visitor, shared=False)))


def owner_of(folder: Path) -> Owner:
    """Return whose a folder is; one without such a file is the server's own."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Owner(str(values["owner"]), shared=values["shared"] is True)
    except FileNotFoundError:
        return OF_THE_SERVER
    except (OSError, ValueError, KeyError, TypeError):
        return OF_NOBODY


def may_see(folder: Path, visitor: str | None) -> bool:
    """Whether a visitor may look at a folder and use it."""
    return owner_of(folder).may_see(visitor)


def may_change(folder: Path, visitor: str | None) -> bool:
    """Whether a visitor may stop, rename, share or delete a folder."""
    return owner_of(folder).may_change(visitor)


def require_change(folder: Path, visitor: str | None) -> None:
    """Let pass whoever may change a folder.

    Raises:
        RefusedError: it is somebody else's.
    """
    if not may_change(folder, visitor):
        raise RefusedError(f"{folder.name} is not yours, so it can only be looked at and used: make one of your own.")


def share(folder: Path, visitor: str | None, *, shared: bool) -> None:
    """Open a folder to everybody's eyes, or close it again.

    Raises:
        RefusedError: it is somebody else's, nobody's in particular, or cannot be written.
    """
    require_change(folder, visitor)
    whose = owner_of(folder)
    if not whose.owner:
        raise RefusedError(f"{folder.name} is the server's own, which everybody sees: there is nothing to share.")
    try:
        write_json(folder / FILE, asdict(Owner(whose.owner, shared=shared)))
    except OSError as error:
        raise RefusedError(f"{folder.name} cannot be written ({error.strerror}): make room first.") from error
