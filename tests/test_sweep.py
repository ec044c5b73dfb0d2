"""A sweep is planned as a whole, from text, or not at all; its runs remember that they belong together."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.config import TrainConfig
from emotion.errors import ConfigError
from emotion.run import Run
from emotion.runs import create_run
from emotion.sweep import MAX_VALUES, SWEPT_SETTINGS, SweepMember, plan_sweep, value_text
from emotion.validation import smallest_difference

CONFIG = TrainConfig(pictures="faces", epochs=3, depth=2)


def test_the_reports_batch_sizes_are_four_trainings_that_differ_in_nothing_else():
    planned = plan_sweep(CONFIG, setting="batch_size", values="4, 8, 16, 24")
    assert [each.config for each in planned] == [replace(CONFIG, batch_size=size) for size in (4, 8, 16, 24)]
    assert [each.member.place for each in planned] == [0, 1, 2, 3]
    assert [each.member.title for each in planned] == ["batch size 4", "batch size 8", "batch size 16", "batch size 24"]
    assert len({each.member.id for each in planned}) == 1


def test_two_sweeps_never_share_an_id():
    ids = {plan_sweep(CONFIG, setting="seed", values="1")[0].member.id for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize("setting", SWEPT_SETTINGS)
def test_every_setting_proposes_values_that_can_be_trained(setting: str):
    planned = plan_sweep(CONFIG, setting=setting, values=SWEPT_SETTINGS[setting].values)
    assert len(planned) >= 3
    assert [getattr(each.config, setting) for each in planned] == [each.member.value for each in planned]


@pytest.mark.parametrize("text", ["4,8", "4 8", "4; 8", " 4,\n8, ", ",4,,8,"])
def test_values_may_be_parted_in_several_ways(text: str):
    assert [each.member.value for each in plan_sweep(CONFIG, setting="batch_size", values=text)] == [4, 8]


def test_each_value_is_read_by_its_settings_own_type():
    def values(setting: str, text: str) -> list[object]:
        return [each.member.value for each in plan_sweep(CONFIG, setting=setting, values=text)]

    assert values("depth", "head, 2, all") == ["head", 2, "all"]
    assert values("head_learning_rate", "1e-3, 0.01") == [0.001, 0.01]
    assert values("augmentation", "off, strong") == ["off", "strong"]


@pytest.mark.parametrize(
    ("setting", "text", "words"),
    [
        ("batch_size", " , ", "No value is given"),
        ("batch_size", "4, four", "Batch size cannot be 'four': write whole numbers"),
        ("batch_size", "4, 8.5", "cannot be '8.5'"),
        ("batch_size", "4, 500", "Batch size is 500: use a whole number from 1 to 128"),
        ("batch_size", "4, 8, 4", "Batch size 4 is there twice"),
        ("head_learning_rate", "1e-3, 0.001", "is there twice"),
        ("head_learning_rate", "fast", "write numbers with commas"),
        ("head_learning_rate", "nan", "use a number from"),
        ("weight_decay", "1e999", "use a number from"),
        ("depth", "head, some", "use head, all, or the number"),
        ("augmentation", "off, wild", "use one of off, light, zoom, strong"),
        ("epochs", " ".join(str(number) for number in range(1, MAX_VALUES + 2)), "13 values: leave at most 12"),
        ("backbone", "a, b", "cannot be swept"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_a_sentence(setting: str, text: str, words: str):
    with pytest.raises(ConfigError, match=words):
        plan_sweep(CONFIG, setting=setting, values=text)


def test_a_setting_that_would_change_nothing_is_not_swept():
    with pytest.raises(ConfigError, match="No block is trained"):
        plan_sweep(replace(CONFIG, depth="head"), setting="block_learning_rate", values="1e-5, 1e-4")


def test_values_are_shown_as_a_person_writes_them():
    assert [value_text(value) for value in (24, 0.0015, 5e-5, 0.0, "head")] == ["24", "0.0015", "5e-5", "0", "head"]


def test_a_run_remembers_its_sweep_also_after_its_record_was_added_to(tmp_path: Path):
    member = SweepMember("20261125-1", "weight_decay", 0.01, 2)
    run = create_run(CONFIG, root=tmp_path, sweep=member)
    run.note(classes=["happy"])
    assert Run(run.path).sweep() == member
    assert json.loads((run.path / "config.json").read_text())["sweep"] == {
        "id": "20261125-1", "setting": "weight_decay", "value": 0.01, "place": 2,
    }  # fmt: skip


def test_a_run_that_was_started_alone_or_by_an_older_version_has_none(tmp_path: Path):
    run = create_run(CONFIG, root=tmp_path)
    assert "sweep" not in run.record()
    assert run.sweep() is None


@pytest.mark.parametrize(
    "record", [None, [], "4", {"id": "a"}, {"id": "a", "setting": "seed", "value": [1], "place": 0}]
)
def test_a_record_of_another_make_leaves_the_run_readable(tmp_path: Path, record: object):
    run = create_run(CONFIG, root=tmp_path)
    run.note(sweep=record)
    assert run.sweep() is None
    assert run.config() == CONFIG


def test_how_far_accuracies_must_differ_shrinks_with_the_pictures_and_is_never_nothing():
    assert smallest_difference(69, 90) == pytest.approx(0.123, abs=0.003)
    assert smallest_difference(690, 900) == pytest.approx(0.039, abs=0.001)
    # The usual standard error would say that two models with everything right differ by chance by nothing at all.
    assert smallest_difference(90, 90) > 0.03
    assert smallest_difference(0, 90) == pytest.approx(smallest_difference(90, 90))


def test_a_sweep_is_planned_without_torch_and_gradio():
    code = "import sys, emotion.sweep; print([name for name in ('torch', 'gradio', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
