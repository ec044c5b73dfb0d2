"""Features of the drawn pictures that come with the project, so that a first training on them waits for nothing.

They are found by the backbone's weights, the pictures' content, view and size, and what of the processor decides the
pixels, whatever the precision, the device or the packages' versions: in half precision each is within 0.02, in norm, of
a fresh one. ``python -m emotion.training.shipped`` writes them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from emotion.core.errors import EmotionError
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.duplicates import TrainedOn
from emotion.runs.run import Run
from emotion.runs.split import load_split
from emotion.training.cache import Recipe, Rows, cache_folder, row_key

FILE = DRAWN_FOLDER / "features.safetensors"
_DECIDING = (
    "size", "crop_size", "do_center_crop", "do_resize", "do_rescale", "do_normalize", "image_mean", "image_std",
    "resample", "rescale_factor",
)  # fmt: skip


@dataclass(frozen=True)
class Shipped:
    """Features by the names of views: ``places`` has the row of each in ``features``, (N, F) in half precision.

    ``fingerprints`` are the pictures' own, by the SHA-256 of their content.
    """

    made_of: str
    places: dict[str, int]
    features: NDArray[np.float16]
    fingerprints: dict[str, bytes]


def shipped_rows(recipe: Recipe, *, wanted: Collection[str]) -> list[Rows]:
    """Return what is shipped of the wanted names for a recipe: one set of rows, or none."""
    found = shipped()
    if found is None or recipe.trained_blocks or found.made_of != _made_of(recipe):
        return []
    places = {name: place for name, place in found.places.items() if name in wanted}
    if not places:
        return []
    import torch

    return [Rows(torch.from_numpy(found.features), places)]


def shipped() -> Shipped | None:
    """Return all that is shipped; None where it is missing or damaged: then it is computed."""
    try:
        return _read(FILE, FILE.stat().st_mtime_ns)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def trained_on(run: Run) -> TrainedOn:
    """Return the pictures of a run's split by content and look; their fingerprints are kept in the cache's folder."""
    try:
        root = Path(run.config().pictures)
        rows = [(str(root / row.picture), row.sha256) for row in load_split(run).rows]
    except EmotionError:
        # A torn run, or one of a script: there is nothing to compare a sample with.
        rows = []
    return fingerprinted(rows)


def fingerprinted(rows: Sequence[tuple[str, str]]) -> TrainedOn:
    """Return pictures, given by path and SHA-256, by content and look; what is computed of it is kept."""
    drawn = shipped()
    known = drawn.fingerprints if drawn else {}
    return TrainedOn.of(rows, known=known, kept_in=cache_folder() / "fingerprints.json")


@lru_cache(maxsize=1)
def _read(file: Path, written: int) -> Shipped:
    with safe_open(file, framework="numpy") as opened:
        about = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # no dictionary
    if about["sum"] != _sum(tensors):
        raise ValueError("damaged")
    views = zip(tensors["contents"], tensors["views"].tolist(), strict=True)
    names = [row_key(sha256.tobytes().hex(), view=view, augmentation=about["augmentation"]) for sha256, view in views]
    prints = zip(tensors["printed"], tensors["fingerprints"], strict=True)
    places = {name: row for row, name in enumerate(names)}
    fingerprints = {sha256.tobytes().hex(): bits.tobytes() for sha256, bits in prints}
    return Shipped(about["made_of"], places, tensors["features"], fingerprints)


def _made_of(recipe: Recipe) -> str:
    """Return what decides a feature besides the picture and its view."""
    settings = json.loads(recipe.processor)
    return json.dumps(
        [recipe.weights, recipe.image_size, {name: settings.get(name) for name in _DECIDING}], sort_keys=True
    )


def _bytes(rows: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def _sum(tensors: dict[str, NDArray[Any]]) -> str:
    return f"{zlib.crc32(b''.join(tensors[name].tobytes() for name in sorted(tensors))):08x}"


def main() -> None:
    """Write the features of the people to train on in Quick's views, and of the other sets as they are."""
    from emotion.backbones.network import Frozen, load_backbone
    from emotion.backbones.pixels import load_processor
    from emotion.backbones.registry import locate
    from emotion.core.config import preset
    from emotion.core.labels import EMOTIONS
    from emotion.core.progress import result_of
    from emotion.data.decoding import open_picture
    from emotion.data.duplicates import LOOKED_AT, fingerprints
    from emotion.data.folders import find_pictures
    from emotion.training.cache import open_cache
    from emotion.training.context import Context
    from emotion.training.features import Look, make_recipe

    FILE.unlink(missing_ok=True)
    context = Context(replace(preset("Quick", pictures=str(DRAWN_FOLDER / "human_train")), precision="float32"))
    config = context.config
    source = locate(config.backbone)
    network = load_backbone(source.path, classes=list(EMOTIONS), image_size=config.image_size)
    processor = load_processor(source.path, image_size=config.image_size)
    recipe = make_recipe(config, weights=source.sha256, processor=processor, context=context)
    people = find_pictures(DRAWN_FOLDER / "human_train")
    others = [each for name in ("human_eval", "dog_eval", "cat_eval") for each in find_pictures(DRAWN_FOLDER / name)]
    look = Look([*people, *others], len(people), processor, recipe, open_cache(), context)
    frozen = Frozen(network, trained_blocks=0, precision="float32")
    seen = result_of(look.take(frozen, row_bytes=network.width * 4), tell=print)
    names = look.names()
    views, indices = zip(*names, strict=True)
    printed = {each.sha256: fingerprints(open_picture(each.path, side=LOOKED_AT))[0] for each in look.pictures}
    tensors: dict[str, NDArray[Any]] = {
        "features": seen.take(indices, views=views).numpy().astype(np.float16),
        "contents": _bytes([bytes.fromhex(name.partition("/")[0]) for name in names.values()]),
        "views": np.array(views, np.uint8),
        "printed": _bytes([bytes.fromhex(sha256) for sha256 in printed]),
        "fingerprints": _bytes(list(printed.values())),
    }
    seen.close()
    about = {"made_of": _made_of(recipe), "augmentation": config.augmentation, "sum": _sum(tensors)}
    FILE.write_bytes(save(tensors, about))
    print(f"{FILE}: {len(names):,} views, {FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
