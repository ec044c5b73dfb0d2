"""Pictures that are near-duplicates of one another: the same photograph saved, sized or turned over again.

A perceptual hash (imagehash's ``phash``: the signs of the lowest frequencies) of 256 bits. Measured on the drawn set
and on photographs: saved at half the size, greyed or brightened by a third, 95 % of the pictures stay within 0.12 of
their own hash, while the nearest two different ones lie 0.12 (drawn) and 0.34 (photographs) apart. A crop by more than
two percent is not found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from emotion.errors import EmotionError, PictureError
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import Picture
from emotion.writing import hash_file

if TYPE_CHECKING:
    import numpy as np

    from emotion.run import Run

SIDE = 16  # 256 bits: with imagehash's default of 64, drawn faces of different people have been alike
NEAR_SHARE = 0.1
FILE = "fingerprints.jsonl"
LOOKED_AT = 64  # pixels: a large picture is decoded to no less than twice as many a side


def fingerprint(picture: Image.Image) -> np.ndarray:
    """Return the (256,) perceptual hash of a picture, as booleans."""
    import imagehash

    bits: np.ndarray = imagehash.phash(picture, hash_size=SIDE).hash.flatten()
    return bits


@dataclass(frozen=True)
class TrainedOn:
    """The pictures that a run was trained or validated on, by content and by look.

    ``paths`` are theirs, ``bits`` their (N, 256) fingerprints; ``checked`` counts them, 0 where they are gone.
    """

    paths: Sequence[str]
    by_content: Mapping[str, str]
    bits: np.ndarray

    @property
    def checked(self) -> int:
        """How many pictures a sample can be held against by their look."""
        return len(self.bits)

    @classmethod
    def of_run(cls, run: Run) -> TrainedOn:
        """Return the pictures of a run's split; their fingerprints are kept by content in the cache's folder."""
        import numpy as np

        from emotion.cache.store import cache_folder
        from emotion.split_record import load_split

        try:
            root = Path(run.config().pictures)
            rows = [(str(root / row.picture), row.sha256) for row in load_split(run).rows]
        except EmotionError:
            # A run of the tests' scripts, or one that is torn: there is nothing to hold a sample against.
            rows = []
        known = _Fingerprints(cache_folder() / FILE)
        prints = known.of(rows)
        found = [(path, prints[sha256]) for path, sha256 in rows if sha256 in prints]
        bits = np.array([value for _, value in found], dtype=bool).reshape(-1, SIDE * SIDE)
        return cls([path for path, _ in found], {sha256: path for path, sha256 in rows}, bits)

    def twins(self, pictures: Sequence[Picture]) -> dict[Path, str]:
        """Return those of the pictures that were trained on, with the path of the training picture.

        The same content counts, and a look within a tenth of the bits, mirrored or not. What cannot be read has none.
        """
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = pool.map(self._twin, pictures)
            return {picture.path: twin for picture, twin in zip(pictures, found, strict=True) if twin is not None}

    def _twin(self, picture: Picture) -> str | None:
        same = self.by_content.get(picture.sha256)
        if same is not None or not self.checked:
            return same
        try:
            image = _small(picture.path)
        except PictureError:
            return None
        for bits in (fingerprint(image), fingerprint(ImageOps.mirror(image))):
            shares = (self.bits != bits).mean(1)
            if shares.min() <= NEAR_SHARE:
                return self.paths[int(shares.argmin())]
        return None


@dataclass(frozen=True)
class _Fingerprints:
    """A file with one fingerprint a line, by the SHA-256 of the picture's content."""

    file: Path

    def of(self, rows: Iterable[tuple[str, str]]) -> dict[str, np.ndarray]:
        """Return the fingerprints of (path, SHA-256) rows; those not known yet are computed and added to the file."""
        import numpy as np

        known = self._read()
        lacking = {sha256: Path(path) for path, sha256 in rows if sha256 not in known}
        with ThreadPoolExecutor(max_workers=2) as pool:
            computed = zip(lacking, pool.map(_of_file, lacking.values(), lacking), strict=True)
            new = {sha256: bits for sha256, bits in computed if bits is not None}
        if new:
            lines = [
                json.dumps({"sha256": sha256, "bits": np.packbits(bits).tobytes().hex()})
                for sha256, bits in new.items()
            ]
            self._append(lines)
        return known | new

    def _read(self) -> dict[str, np.ndarray]:
        import numpy as np

        found: dict[str, np.ndarray] = {}
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return found
        for line in lines:
            try:
                row = json.loads(line)
                bits = np.unpackbits(np.frombuffer(bytes.fromhex(row["bits"]), dtype=np.uint8)).astype(bool)
            except (ValueError, KeyError, TypeError):
                continue  # Torn by a crash: it is computed anew.
            if len(bits) == SIDE * SIDE:
                found[row["sha256"]] = bits
        return found

    def _append(self, lines: Sequence[str]) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab") as file:
                # After a line that a crash has torn a new one begins. One write, so that two writers share no line.
                file.write(("\n" + "\n".join(lines) + "\n").encode("utf-8"))
        except OSError:
            return  # A full disk: they are computed again the next time.


def _of_file(path: Path, sha256: str) -> np.ndarray | None:
    """Return the fingerprint of a training picture; None where it is gone, changed, or cannot be read."""
    try:
        return fingerprint(_small(path)) if hash_file(path) == sha256 else None
    except (OSError, PictureError):
        return None


def _small(path: Path) -> Image.Image:
    return open_picture(path, side=LOOKED_AT)
