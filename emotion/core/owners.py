"""Owners of runs and picture sets: a file in each folder with the visitor's hash. Standard library only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from emotion.core.errors import RefusedError
from emotion.core.files import write_json

FILE = "owner.json"


@dataclass(frozen=True)
class Owner:
    """The owner of a folder: ``owner`` is a visitor's hash, empty for the server; ``shared`` makes it visible to all.

    Visitors are identified by their hash; None is the local user, who may do everything.
    """

    owner: str = ""
    shared: bool = True

    def may_see(self, visitor: str | None) -> bool:
        """Whether a visitor may see and use the folder."""
        return self.shared or self.may_change(visitor)

    def may_change(self, visitor: str | None) -> bool:
        """Whether a visitor may stop, rename, share or delete it."""
        return visitor is None or (bool(visitor) and visitor == self.owner)


# The server's own folders: visible to all visitors, changed by none.
OF_THE_SERVER = Owner()


def hashed(secret: str) -> str:
    """Return the hash that represents a visitor's secret on disk: SHA-256, as hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def give(folder: Path, visitor: str | None) -> None:
    """Record a visitor as the owner of a new folder, before others can see it; for None nothing is written.
    Raises OSError where the folder is missing, full or cannot be written.
    """
    if visitor is not None:
        write_json(folder / FILE, asdict(Owner(visitor, shared=False)))


def owner_of(folder: Path) -> Owner:
    """Return a folder's owner: the server without an owner file, nobody where the file is damaged."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Owner(str(values["owner"]), shared=values["shared"] is True)
    except FileNotFoundError:
        return OF_THE_SERVER
    except (OSError, ValueError, KeyError, TypeError):
        return Owner(shared=False)


def may_see(folder: Path, visitor: str | None) -> bool:
    """Whether a visitor may see and use a folder."""
    return owner_of(folder).may_see(visitor)


def may_change(folder: Path, visitor: str | None) -> bool:
    """Whether a visitor may stop, rename, share or delete a folder."""
    return owner_of(folder).may_change(visitor)


def require_change(folder: Path, visitor: str | None) -> None:
    """Raise RefusedError where a folder is another visitor's."""
    if not may_change(folder, visitor):
        raise RefusedError(f"{folder.name} is not yours, so it can only be looked at and used: make one of your own.")


def share(folder: Path, visitor: str | None, *, shared: bool) -> None:
    """Make a folder visible to everyone, or private again.
    Raises RefusedError where it is another visitor's, or cannot be written.
    """
    require_change(folder, visitor)
    try:
        write_json(folder / FILE, asdict(replace(owner_of(folder), shared=shared)))
    except OSError as error:
        raise RefusedError(f"{folder.name} cannot be written ({error.strerror}): make room first.") from error
