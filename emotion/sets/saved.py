"""The folder of imported sets: list, find, delete, and add one whole or not at all. Opens no picture."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emotion import locks
from emotion.errors import PictureError
from emotion.sets.manifest import FILE, Manifest, read_manifest
from emotion.sets.naming import alike, folder_name, shown

# Their names begin with a dot, so that none is listed as a set. Whoever holds the lock may delete the other two.
LOCK, BEGUN, GONE = ".sets-lock", ".begun-set", ".deleted-set"
PATIENCE_SECONDS = 60.0


def sets_folder() -> Path:
    """Return where imported sets are kept: ``$EMOTION_SETS``, else ``sets`` in the working directory."""
    return Path(os.environ.get("EMOTION_SETS", "sets"))


@dataclass(frozen=True)
class SavedSet:
    """An imported set: a folder of class folders with a manifest, which is read once."""

    folder: Path

    @property
    def key(self) -> str:
        """The folder's name, which is unique among sets."""
        return self.folder.name

    @cached_property
    def manifest(self) -> Manifest:
        """What is known of it.

        Raises:
            PictureError: its manifest is missing or torn.
        """
        return read_manifest(self.folder)


def list_sets(root: Path) -> list[SavedSet]:
    """Return the sets under ``root`` by name, those that are damaged too; nothing of an import that was cut off."""
    return [SavedSet(folder) for folder in _folders(root) if (folder / FILE).is_file()]


def find_set(name: str, *, root: Path) -> SavedSet:
    """Return the set of that name, or of that folder, in any case.

    Raises:
        PictureError: there is none.
    """
    names = {alike(name)}
    with contextlib.suppress(PictureError):
        names.add(alike(folder_name(name)))
    for found in list_sets(root):
        if alike(found.key) in names:
            return found
    raise PictureError(f"There is no picture set {shown(name)!r} in {root}: `pictures list` names those there are.")


def delete_set(found: SavedSet) -> None:
    """Delete a set and its pictures for good; what it was imported from stays where it is.

    Raises:
        PictureError: another import or deletion goes on, or the folder cannot be moved.
    """
    root = found.folder.parent
    with alone(root):
        try:
            # Moved first, so that nobody sees half a set.
            found.folder.rename(root / GONE)
        except OSError as error:
            raise PictureError(
                f"{found.key} cannot be deleted ({error.strerror}): see to its folder's permissions."
            ) from error
        shutil.rmtree(root / GONE, ignore_errors=True)


def taken(folder: str, *, root: Path) -> Path | None:
    """Return the folder under ``root`` that has this name for some file system, if there is one."""
    return next((path for path in _folders(root) if alike(path.name) == alike(folder)), None)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the folder of sets for this process, and delete what killed ones left in it. It is made where it lacks.

    Raises:
        PictureError: another process holds it for long, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.hold(root / LOCK, patience_seconds=PATIENCE_SECONDS))
        except BlockingIOError as error:
            raise PictureError(f"Another import is writing to {root}: try again when it is done.") from error
        except OSError as error:
            raise PictureError(
                f"{root} cannot be written ({error.strerror}): choose another folder for sets, or free it."
            ) from error
        for left in (BEGUN, GONE):
            shutil.rmtree(root / left, ignore_errors=True)
        yield


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return []
