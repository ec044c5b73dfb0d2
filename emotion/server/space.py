"""The folder to push as a Hugging Face Space: what belongs into it, whole or not at all. Asks the Hub nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from emotion.errors import SpaceError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"
FILES = ("README.md", "LICENSE", REQUIREMENTS, "app.py")
# Of a folder these kinds and no other: a photograph that was put there for a moment must not be pushed with it.
# The results are there for the landing panel's numbers, and for the README's links.
FOLDERS: dict[str, frozenset[str]] = {
    "emotion": frozenset({".py", ".js", ".css"}),
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

    An earlier such folder is replaced. The work happens beside it and takes its place at the end.

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
        (beside / ATTRIBUTES).write_text(_attributes(), encoding="utf-8")
        size = sum(path.stat().st_size for path in beside.rglob("*") if path.is_file())
        _move_into_place(beside, place)
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
    found = [root / name for name in FILES]
    for name in FOLDERS:
        found += sorted(_files_in(root / name))
    for path in found:
        kinds = FOLDERS.get(path.relative_to(root).parts[0], {path.suffix})
        if path.is_symlink() or (path.is_file() and path.suffix not in kinds):
            raise SpaceError(f"{path} is nothing that belongs into a Space: move it elsewhere and try again.")
        if not path.is_file():
            raise SpaceError(f"{path} is missing: a Space cannot do without it, so put it back.")
    return found


def _files_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return [folder]  # Missing, and said to be.
    files: list[Path] = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        files += _files_in(path) if path.is_dir() and not path.is_symlink() else [path]
    return files


def _require_ours(to: Path) -> None:
    """Let pass a folder that is not there, is empty, or was written by this module and holds nothing more."""
    if not to.exists() and not to.is_symlink():
        return
    names = {path.name for path in to.iterdir()} if to.is_dir() and not to.is_symlink() else None
    if names is None or (names and not _is_marked(to)):
        raise SpaceError(f"{to} was not written by this command, so it is left alone: give a new folder.")
    if more := sorted(names - WRITTEN):
        raise SpaceError(
            f"{to} holds {more[0]}, which this command did not write: move it elsewhere, or give a new folder."
        )


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / ATTRIBUTES).read_text(encoding="utf-8").startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False


def _attributes() -> str:
    return "\n".join([MARK, *(f"{kind} filter=lfs diff=lfs merge=lfs -text" for kind in BINARY)]) + "\n"


def _move_into_place(finished: Path, to: Path) -> None:
    former = finished.with_name(f"{finished.name}-former")
    if not to.exists():
        finished.rename(to)
        return
    to.rename(former)
    try:
        finished.rename(to)
    except OSError:
        former.rename(to)
        raise
    shutil.rmtree(former, ignore_errors=True)
