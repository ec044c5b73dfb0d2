"""``python -m emotion.training.shipping`` writes the features of the drawn pictures that come with the project."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import numpy as np

from emotion.backbones.anatomy import Trunk, cut, load_model, load_processor
from emotion.backbones.registry import locate
from emotion.cache.shipped import FILE, Shipped, made_of
from emotion.cache.store import open_cache
from emotion.config import preset
from emotion.data.decoding import open_picture
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.duplicates import LOOKED_AT, fingerprints
from emotion.data.folders import find_pictures
from emotion.job import result_of
from emotion.labels import EMOTIONS
from emotion.training.context import Context
from emotion.training.features import VALUE_BYTES
from emotion.training.fit import never
from emotion.training.trunk import Look, make_recipe


def main() -> None:
    """Look at the people to train on in Quick's views, and at the other sets as they are."""
    FILE.unlink(missing_ok=True)
    config = replace(preset("Quick", pictures=str(DRAWN_FOLDER / "human_train")), precision="float32")
    source = locate(config.backbone)
    parts = cut(load_model(source.path, classes=list(EMOTIONS), image_size=config.image_size), 0)
    processor = load_processor(source.path, image_size=config.image_size)
    context = Context(config, never, time.perf_counter())
    recipe = make_recipe(config, weights=source.sha256, processor=processor, context=context)
    people = find_pictures(DRAWN_FOLDER / "human_train")
    others = [each for name in ("human_eval", "dog_eval", "cat_eval") for each in find_pictures(DRAWN_FOLDER / name)]
    look = Look([*people, *others], len(people), processor, recipe, open_cache(), context)
    row_bytes = parts.top.classifier.in_features * VALUE_BYTES
    seen = result_of(look.take(cast(Trunk, parts.trunk), row_bytes=row_bytes), tell=print)
    names = look.names()
    views, indices = zip(*names, strict=True)
    features = seen.take(views, indices).numpy().astype(np.float16)
    seen.close()
    prints = {each.sha256: fingerprints(open_picture(each.path, side=LOOKED_AT))[0] for each in look.pictures}
    rows = {name: row for row, name in enumerate(names.values())}
    Shipped(made_of(recipe), rows, features, prints).save(FILE, augmentation=config.augmentation)
    print(f"{FILE}: {len(rows):,} views, {FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
