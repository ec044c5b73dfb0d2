"""The folder to push as a Hugging Face Space: what belongs into it, whole or not at all. Asks the Hub nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import SpaceError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"
FILES = ("README.md", "LICENSE", REQUIREMENTS, "app.py")
# Of a folder these kinds and no other: a photograph that was put there for a moment must not be pushed with it.
# The results are there for the landing panel's numbers, and for the README's links.
FOLDERS: dict[str, frozenset[str]] = {
    "emotion": frozenset({".py", ".js", ".css", ".j2"}),
    "assets": frozenset({".webp", ".png", ".css", ".json", ".safetensors"}),
    "docs": frozenset({".md", ".json"}),
}
ATTRIBUTES = ".gitattributes"
MARK = "# Written by `python -m emotion space`, which replaces the whole folder when it is run again."
# The Hub turns away a push with binary files that does not keep them so.
BINARY = ("*.png", "*.webp", "*.safetensors")
WRITTEN = frozenset({*FILES, *FOLDERS, ATTRIBUTES})
# Put before the project's own requirements.
CPU_WHEELS = """\
# PyTorch's wheels without CUDA, gigabytes smaller: for a Space with a GPU, take the next line out.
--extra-index-url https://download.pytorch.org/whl/cpu
"""


@dataclass(frozen=True)
class Space:
    """A folder that was written: how many files it holds, and how many bytes they have."""

    folder: Path
    files: int
    bytes: int

    @property
    def push(self) -> str:
        """The command that pushes it; it makes the Space where there is none yet."""
        return f"hf upload USER/NAME {self.folder} . --repo-type space"


def write_space(to: Path, *, root: Path = ROOT) -> Space:
    """Write what belongs into a Space of the project in ``root`` into the folder ``to``, and return what it holds.

    The work happens beside it and takes the place of an earlier such folder at the end.

    Raises:
        SpaceError: something is missing or does not belong, the folder is somebody else's, or it cannot be written.
    """
    paths = list_files(root)
    _require_ours(to)
    place = to.absolute()
    beside = place.with_name(f".{place.name}-{os.getpid()}")
    try:
        beside.mkdir(parents=True)
        for path in paths:
            copy = beside / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        requirements = (root / REQUIREMENTS).read_text(encoding="utf-8")
        (beside / REQUIREMENTS).write_text(CPU_WHEELS + requirements, encoding="utf-8")
        attributes = [MARK, *(f"{kind} filter=lfs diff=lfs merge=lfs -text" for kind in BINARY)]
        (beside / ATTRIBUTES).write_text("\n".join(attributes) + "\n", encoding="utf-8")
        size = sum(path.stat().st_size for path in beside.rglob("*") if path.is_file())
        if place.exists():
            shutil.rmtree(place)
        beside.rename(place)
    except OSError as error:
        raise SpaceError(f"{to} cannot be written ({error.strerror}): choose another folder, or make room.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Space(to, len(paths) + 1, size)


def list_files(root: Path) -> list[Path]:
    """Return the files that belong into a Space. Hidden ones and what Python compiled never do.

    Raises:
        SpaceError: one is missing, or one lies there that is none of the kinds that belong.
    """
    for name in (*FILES, *FOLDERS):
        if not (root / name).exists():
            raise SpaceError(f"{root / name} is missing: a Space cannot do without it, so put it back.")
    found = [root / name for name in FILES]
    for folder, kinds in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            is_hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(root).parts)
            if is_hidden or (path.is_dir() and not path.is_symlink()):
                continue
            if path.is_symlink() or path.suffix not in kinds:
                raise SpaceError(f"{path} is nothing that belongs into a Space: move it elsewhere and try again.")
            found.append(path)
    return found


def _require_ours(to: Path) -> None:
    """Let pass a folder that is not there, is empty, or was written by this module and holds nothing more."""
    if not to.exists() and not to.is_symlink():
        return
    names = {path.name for path in to.iterdir()} if to.is_dir() and not to.is_symlink() else None
    mark = to / ATTRIBUTES
    is_ours = names and mark.is_file() and mark.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if names is None or (names and not is_ours):
        raise SpaceError(f"{to} was not written by this command, so it is left alone: give a new folder.")
    if more := sorted(names - WRITTEN):
        raise SpaceError(
            f"{to} holds {more[0]}, which this command did not write: move it elsewhere, or give a new folder."
        )
