"""Build the folder to push as a Hugging Face Space, whole or not at all."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import SpaceError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"
FILES = ("README.md", "LICENSE", REQUIREMENTS, "app.py")
# Only these file types of a folder: a photograph left there must not be pushed. The results in docs supply the landing
# panel's numbers and the README's links.
FOLDERS: dict[str, frozenset[str]] = {
    "emotion": frozenset({".py", ".js", ".css", ".j2"}),
    "assets": frozenset({".webp", ".png", ".css", ".json", ".safetensors"}),
    "docs": frozenset({".md", ".json"}),
}
ATTRIBUTES = ".gitattributes"
MARK = "# Written by `python -m emotion space`, which replaces the whole folder when it is run again."
# The Hub rejects a push whose binary files are not in Git LFS.
BINARY = ("*.png", "*.webp", "*.safetensors")
WRITTEN = frozenset({*FILES, *FOLDERS, ATTRIBUTES})
# Prepended to the project's requirements.
CPU_WHEELS = """\
# PyTorch's wheels without CUDA, gigabytes smaller: for a Space with a GPU, take the next line out.
--extra-index-url https://download.pytorch.org/whl/cpu
"""


@dataclass(frozen=True)
class Space:
    """A written folder, with its number of files and its size in bytes."""

    folder: Path
    files: int
    bytes: int

    @property
    def push(self) -> str:
        """The command that pushes it, creating the Space if needed."""
        return f"hf upload USER/NAME {self.folder} . --repo-type space"


def write_space(to: Path, *, root: Path = ROOT) -> Space:
    """Write the Space of the project in ``root`` into the folder ``to``, and return its size.

    It is built in a neighbouring folder, which finally replaces an earlier Space in ``to``.
    Raises SpaceError if a file is missing or does not belong, ``to`` holds anything else, or it cannot be written.
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
    """Return the files of a Space, without hidden and compiled ones.
    Raises SpaceError if one is missing, or a file is of no permitted type.
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
    """Check that a folder is missing, empty, or was written by this module and holds nothing else."""
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
