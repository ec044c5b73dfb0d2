"""What a public server gives, where its numbers come from, and how each limit is said."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from emotion.config import PRESETS, TrainConfig, preset
from emotion.errors import ConfigError, RefusedError
from emotion.public import Public, is_public, public_limits
from emotion.sweep import SWEPT_SETTINGS

PLAIN = TrainConfig(pictures="x")


def test_a_server_is_public_where_it_is_told_so_and_on_a_space():
    assert not is_public({})
    assert public_limits({}) is None
    assert is_public({"EMOTION_PUBLIC": "1"})
    assert is_public({"SPACE_ID": "somebody/emotion"})
    assert not is_public({"SPACE_ID": "somebody/emotion", "EMOTION_PUBLIC": "0"})


def test_every_number_can_be_changed_by_its_variable():
    for field in fields(Public):
        text = "7" if not isinstance(field.default, str) else "dinov2-small"
        limits = public_limits({"EMOTION_PUBLIC": "1", f"EMOTION_PUBLIC_{field.name.upper()}": text})
        assert str(getattr(limits, field.name)) in (text, f"{text}.0")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("EMOTION_PUBLIC", "yes", "EMOTION_PUBLIC is 'yes': set it to 1"),
        ("EMOTION_PUBLIC_EPOCHS", "many", "EMOTION_PUBLIC_EPOCHS is 'many': set it to a whole number."),
        ("EMOTION_PUBLIC_EPOCHS", "0", "EMOTION_PUBLIC_EPOCHS is 0: use a number from 1 on."),
        ("EMOTION_PUBLIC_DISK_GIGABYTES", "nan", "EMOTION_PUBLIC_DISK_GIGABYTES is nan"),
        ("EMOTION_PUBLIC_EPOCH", "3", "EMOTION_PUBLIC_EPOCH is no limit of a public server: use one of"),
    ],
)
def test_a_variable_that_cannot_be_is_one_sentence(name: str, text: str, said: str):
    with pytest.raises(ConfigError) as error:
        public_limits({"EMOTION_PUBLIC": "1", name: text})
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (replace(PLAIN, epochs=21), "21 epochs are more than this public server gives: use at most 20."),
        (replace(PLAIN, image_size=448), "448 pixels of image size are more than this public server gives"),
        (replace(PLAIN, depth="all"), "dinov2-small is trained as the classifier and at most 6 of its last blocks"),
        (replace(PLAIN, depth=7), "at most 6 of its last blocks"),
        (preset("The report", pictures="x"), "is trained as the classifier alone"),
        (replace(PLAIN, backbone="facebook/dinov2-base", depth=1), "is trained as the classifier alone"),
        (replace(PLAIN, backbone="/etc"), "trains on no other backbones than these"),
        (replace(PLAIN, backbone="../models/dinov2-small"), "trains on no other backbones than these"),
        (replace(PLAIN, backbone="somebody/else"), "trains on no other backbones than these"),
    ],
)
def test_a_training_beyond_a_limit_is_refused_by_a_sentence_that_names_it(config: TrainConfig, said: str):
    with pytest.raises(RefusedError) as error:
        Public().check(config)
    assert said in str(error.value)


def test_what_the_page_proposes_is_within_the_limits():
    limits = Public()
    for name in set(PRESETS) - {"The report"}:
        limits.check(preset(name, pictures="x"))
    assert all(len(swept.values.split(",")) <= limits.queued for swept in SWEPT_SETTINGS.values())
    assert limits.of_import().pictures == limits.set_pictures


def test_a_queue_and_runs_are_counted_for_each_visitor_and_in_all():
    limits = Public(queued=2, queued_in_all=3, runs=4)
    limits.check_queue(mine=1, in_all=2)
    limits.check_runs(3)
    for check, said in (
        (lambda: limits.check_queue(mine=2, in_all=2), "may have 2 trainings"),
        (lambda: limits.check_queue(mine=0, in_all=3), "lets 3 trainings"),
        (lambda: limits.check_runs(4), "may keep 4 runs"),
    ):
        with pytest.raises(RefusedError, match=said):
            check()
