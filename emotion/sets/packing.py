"""A set as one zip that can be handed on, and imported again as it is. Reads the set, changes nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path

from emotion.errors import PictureError
from emotion.sets.manifest import FILE
from emotion.sets.saved import SavedSet


def pack(found: SavedSet, to: Path) -> Path:
    """Write a set's class folders and manifest into the zip ``to``, whole or not at all, and return it.

    Pictures are stored as they are: their formats are packed already.

    Raises:
        PictureError: the set is damaged or changes meanwhile, or the zip cannot be written.
    """
    beside = to.with_name(f".{to.name}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as packed:
            for row in found.manifest.pictures:
                packed.write(found.folder / row.file, f"{found.key}/{row.file}")
            packed.write(found.folder / FILE, f"{found.key}/{FILE}", zipfile.ZIP_DEFLATED)
        beside.replace(to)
    except FileNotFoundError as error:
        raise PictureError(f"{found.key} changed while it was packed: try again.") from error
    except OSError as error:
        raise PictureError(f"The zip cannot be written ({error.strerror}): make room first.") from error
    finally:
        beside.unlink(missing_ok=True)
    return to
