"""Settings are checked once and survive JSON; presets say what the report did."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from emotion.config import PRESETS, TrainConfig, parse_depth, preset
from emotion.errors import ConfigError


def test_settings_round_trip_through_json() -> None:
    config = TrainConfig(pictures="faces", depth=2, epochs=3, seed=7, use_aliases=True)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "Epochs is 0: use a whole number from 1 to 50."),
        ({"epochs": 8.5}, "Epochs is 8.5: use a whole number from 1 to 50."),
        ({"batch_size": 129}, "Batch size is 129: use a whole number from 1 to 128."),
        ({"depth": 0}, "Depth is 0: use a whole number from 1 to 48 (or head, or all)."),
        ({"depth": "half"}, 'Depth is "half": use a whole number from 1 to 48 (or head, or all).'),
        ({"head_learning_rate": 0}, "Head learning rate is 0: use a number from 1e-07 to 1."),
        ({"head_learning_rate": float("nan")}, "Head learning rate is NaN: use a number from 1e-07 to 1."),
        ({"layer_decay": 0}, "Layer decay is 0: use a number from 0.1 to 1."),
        ({"validation_share": 0.9}, "Validation share is 0.9: use a number from 0.05 to 0.5."),
        ({"augmentation": "wild"}, 'Augmentation is "wild": use one of off, light, zoom, strong, frame.'),
        ({"use_aliases": "yes"}, 'Use aliases is "yes": use true or false.'),
        ({"use_aliases": 1}, "Use aliases is 1: use true or false."),
        ({"pictures": ""}, "No picture folder is given"),
        ({"backbone": ""}, "No backbone is given"),
        ({"learning_rate": 1}, "Unknown setting 'learning_rate'"),
    ],
)
def test_a_setting_out_of_range_is_one_sentence_with_its_range(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json({"pictures": "faces", **values})
    assert str(caught.value).startswith(sentence)


def test_settings_from_before_there_were_aliases_read_folders_as_they_are_named() -> None:
    values = TrainConfig(pictures="faces", epochs=3).to_json()
    del values["use_aliases"]
    assert TrainConfig.from_json(values) == TrainConfig(pictures="faces", epochs=3)


def test_every_preset_is_valid() -> None:
    assert all(preset(name, pictures="faces") for name in PRESETS)


def test_quick_takes_small_pictures_from_more_than_one_distance() -> None:
    quick = preset("Quick", pictures="faces")
    assert (quick.backbone, quick.image_size, quick.views) == ("dinov2-small", 140, 3)
    assert preset("Quick", pictures="faces", backbone="facebook/dinov2-small").image_size == 140


def test_quick_with_a_backbone_that_it_was_not_chosen_on_is_the_plain_training() -> None:
    backbone = "google/vit-base-patch16-224-in21k"
    assert preset("Quick", pictures="faces", backbone=backbone) == TrainConfig(pictures="faces", backbone=backbone)


def test_another_backbone_takes_nothing_but_its_size_from_thorough() -> None:
    thorough = preset("Thorough", pictures="faces", backbone="facebook/dinov2-base")
    assert thorough == replace(preset("Thorough", pictures="faces"), backbone="facebook/dinov2-base", image_size=224)


def test_the_report_is_a_full_fine_tuning_of_vit_b_16() -> None:
    report = preset("The report", pictures="faces")
    assert (report.backbone, report.depth) == ("google/vit-base-patch16-224-in21k", "all")
    assert (report.batch_size, report.epochs, report.block_learning_rate) == (24, 8, 2e-5)
    assert report.weight_decay == report.label_smoothing == 0


@pytest.mark.parametrize(("text", "depth"), [("head", "head"), ("all", "all"), ("4", 4)])
def test_a_depth_is_read_as_people_write_it(text: str, depth: object) -> None:
    assert parse_depth(text) == depth


def test_an_unknown_depth_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="Depth '-1' is not known"):
        parse_depth("-1")
