"""Pictures, zips and folders for the tests of importing."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from emotion.sets.importing import import_set
from emotion.sets.saved import SavedSet
from emotion.studies.study import Progress


def image(seed: object, *, width: int = 40, height: int = 36) -> Image.Image:
    """Return a picture that is no near-duplicate of one with another seed."""
    pattern = Image.frombytes("RGB", (8, 8), random.Random(repr(seed)).randbytes(192))
    return pattern.resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(seed: object, kind: str = "PNG", **options: Any) -> bytes:
    return encoded(image(seed), kind, **options)


def make_zip(path: Path, files: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    """Write a zip with these files, in this order, whatever they are called."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            made.writestr(name, content)
    return path


def plain_files(count: int = 2) -> dict[str, bytes]:
    return {f"{label}/{number}.png": picture((label, number)) for label in ("happy", "sad") for number in range(count)}


def imported(source: Path, root: Path, *, name: str = "mine", **options: Any) -> SavedSet:
    """Carry an import out to its end."""

    def result() -> Generator[Progress, None, None]:
        made.append((yield from import_set(source, name=name, root=root, **options)))

    made: list[SavedSet] = []
    assert all(isinstance(step, Progress) for step in result())
    return made[0]


def tree(folder: Path) -> set[str]:
    """Return every path under a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def reasons(found: SavedSet) -> dict[str, str]:
    return {each.original: each.reason for each in found.manifest.skipped}
