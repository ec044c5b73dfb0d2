"""What a training is made of, where an answer is known beforehand: views, whitening, precision."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import Trainer
from PIL import Image, ImageColor
from sklearn.covariance import shrunk_covariance

from emotion.backbones.pixels import load_processor
from emotion.core.config import TrainConfig
from emotion.data.folders import Picture
from emotion.data.sampling import Split
from emotion.training.context import Context
from emotion.training.features import vary, vary_view
from emotion.training.head import SHRINKAGE, whitening
from emotion.training.inputs import Examples, PictureInputs


def test_zoom_shows_each_picture_closer_and_farther_and_a_frame_some_smaller() -> None:
    image = Image.new("RGB", (100, 80), "red")
    views = range(TrainConfig(pictures="-", augmentation="zoom").views)
    plain, closer, farther = (vary_view(image, ("its hash", view), "zoom") for view in views)
    assert plain.size == (100, 80)
    assert (70, 56) <= closer.size < (100, 80)
    assert (100, 80) < farther.size <= (200, 160)
    # A frame shows some smaller and none larger than the strongest crop.
    sizes = [vary(image, augmentation="frame", key=str(number)).size for number in range(200)]
    assert min(sizes) >= (75, 60)
    assert max(sizes)[0] > 180
    assert 60 < sum(width > 100 for width, _ in sizes) < 140


def test_whitening_is_the_inverse_root_of_the_shrunk_covariance_within_the_classes() -> None:
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(400) % 4
    mixed = torch.randn(400, 6, generator=generator) @ torch.randn(6, 6, generator=generator)
    rows = mixed + 5 * labels[:, None] + 100.0
    mean, projection = whitening(zip(rows.split(64), labels.split(64), strict=True), classes=4, width=6)
    x = rows.double().numpy()
    z = (x - x.mean(0)) / x.std(0)
    centred = z - np.stack([z[labels.numpy() == k].mean(0) for k in range(4)])[labels.numpy()]
    shrunk = shrunk_covariance(centred.T @ centred / len(z), shrinkage=SHRINKAGE)
    values, vectors = np.linalg.eigh(shrunk)
    expected = vectors @ np.diag(values**-0.5) @ vectors.T
    expected /= (z @ expected).std(0).mean()
    assert np.allclose((rows - mean) @ projection, z @ expected, atol=1e-3)


@pytest.mark.parametrize(("has_it", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_bfloat16_only_where_the_machine_has_it(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, has_it: bool, precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert trainer(precision="auto", epochs=1).of("RunStarted")[0]["precision"] == precision


def test_fault_a_picture_is_decoded_once_for_all_its_views(trainer: Trainer) -> None:
    opened: Counter[str] = Counter()
    is_watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if is_watching and event == "open":
            opened[Path(str(arguments[0])).name] += 1

    sys.addaudithook(watch)
    trainer(augmentation="zoom", epochs=1, depth="head")
    is_watching = False
    pictures = [path.name for path in Path(trainer.config.pictures).glob("*/*.png")]
    assert len(pictures) == 48
    # Once for its hash, and once to be decoded.
    assert {opened[name] for name in pictures} == {2}


def test_fault_pictures_of_one_name_vary_each_in_its_own_way(tiny_vit: Path, tmp_path: Path) -> None:
    pictures = []
    for label, colour in (("happy", "red"), ("sad", "blue")):
        path = tmp_path / label / "0001.png"
        path.parent.mkdir()
        picture = Image.linear_gradient("L").convert("RGB")
        picture.putpixel((0, 0), ImageColor.getrgb(colour))
        picture.save(path)
        pictures.append(Picture(path, label))
    config = TrainConfig(pictures=str(tmp_path), augmentation="strong")
    examples = Examples.of(Split(["happy", "sad"], pictures, []), (), Context(config))
    inputs = PictureInputs(examples, load_processor(tiny_vit, image_size=32), config)
    first, second = inputs([0, 1], 1)
    assert (first - second).abs().mean() > 0.05
    assert torch.equal(first, inputs([0, 1], 1)[0])
