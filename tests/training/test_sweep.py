"""A sweep is planned as a whole, from text, or not at all; its runs remember that they belong together."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.core.config import TrainConfig
from emotion.core.errors import ConfigError
from emotion.runs.folder import create_run
from emotion.runs.run import Run
from emotion.runs.sweep import MAX_VALUES, SweepMember, plan_sweep
from emotion.runs.validation import smallest_difference

CONFIG = TrainConfig(pictures="faces", epochs=3, depth=2)


def test_the_reports_batch_sizes_are_four_trainings_that_differ_in_nothing_else() -> None:
    planned = plan_sweep(CONFIG, setting="batch_size", values="4, 8, 16, 24")
    assert [each.config for each in planned] == [replace(CONFIG, batch_size=size) for size in (4, 8, 16, 24)]
    assert [each.member.place for each in planned] == [0, 1, 2, 3]
    assert len({each.member.id for each in planned}) == 1
    ids = {plan_sweep(CONFIG, setting="seed", values="1")[0].member.id for _ in range(50)}
    assert len(ids) == 50, "two sweeps share no id"


@pytest.mark.parametrize(
    ("setting", "text", "titles"),
    [
        *[("batch_size", text, "batch size 4, batch size 8") for text in ("4,8", "4 8", " 4;\n8, ", ",4,,8,")],
        ("depth", "head, 2", "depth head, depth 2"),
        ("head_learning_rate", "1e-3, 0.00005", "head learning rate 0.001, head learning rate 5e-5"),
    ],
)
def test_values_are_read_and_shown_as_people_write_them(setting: str, text: str, titles: str) -> None:
    planned = plan_sweep(CONFIG, setting=setting, values=text)
    assert ", ".join(each.member.title for each in planned) == titles


@pytest.mark.parametrize(
    ("setting", "text", "words"),
    [
        ("batch_size", " , ", "No value is given"),
        ("batch_size", "4, four", 'Batch size is "four": use a whole number from 1 to 128.'),
        ("batch_size", "4, 500", "Batch size is 500: use a whole number from 1 to 128"),
        ("batch_size", "4, 8, 4", "Batch size 4 is there twice"),
        ("head_learning_rate", "fast", 'Head learning rate is "fast": use a number from'),
        ("depth", "head, some", 'Depth is "some": use a whole number from 1 to 48'),
        ("augmentation", "off, wild", "use one of off, light, zoom, strong"),
        ("epochs", " ".join(str(number) for number in range(1, MAX_VALUES + 2)), "13 values: leave at most 12"),
        ("backbone", "a, b", "cannot be swept"),
        ("block_learning_rate", "1e-5, 1e-4", "No block is trained"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_a_sentence(setting: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan_sweep(replace(CONFIG, depth="head"), setting=setting, values=text)


def test_a_run_remembers_its_sweep_and_stays_readable_whatever_stands_there(tmp_path: Path) -> None:
    member = SweepMember("20261125-1", "weight_decay", 0.01, 2)
    run = create_run(CONFIG, root=tmp_path, sweep=member)
    record = json.loads((run.path / "config.json").read_text())
    assert record["sweep"] == {"id": "20261125-1", "setting": "weight_decay", "value": 0.01, "place": 2}
    assert Run(run.path).sweep() == member
    for odd in (None, [], "4", {"id": "a"}, {"id": "a", "setting": "seed", "value": [1], "place": 0}):
        (run.path / "config.json").write_text(json.dumps({**record, "sweep": odd}))
        assert run.sweep() is None
        assert run.config() == CONFIG


def test_how_far_accuracies_must_differ_shrinks_with_the_pictures_and_is_never_nothing() -> None:
    assert smallest_difference(69, 90) == pytest.approx(0.123, abs=0.003)
    assert smallest_difference(690, 900) == pytest.approx(0.039, abs=0.001)
    # The usual standard error would say that two models with everything right differ by chance by nothing at all.
    assert smallest_difference(90, 90) > 0.03
    assert smallest_difference(0, 90) == pytest.approx(smallest_difference(90, 90))
