"""What saved scores are said to show: gaps, what luck can do, a class that a model falls back to, and chance."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import Emotion
from helpers.comparisons import Scores, around, by_a_model, report_of, scores, write_comparison
from helpers.markdown import sections, tables
from helpers.pictures import EMOTIONS
from scipy import stats

Tell = Callable[..., str]


@pytest.fixture
def told(emotion: Emotion, run: Path) -> Tell:
    """Return a function that writes scores as a saved comparison and returns what the report makes of them."""

    def tell(sets: Mapping[str, Mapping[str, Sequence[Scores]]], **more: Any) -> str:
        return report_of(emotion, run, "--comparison", write_comparison(run, sets, **more).name)

    return tell


def happy(**centres: float) -> dict[str, dict[str, list[Scores]]]:
    return {name: {"happy": around(centre)} for name, centre in centres.items()}


def test_a_wide_gap_is_told_with_its_interval_and_what_could_not_be_told(told: Tell):
    text = told(happy(human=0.7, dog=0.3))
    values = 0.7 + 0.1 * (np.arange(20) / 19 - 0.5)
    reach = 100 * stats.sem(values) * np.sqrt(2) * stats.t.ppf(0.975, 38)
    assert f"People 40 points above dogs on “happy” (95 %: {40 - reach:.0f} to {40 + reach:.0f})" in text
    assert f"gaps under about {reach:.0f} points cannot be told from luck" in text
    gap, p, _, superiority, _ = tables(text)["Gaps in mean correct-class confidence"]["human over dog, happy"]
    assert (p, superiority) == ("< 0.001", "100 %")
    assert gap == f"+40.0 (+{40 - reach:.1f} to +{40 + reach:.1f})"


def test_a_small_gap_is_luck_with_the_pictures_that_it_would_take_and_none_is_level(told: Tell):
    text = told({name: {"happy": around(centre, spread=0.9)} for name, centre in (("human", 0.5), ("dog", 0.46))})
    assert "which luck alone can do" in text
    assert re.search(r"about \d{3} pictures each are needed", text)
    text = told(happy(human=0.5, dog=0.5))
    assert "People level with dogs" in text
    assert "pictures each are needed" not in text


@pytest.mark.parametrize(
    ("sets", "held_against"),
    [
        (("dog (photos)", "human", "Horses"), ["human over dog (photos)", "human over Horses"]),
        (("fox", "wolf"), ["fox over wolf"]),
    ],
)
def test_people_are_held_against_every_other_set_wherever_they_stand_each_by_its_name(
    told: Tell, sets: tuple[str, ...], held_against: list[str]
):
    text = told(happy(**dict.fromkeys(sets, 0.5)))
    assert list(tables(text)["Gaps in mean correct-class confidence"]) == [
        "",
        *(f"{each}, happy" for each in held_against),
    ]
    assert ("People level with dogs (photos) on “happy”" in text) is ("human" in sets)


def test_all_emotions_have_a_grid_and_a_confusion_of_each_set(told: Tell):
    dogs = {"happy": around(0.7, n=5), "sad": [scores(tired=0.9)] * 3, "angry": [scores(angry=0.4)] * 4}
    text = told({"human": {label: around(0.6, label=label, n=4) for label in EMOTIONS}, "dog": dogs})
    found = tables(text)
    grid = found["Mean correct-class confidence by emotion"]
    assert grid[""] == [*EMOTIONS, "all"]
    assert [cell.split(" %")[0] for cell in grid["dog"]][:3] == ["70.0", "3.3", "40.0"]
    assert grid["dog"][3] == "–"
    assert grid["dog"][4].startswith(f"{100 * (5 * 0.7 + 3 * 0.1 / 3 + 4 * 0.4) / 12:.1f} %")
    assert grid["dog"][4].endswith("9 of 12)")
    assert found["What was said of dogs"] == {
        "": list(EMOTIONS), "happy": ["5", "0", "0", "0"], "sad": ["0", "0", "0", "3"], "angry": ["0", "0", "4", "0"],
    }  # fmt: skip


@pytest.mark.parametrize(("tired", "falls_back"), [(20, True), (15, True), (14, False)])
def test_a_model_falls_back_to_a_class_where_surely_most_are_wrongly_called_so(
    told: Tell, tired: int, falls_back: bool
):
    dogs = [scores(tired=0.6)] * tired + [scores(sad=0.6)] * (20 - tired)
    text = told({"human": {"happy": around(0.7)}, "dog": {"happy": dogs}})
    warning = f"{tired} of 20 happy dogs are called tired: the model is not reading dogs, it falls back to one class."
    assert (warning in text) is falls_back
    assert ("one class for nearly all dogs" in sections(text)[""]) is falls_back
    # What is of the class does not count, alone or among all emotions.
    assert "called tired" not in told({"dog": {"tired": [scores(tired=0.6)] * tired}})
    every = told({"dog": {label: [scores(tired=0.6)] * tired for label in EMOTIONS}})
    assert f"{3 * tired} of {3 * tired} dogs that are not tired are called tired" in every


WRONG = [scores(happy=0.1, sad=0.5), scores(happy=0.1, angry=0.5)]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        (around(0.6), "20 of 20 dogs right: better than guessing on"),
        (WRONG * 7 + [scores(happy=0.9)] * 6, "6 of 20 dogs right: no better than guessing on"),
        (WRONG * 10, "0 of 20 dogs right: below guessing on"),
    ],
)
def test_a_set_is_held_against_chance_by_its_interval(told: Tell, rows: list[Scores], verdict: str):
    answer = sections(told({"dog": {"happy": rows}}))[""]
    assert f"{verdict} dogs" in answer
    assert "guessing gets 25 %" in answer


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "can be read"), ("{", "can be read"), ("[]", "can be read"), ('{"schema": 1}', "can be read"),
     ('{"schema": 99}', "another version")],
)  # fmt: skip
def test_a_torn_comparison_is_one_sentence(emotion: Emotion, run: Path, tmp_path: Path, text: str, why: str):
    write_comparison(run, happy(dog=0.3)).write_text(text)
    said = emotion("report", "--run", run, "--to", tmp_path / "card.md")
    assert (said.code, said.out, len(said.err.strip().splitlines())) == (1, "", 1)
    assert re.search(f"{why}: compare again", said.err)
    assert not (tmp_path / "card.md").exists()


def write_validation(run: Path, rows: Mapping[str, Sequence[Scores]], *, classes: Sequence[str] = EMOTIONS) -> None:
    """Write what a run said of its validation pictures."""
    pictures = [
        {"picture": f"{label}/{number}.png", "label": label, "scores": each}
        for label, scored in rows.items()
        for number, each in enumerate(scored)
    ]
    (run / "validation.json").write_text(json.dumps({"epoch": 1, "classes": list(classes), "pictures": pictures}))


def of_temperature(text: str) -> list[float]:
    """Return the fitted temperature that a report tells, and the ends of its interval."""
    values = re.search(r"Temperature T = (\d+\.\d+)[\s\S]*?interval of T (\d+\.\d+) to (\d+\.\d+)", text)
    assert values, text
    return [float(value) for value in values.groups()]


def test_a_run_is_calibrated_on_its_validation_pictures_and_that_does_not_carry_over_a_shift(told: Tell, run: Path):
    write_validation(run, by_a_model(400, seed=6, temperature=2.0))
    text = told({"dog": by_a_model(160, seed=7, temperature=2.0, shift=0.7)})
    fitted, low, high = of_temperature(text)
    assert low < 2.0 < high
    assert fitted == pytest.approx(2.0, rel=0.2)
    assert "too sure" in text
    rows = tables(text)["Confidence and what is right"]
    assert rows["dog, as said"][0] == rows[f"dog, at T = {fitted:.2f}"][0], "it moves no verdict"
    # As said both are off by more than luck; at the temperature the validation pictures no more, and the dogs still.
    is_off = {
        name: int(error.split()[0]) > int(re.findall(r"at most (\d+)", calibrated)[0])
        for name, (*_, error, calibrated) in list(rows.items())[1:]
    }
    validation = {"validation, as said": True, f"validation, at T = {fitted:.2f}": False}
    assert is_off == {**validation, "dog, as said": True, f"dog, at T = {fitted:.2f}": True}
    assert "does not carry over a shift" in text
    # Nothing of the compared pictures, nor the order of the classes, has a part in the temperature.
    write_validation(run, by_a_model(400, seed=6, temperature=2.0), classes=EMOTIONS[::-1])
    assert of_temperature(told({"dog": {"happy": around(0.3)}})) == [fitted, low, high]


def test_one_emotion_alone_has_no_calibration_error_and_missing_validation_scores_are_said(told: Tell, run: Path):
    text = told(happy(human=0.6, dog=0.5))
    assert tables(text)["Confidence and what is right"]["dog, as said"][4:] == ["–", "–"]
    assert "of happy alone, a model that always says so is always right" in text
    (run / "validation.json").unlink()
    assert "calibration" in told(happy(human=0.6, dog=0.5)).partition("Not checked:")[2]
