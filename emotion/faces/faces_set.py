"""Write the drawn picture sets with their manifests, and check them.

``python -m emotion.faces FOLDER`` draws them all; ``--check`` draws them again and compares every file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from emotion.core.labels import EMOTIONS
from emotion.faces.expression import Expression, expression_of
from emotion.faces.identity import Identity, identity_from_json, identity_of, rng_of

FOLDER = Path("assets/faces")
MANIFEST = "manifest.json"
QUALITY = 82  # WebP, about 4 KB a picture


@dataclass(frozen=True)
class PictureSet:
    """One folder of drawn pictures: ``per_class`` of each emotion."""

    name: str
    species: str
    per_class: int
    styles: tuple[str, ...]


SETS: tuple[PictureSet, ...] = (
    PictureSet("human_train", "human", 150, ("flat", "outline", "soft")),
    PictureSet("human_eval", "human", 40, ("flat", "outline", "soft", "paper")),
    PictureSet("dog_eval", "dog", 40, ("flat", "outline", "soft", "paper")),
    PictureSet("cat_eval", "cat", 40, ("flat", "outline", "soft", "paper")),
)


@dataclass(frozen=True)
class Drawing:
    """All parameters of one picture."""

    file: str  # relative to its set's folder
    label: str
    species: str
    seed: int
    strength: float
    identity: Identity
    expression: Expression

    def encoded(self, *, plain: bool = False) -> bytes:
        """Draw the picture and return its WebP file; ``plain`` leaves out the backdrop."""
        # Imported here, since reading the parameters of a set needs no drawing code.
        from emotion.faces.portrait import draw

        picture = draw(self.species, self.identity, self.expression, self.seed, plain=plain)
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=QUALITY, method=6)
        return buffer.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {
            "file": self.file,
            "label": self.label,
            "species": self.species,
            "seed": self.seed,
            "strength": self.strength,
            "identity": self.identity.to_json(),
            "expression": self.expression.to_json(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Drawing:
        """Rebuild a drawing from ``to_json``; other keys (the hash) are ignored."""
        return cls(
            file=values["file"],
            label=values["label"],
            species=values["species"],
            seed=values["seed"],
            strength=values["strength"],
            identity=identity_from_json(values["species"], values["identity"]),
            expression=Expression.from_json(values["expression"]),
        )


def drawings_of(chosen: PictureSet) -> Iterator[Drawing]:
    """Yield the parameters of every picture of a set.

    One generator runs through the whole set and draws each individual and scene independently of the label: labels
    alternate, so no class can get its own kind of person, style, pose, light or background.
    """
    rng = rng_of("set", chosen.name)
    for number in range(chosen.per_class * len(EMOTIONS)):
        seed = rng.randrange(1 << 31)
        strength = round(rng.uniform(0.65, 1.08), 3)
        identity = identity_of(chosen.species, seed=seed, styles=chosen.styles)
        label = EMOTIONS[number % len(EMOTIONS)]
        expression = expression_of(label, species=chosen.species, strength=strength, rng=rng_of("expression", seed))
        file = f"{label}/{chosen.species}_{number // len(EMOTIONS):03}.webp"
        yield Drawing(file, label, chosen.species, seed, strength, identity, expression)


def read_manifest(folder: Path) -> list[tuple[Drawing, str]]:
    """Return each drawing in a set's manifest, with the SHA-256 of its file."""
    lines = json.loads((folder / MANIFEST).read_text())
    return [(Drawing.from_json(line), line["sha256"]) for line in lines]


def write_set(chosen: PictureSet, folder: Path, *, processes: int = 2) -> int:
    """Draw a set into ``folder`` with its manifest; return the number of bytes written."""
    drawings = list(drawings_of(chosen))
    lines = []
    total = 0
    for drawing, data in zip(drawings, _encoded(drawings, processes), strict=True):
        path = folder / drawing.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        total += len(data)
        lines.append(json.dumps({**drawing.to_json(), "sha256": hashlib.sha256(data).hexdigest()}))
    # One picture per line, so that a change to one is a diff of one line.
    (folder / MANIFEST).write_text("[\n" + ",\n".join(lines) + "\n]\n")
    return total


def differing(folder: Path, *, processes: int = 2) -> list[str]:
    """Return the files of a set that are missing or differ from their manifest."""
    entries = read_manifest(folder)
    wrong = []
    for (drawing, digest), data in zip(entries, _encoded([drawing for drawing, _ in entries], processes), strict=True):
        path = folder / drawing.file
        same = path.is_file() and path.read_bytes() == data
        if not same or hashlib.sha256(data).hexdigest() != digest:
            wrong.append(drawing.file)
    return wrong


def _encoded(drawings: Sequence[Drawing], processes: int) -> Iterator[bytes]:
    """Draw pictures in parallel; return their files' contents in order."""
    # Spawned: a fork of a process that has threads and signal handlers may never end.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(Drawing.encoded, drawings, chunksize=8)


def main(arguments: list[str] | None = None) -> int:
    """Draw the sets, or check them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emotion.faces", description="Draw the picture sets.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where to write (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="draw again and compare with the files that are there")
    parser.add_argument("--only", choices=[chosen.name for chosen in SETS], help="one set instead of all")
    options = parser.parse_args(arguments)
    failed = False
    for chosen in SETS:
        if options.only not in (None, chosen.name):
            continue
        folder = options.folder / chosen.name
        if options.check:
            wrong = differing(folder)
            failed = failed or bool(wrong)
            print(f"{chosen.name}: {'as drawn' if not wrong else 'differs: ' + ', '.join(wrong[:10])}")
        else:
            total = write_set(chosen, folder)
            print(f"{chosen.name}: {chosen.per_class * len(EMOTIONS)} pictures, {total / 1e6:.2f} MB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
