"""Settings are checked once and survive JSON; presets are the report's; emotions, times and counts have their words."""

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from emotion.core.config import PRESETS, PresetName, TrainConfig, preset
from emotion.core.errors import ConfigError
from emotion.core.format import count, duration
from emotion.core.labels import ALIASES, EMOTIONS, alias_offer, emotion_meant, species_in


def test_settings_round_trip_through_json_and_older_ones_are_read() -> None:
    config = TrainConfig(pictures="faces", depth=2, epochs=3, seed=7, use_aliases=True)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    older = {name: value for name, value in config.to_json().items() if name not in ("use_aliases", "class_weights")}
    assert TrainConfig.from_json(older) == replace(config, use_aliases=False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "Epochs is 0: use a whole number from 1 to 50."),
    ({"epochs": 8.5}, "Epochs is 8.5: use a whole number from 1 to 50."),
    ({"epochs": True}, "Epochs is true: use a whole number from 1 to 50."),
    ({"depth": 0}, "Depth is 0: use a whole number from 1 to 48 (or head, or all)."),
    ({"depth": "half"}, 'Depth is "half": use a whole number from 1 to 48 (or head, or all).'),
    ({"head_learning_rate": 0}, "Head learning rate is 0: use a number from 1e-07 to 1."),
    ({"head_learning_rate": float("nan")}, "Head learning rate is NaN: use a number from 1e-07 to 1."),
    ({"weight_decay": -0.1}, "Weight decay is -0.1: use a number from 0 to 1."),
    ({"seed": 2**31}, "Seed is 2147483648: use a whole number from 0 to 2147483647."),
    ({"schedule": "wild"}, 'Schedule is "wild": use one of constant, linear, cosine.'),
    ({"use_aliases": "yes"}, 'Read other names of the four emotions is "yes": use true or false.'),
    ({"class_weights": 1}, "Class weights is 1: use true or false."),
    ({"pictures": ""}, "No picture folder is given"),
    ({"backbone": ""}, "No backbone is given"),
    ({"learning_rate": 1}, "Unknown setting 'learning_rate'"),
]


@pytest.mark.parametrize(("values", "sentence"), WRONG)
def test_a_setting_out_of_range_is_one_sentence_with_its_range(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json({"pictures": "faces", **values})
    assert str(caught.value).startswith(sentence)
    with pytest.raises(ConfigError, match="No picture folder is given"):
        TrainConfig.from_json({"epochs": 3})


def test_presets_are_what_they_were_chosen_to_be() -> None:
    assert all(preset(name, pictures="faces") for name in PRESETS)
    assert get_args(PresetName) == tuple(PRESETS)
    quick = preset("Quick", pictures="faces")
    assert (quick.backbone, quick.image_size, quick.views, quick.depth) == ("dinov2-small", 140, 3, "head")
    assert preset("Quick", pictures="faces", backbone="facebook/dinov2-small").image_size == 140
    # With a backbone that they were not chosen on, Quick is the plain training, and Thorough changes its size alone.
    other = "google/vit-base-patch16-224-in21k"
    assert preset("Quick", pictures="faces", backbone=other) == TrainConfig(pictures="faces", backbone=other)
    thorough = preset("Thorough", pictures="faces", backbone="facebook/dinov2-base")
    assert thorough == replace(preset("Thorough", pictures="faces"), backbone="facebook/dinov2-base", image_size=224)
    assert (thorough.depth, thorough.epochs) == (6, 12)
    report = preset("The report", pictures="faces")
    assert (report.backbone, report.depth) == (other, "all")
    assert (report.batch_size, report.epochs, report.block_learning_rate) == (24, 8, 2e-5)
    assert report.weight_decay == report.label_smoothing == 0
    with pytest.raises(ConfigError, match="There is no preset 'Slow': choose one of Quick, Thorough, The report"):
        preset("Slow", pictures="faces")


SAME = {"happy": "happiness joy Happy", "sad": "Sadness", "angry": "anger MAD", "tired": "sleepy drowsy Fatigue"}
OWN = ["relaxed", "neutral", "fear", "surprise", "disgust", "Calm", "unhappy", "dog", ""]


def test_other_words_mean_an_emotion_in_any_case_and_states_of_their_own_are_left_alone() -> None:
    for emotion, said in SAME.items():
        assert {emotion_meant(word) for word in said.split()} == {emotion}
    assert [emotion_meant(name) for name in OWN] == OWN
    assert alias_offer(OWN) == alias_offer(EMOTIONS) == alias_offer([]) == ""
    words = [word for aliases in ALIASES.values() for word in aliases]
    assert len(set(words) | set(EMOTIONS)) == len(words) + 4, "a word with two meanings"
    assert all(word == word.casefold() for word in words)


def test_other_names_are_offered_in_one_sentence() -> None:
    offer = alias_offer(["Sadness", "happy", "anger", "relaxed"])
    assert offer.startswith("This set says 'anger' for angry and 'Sadness' for sad: switch on “Read other names")
    several = "This set says 'Anger' for angry, 'joy' for happy and 'mad' for angry: give it to read them as such."
    assert alias_offer(["joy", "mad", "Anger"], how="give it") == several
    assert alias_offer(["anger", "sad"], how="give it").endswith(": give it to read it as such.")


@pytest.mark.parametrize(
    ("name", "species"), [("my dogs", "dog"), ("Rosa-cat_2", "cat"), ("Human faces", "human"), ("doghouse", "")]
)
def test_a_species_is_found_in_the_words_of_a_name(name: str, species: str) -> None:
    assert species_in(name) == species


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (duration(0.012), "12 ms"), (duration(0.14), "0.1 s"), (duration(9.96), "10 s"), (duration(59.6), "1 min"),
        (duration(200), "3 min 20 s"), (duration(3900), "1 h 5 min"), (count(1, "picture"), "1 picture"),
        (count(1200, "picture"), "1,200 pictures"),
    ],
)  # fmt: skip
def test_a_time_and_a_count_are_told_as_a_person_would(said: str, words: str) -> None:
    assert said == words
