"""What comes with the drawn pictures, so that a first training on them starts at once: features and fingerprints.

Features are found by the backbone's weights, the pictures' content, view and size, and the processor settings that
affect the pixels; precision, device and package versions may differ. In half precision each is within 0.02, in norm, of
newly computed features. ``python -m emotion.training.shipped`` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from emotion.core.errors import EmotionError
from emotion.core.files import write_json
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.duplicates import TrainedOn
from emotion.runs.run import Run
from emotion.runs.split import load_split
from emotion.training.cache import Recipe, cache_folder

if TYPE_CHECKING:
    from torch import Tensor

FEATURES, FINGERPRINTS = DRAWN_FOLDER / "features.safetensors", DRAWN_FOLDER / "fingerprints.json"
_DECIDING = (
    "size", "crop_size", "do_center_crop", "do_resize", "do_rescale", "do_normalize", "image_mean", "image_std",
    "resample", "rescale_factor",
)  # fmt: skip


def shipped_rows(recipe: Recipe, names: Collection[str]) -> dict[str, Tensor]:
    """Return the shipped rows of these names, if this recipe gives the same; none where the file cannot be read."""
    try:
        with safe_open(FEATURES, framework="pt") as file:
            if recipe["trained_blocks"] or file.metadata()["made_of"] != _made_of(recipe):
                return {}
            return {name: file.get_tensor(name) for name in file.keys() if name in names}  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}


def _made_of(recipe: Recipe) -> str:
    """Return what determines a feature, apart from the picture and its view."""
    settings = json.loads(str(recipe["processor"]))
    parts = [recipe["weights"], recipe["image_size"], {name: settings.get(name) for name in _DECIDING}]
    return json.dumps(parts, sort_keys=True)


def trained_on(run: Run) -> TrainedOn:
    """Return the pictures of a run's split by content and appearance; their fingerprints are cached."""
    try:
        root = Path(run.config().pictures)
        rows = [(str(root / row.picture), row.sha256) for row in load_split(run).rows]
    except EmotionError:
        # A damaged run, or one made by a script: there is nothing to compare a sample with.
        rows = []
    return fingerprinted(rows)


def fingerprinted(rows: Sequence[tuple[str, str]]) -> TrainedOn:
    """Return pictures, given as (path, SHA-256), by content and appearance; their fingerprints are cached."""
    shipped = json.loads(FINGERPRINTS.read_text(encoding="utf-8"))
    known = {sha256: bytes.fromhex(bits) for sha256, bits in shipped.items()}
    return TrainedOn.of(rows, known=known, kept_in=cache_folder() / "fingerprints.json")


def main() -> None:
    """Write the features of the training set of people in Quick's views, and of the other sets unchanged."""
    from safetensors.torch import save_file

    from emotion.backbones.registry import locate
    from emotion.core.config import preset
    from emotion.core.labels import EMOTIONS
    from emotion.core.progress import result_of
    from emotion.data.decoding import open_picture
    from emotion.data.duplicates import LOOKED_AT, fingerprints
    from emotion.data.folders import find_pictures
    from emotion.training.context import Context, read_backbone
    from emotion.training.features import look, recipe_of, row_name

    FEATURES.unlink(missing_ok=True)
    config = replace(preset("Quick", pictures=str(DRAWN_FOLDER / "human_train")), precision="float32")
    backbone = read_backbone(locate(config.backbone), classes=EMOTIONS, image_size=config.image_size)
    sets = [find_pictures(DRAWN_FOLDER / name) for name in ("human_train", "human_eval", "dog_eval", "cat_eval")]
    pictures, context = [picture for pictures in sets for picture in pictures], Context(config)
    seen = result_of(look(pictures, backbone, context, varied=len(sets[0])), tell=print)
    rows = {row_name(view, config): row.half().clone() for view, row in seen.rows.items()}
    save_file(rows, FEATURES, {"made_of": _made_of(recipe_of(backbone, context))})
    prints = {each.sha256: fingerprints(open_picture(each.path, side=LOOKED_AT))[0].hex() for each in pictures}
    write_json(FINGERPRINTS, prints)
    print(f"{FEATURES}: {len(rows):,} views, {FEATURES.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
