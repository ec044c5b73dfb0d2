"""`reproduce`: the report's whole experiment on small pictures with a tiny backbone, and what the page and JSON say."""

import json
import re
from pathlib import Path

import pytest
from helpers.forms import same_form
from helpers.pictures import write_pictures

from emotion.analysis import load_comparison

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_page_and_the_json_say_what_the_saved_comparisons_say(emotion, tiny_vit, tmp_path):
    for name, count in (("human_train", 12), ("human_eval", 20), ("dog_eval", 21), ("cat_eval", 3)):
        write_pictures(tmp_path / "photos" / name, count=count)
    places = ["--photos", tmp_path / "photos", "--runs", tmp_path / "runs", "--out", tmp_path / "out"]
    said = emotion("reproduce", *places, "--backbone", tiny_vit, "--json")
    assert said.code == 0, said.err
    same_form(json.loads((ROOT / "tests" / "golden" / "said.json").read_text("utf-8"))["reproduce"], said.json)
    files = [Path(each) for each in said.json["files"]]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == sorted(each.name for each in files)
    assert [each.name for each in files] == ["experiment-photographs.md", "experiment-photographs.json"]
    page, numbers = files[0].read_text(), json.loads(files[1].read_text())

    # Four trainings; the last one's run is compared three times.
    runs = [json.loads((run / "config.json").read_text())["config"] for run in sorted((tmp_path / "runs").iterdir())]
    assert [run["batch_size"] for run in runs] == [8, 16, 4, 24] == [row["batch"] for row in numbers["batch_sizes"]]
    kept = sorted((Path(said.json["run"]) / "comparisons").glob("*.json"))
    happy, everything, pair = (load_comparison(file) for file in kept)
    assert [(each.emotion, each.size, list(each.sets)) for each in (happy, everything, pair)] == [
        ("happy", 20, ["human", "dog"]), (None, None, ["human", "dog", "cat"]), (None, 20, ["human", "dog"]),
    ]  # fmt: skip

    assert (numbers["kind"], bool(re.fullmatch(r"\d{4}-\d\d-\d\d", numbers["taken"]))) == ("photographs", True)
    assert [(row["set"], row["title"]) for row in numbers["twenty"]] == [
        ("human_eval", "20 happy people"), ("dog_eval", "20 happy dogs"),
    ]  # fmt: skip
    for row, name in zip(numbers["twenty"], ("human", "dog"), strict=True):
        ours = happy.sets[name]["happy"]
        assert (row["n"], row["right"], row["second"]) == (20, ours.correct, ours.runner_up)
        assert row["confidence"] == pytest.approx(ours.correct_confidence)
        assert (row["confidence_low"], row["confidence_high"]) == pytest.approx(ours.correct_confidence_interval)
        assert (row["right_low"], row["right_high"]) == pytest.approx(ours.accuracy_interval)
        assert row["right"] + sum(row["said_instead"].values()) == 20
        assert "happy" not in row["said_instead"]
        mean = f"{ours.correct_confidence * 100:.1f} %"
        assert re.search(rf"\| {name} \| 20 \| {mean} .*\| {ours.correct} of 20", page)
    assert [(row["title"], row["n"]) for row in numbers["all_emotions"]][-4:] == [
        (f"3 {label} cats", 3) for label in everything.emotions()
    ]
    # Controls and luck are there; what only drawings allow is not.
    assert "grey" in numbers["controls"]
    assert "mouth_neutral" not in numbers["controls"]
    assert numbers["luck"]["sets"].keys() == {"human", "dog"}
    # No picture and no place of this machine is told.
    for text in (page, files[1].read_text()):
        assert str(tmp_path) not in text
        assert "data:image" not in text


def test_a_missing_set_is_one_sentence_and_nothing_is_trained(emotion, tmp_path):
    said = emotion("reproduce", "--photos", tmp_path, "--runs", tmp_path / "runs")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "give a folder that holds human_train" in said.err
    assert not (tmp_path / "runs").exists()


def test_the_reports_own_numbers_are_those_of_the_readme():
    from emotion.cli.reproduce import REPORT

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for mean, right in REPORT.values():
        assert mean in readme
        assert f"| {right} (" in readme
