"""Near-duplicate pictures: the same photograph saved again, resized or mirrored.

A perceptual hash (imagehash's ``phash``: the signs of the lowest frequencies) of 256 bits. Measured on the drawn set
and on photographs: saved at half the size, greyed or brightened by a third, 95 % of the pictures stay within 0.12 of
their own hash, while the nearest two different ones lie 0.12 (drawn) and 0.34 (photographs) apart. A crop by more than
two percent is not found.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from emotion.core.errors import PictureError
from emotion.core.files import hash_file, write_json
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.data.sets import Likeness, PictureRow

SIDE = 16  # 256 bits: with imagehash's default of 64, drawn faces of different people had the same hash
BITS = SIDE * SIDE
NEAR_BITS = BITS // 10
LOOKED_AT = 64  # pixels: a large picture is decoded to at least twice this side
_ROWS = 64  # rows compared with all others at once: 25 MB for 50,000
Words = NDArray[np.uint64]


def fingerprint(picture: Image.Image) -> bytes:
    """Return the perceptual hash of a picture: 256 bits in 32 bytes."""
    import imagehash

    return np.packbits(imagehash.phash(picture, hash_size=SIDE).hash).tobytes()


def fingerprints(picture: Image.Image) -> tuple[bytes, bytes]:
    """Return the fingerprints of a picture and of its mirror image."""
    return fingerprint(picture), fingerprint(ImageOps.mirror(picture))


def find_likenesses(
    rows: Sequence[PictureRow], mirrored: Sequence[bytes], *, sets: Mapping[str, Sequence[PictureRow]]
) -> list[Likeness]:
    """Return the rows that are near-duplicates of an earlier row, or of a row of other ``sets`` (by folder name).

    ``mirrored`` are the fingerprints of the rows' mirror images. Each match is the nearest row, the first of equals.
    """
    prints, turned, found = _of_rows(rows), _words(mirrored), list[Likeness]()
    for name, others in [(None, rows), *sets.items()]:
        try:
            words = _of_rows(others)
        except (ValueError, TypeError):
            continue
        for start in range(0, len(rows) if len(words) else 0, _ROWS):
            some = slice(start, start + _ROWS)
            apart = _apart(prints[some], turned[some], words[: start + _ROWS] if name is None else words)
            if name is None:
                # A row is compared only with the rows before it.
                apart[np.arange(apart.shape[1]) >= start + np.arange(len(apart))[:, None]] = BITS
            for row, like in enumerate(apart.argmin(1)):
                if (bits := int(apart[row, like])) <= NEAR_BITS:
                    share = round(bits / BITS, 3)
                    found.append(Likeness(rows[start + row].file, others[like].file, name or "", share))
    return found


@dataclass(frozen=True)
class TrainedOn:
    """The pictures that a run was trained or validated on, by content and by appearance."""

    paths: Sequence[str]  # N, of the pictures that are still there
    by_content: Mapping[str, str]  # path by SHA-256
    prints: Words  # (N, 4)

    @property
    def checked(self) -> int:
        """The number of pictures whose appearance a sample can be compared with."""
        return len(self.prints)

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str]], *, known: Mapping[str, bytes], kept_in: Path) -> TrainedOn:
        """Return the pictures of (path, SHA-256) rows; fingerprints that are not ``known`` are cached in a file."""
        kept: dict[str, bytes] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            values = json.loads(kept_in.read_text(encoding="utf-8"))
            kept = {sha256: bytes.fromhex(bits) for sha256, bits in values.items() if len(bits) == BITS // 4}
        known = {**kept, **known}
        lacking = {sha256: Path(path) for path, sha256 in rows if sha256 not in known}
        with ThreadPoolExecutor(max_workers=2) as pool:
            computed = zip(lacking, pool.map(_of_file, lacking.values(), lacking), strict=True)
            new = {sha256: bits for sha256, bits in computed if bits}
        # With a full disk they are computed again next time.
        with contextlib.suppress(OSError):
            if new:
                kept_in.parent.mkdir(parents=True, exist_ok=True)
                write_json(kept_in, {sha256: bits.hex() for sha256, bits in {**kept, **new}.items()})
        known |= new
        found = [(path, known[sha256]) for path, sha256 in rows if sha256 in known]
        return cls([path for path, _ in found], {sha256: path for path, sha256 in rows}, _words([b for _, b in found]))

    def groups(self, paths: Sequence[Path]) -> list[int]:
        """Return a group number for each picture; near-duplicates, direct or through others, share one."""
        from scipy.sparse.csgraph import connected_components

        alike = [_apart(each[None], each[None], self.prints)[0] for each in self.prints]
        _, found = connected_components(np.array(alike).reshape(len(alike), -1) <= NEAR_BITS)
        groups = dict(zip(self.paths, found.tolist(), strict=True))
        return [groups.get(str(path), len(groups) + number) for number, path in enumerate(paths)]

    def twins(self, pictures: Sequence[Picture]) -> dict[Path, str]:
        """Return the pictures that were trained on, each with the path of the training picture.

        Pictures match by content, or, if readable, by fingerprints within a tenth of the bits, mirrored or not.
        """
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = pool.map(self._twin, pictures)
            return {picture.path: twin for picture, twin in zip(pictures, found, strict=True) if twin is not None}

    def _twin(self, picture: Picture) -> str | None:
        same = self.by_content.get(picture.sha256)
        if same is not None or not self.checked:
            return same
        try:
            bits, mirrored = fingerprints(open_picture(picture.path, side=LOOKED_AT))
        except PictureError:
            return None
        apart = _apart(_words([bits]), _words([mirrored]), self.prints)[0]
        return self.paths[int(apart.argmin())] if apart.min() <= NEAR_BITS else None


def _of_rows(rows: Sequence[PictureRow]) -> Words:
    return _words([bytes.fromhex(row.fingerprint) for row in rows])


def _words(prints: Sequence[bytes]) -> Words:
    """Return fingerprints as (N, 4) words."""
    return np.frombuffer(b"".join(prints), dtype=np.uint64).reshape(-1, BITS // 64)


def _apart(prints: Words, mirrored: Words, others: Words) -> NDArray[np.uint16]:
    """Return the number of bits that differ, (rows, others), the lower of unmirrored and mirrored."""
    unmirrored, turned = (
        sum((np.bitwise_count(each[:, word, None] ^ others[:, word]) for word in range(BITS // 64)), np.uint16(0))
        for each in (prints, mirrored)
    )
    lower: NDArray[np.uint16] = np.minimum(unmirrored, turned)
    return lower


def _of_file(path: Path, sha256: str) -> bytes | None:
    """Return the fingerprint of a training picture; None where it is missing, changed or unreadable."""
    try:
        return fingerprint(open_picture(path, side=LOOKED_AT)) if hash_file(path) == sha256 else None
    except (OSError, PictureError):
        return None
