"""Where a soak works: folders of its own, small drawn sets, zips good and bad, and a disk that can be filled."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from emotion.pictures.drawn import DRAWN_FOLDER
from emotion.pictures.folders import list_pictures

ROOT = Path(__file__).resolve().parents[2]
SETS = ("human_train", "human_eval", "dog_eval", "cat_eval")
PER_CLASS = 12
DISK_MEGABYTES = 3000
NO_DISK = "A small file system can only be mounted by root, on Linux: the disk was not filled."
TRAINING_SET, COMPARED_SETS = "given/human_train", ["given/human_eval", "given/dog_eval"]


@dataclass(frozen=True)
class Place:
    """``disk`` holds runs, imported sets and cache; ``is_limited`` says that it is a small file system of its own."""

    folder: Path
    disk: Path
    is_limited: bool
    pictures: list[Path] = field(repr=False)
    good_zip: bytes = field(repr=False)
    bad_zips: dict[str, bytes] = field(repr=False)

    @property
    def runs(self) -> Path:
        """Where the server keeps its runs."""
        return self.disk / "runs"

    @property
    def sets(self) -> Path:
        """Where it keeps imported sets."""
        return self.disk / "sets"

    @property
    def uploads(self) -> Path:
        """Where Gradio keeps uploads."""
        return self.folder / "uploads"

    @property
    def log(self) -> Path:
        """The server's log of events."""
        return self.folder / "events.jsonl"

    @property
    def errors(self) -> Path:
        """What the server writes to stderr."""
        return self.folder / "stderr.txt"

    def environment(self) -> dict[str, str]:
        """Return the variables of a public server that works here."""
        return {
            "EMOTION_PUBLIC": "1",
            "EMOTION_FIRST_RUN": "0",  # What is counted here is the visitors' own.
            "EMOTION_RUNS": str(self.runs),
            "EMOTION_SETS": str(self.sets),
            "EMOTION_CACHE": str(self.disk / "cache"),
            "EMOTION_PICTURES": str(self.folder / "pictures"),
            "EMOTION_LOG": str(self.log),
            "GRADIO_TEMP_DIR": str(self.uploads),
            "HF_HUB_OFFLINE": "1",
        }


@contextlib.contextmanager
def soak_place() -> Iterator[Place]:
    """Make the folders, and delete all of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="emotion-soak-") as text, contextlib.ExitStack() as stack:
        folder = Path(text)
        is_limited = stack.enter_context(_mounted(folder / "disk"))
        pictures = _draw_sets(folder / "pictures")
        yield Place(folder, folder / "disk", is_limited, pictures, _good_zip(pictures), _bad_zips(pictures))


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[bool]:
    folder.mkdir()
    options = f"size={DISK_MEGABYTES}m"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _draw_sets(root: Path) -> list[Path]:
    """Copy a part of each drawn set, and return the pictures of dogs."""
    for name in SETS:
        for label, paths in list_pictures(DRAWN_FOLDER / name).items():
            (root / name / label).mkdir(parents=True)
            for path in paths[:PER_CLASS]:
                shutil.copy(path, root / name / label / path.name)
    return sorted((root / "dog_eval").rglob("*.webp"))


def _zipped(files: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(name, content)
    return buffer.getvalue()


def _good_zip(pictures: list[Path]) -> bytes:
    return _zipped([(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in pictures[::4]])


def _bad_zips(pictures: list[Path]) -> dict[str, bytes]:
    good = _good_zip(pictures)
    content = pictures[0].read_bytes()
    return {
        "cut.zip": good[: len(good) // 2],
        "slip.zip": _zipped([("../../happy/1.webp", content), ("sad/1.webp", content)]),
        "bomb.zip": _zipped([("happy/1.png", bytes(200_000_000))]),
        "letters.zip": _zipped([("happy/1.txt", b"dear Sir"), ("sad/1.jpg", b"dear Madam")]),
        "empty.zip": _zipped([]),
        "none.zip": content,
    }
