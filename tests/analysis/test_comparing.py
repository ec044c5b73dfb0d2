"""``python -m emotion compare``: what is drawn, what is left out, what is counted, and what is kept of it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import Emotion
from helpers.comparisons import compared
from helpers.pictures import EMOTIONS, write_pictures
from PIL import Image, ImageOps
from scipy import stats
from sklearn.metrics import log_loss

MakePictures = Callable[..., Path]
FACES = Path(__file__).parents[2] / "assets" / "faces"


def drawn(found: Any, name: str = "dog", label: str = "happy") -> list[str]:
    """Return the files of a sample in the order drawn."""
    return [Path(each["picture"]).name for each in found["saved"]["sets"][name][label]["pictures"]]


def apart(one: np.ndarray, two: np.ndarray) -> float:
    return float(abs(one.mean() - two.mean()))


def test_every_number_follows_from_the_scores(
    emotion: Emotion, run: Path, tiny_pictures: Path, make_pictures: MakePictures
):
    sets = {"human": tiny_pictures / "human_eval", "dog": tiny_pictures / "dog_eval", "cat": make_pictures("cat")}
    found = compared(emotion, run, "--emotion", "all", "--size", 5, "--seed", 3, **sets)
    values: dict[str, dict[str | None, np.ndarray]] = {name: {} for name in sets}
    for name, results in found["sets"].items():
        for truth, (label, told) in enumerate(results.items()):
            rows = found["saved"]["sets"][name][label]["pictures"]
            scores = np.array([[row["scores"][each] for each in EMOTIONS] for row in rows])
            right, said = scores[:, truth], scores.argmax(1)
            values[name][label] = right
            n, hits = len(rows), int((said == truth).sum())
            assert (told["n"], told["correct"], told["accuracy"], n) == (5, hits, hits / 5, 5)
            wilson = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
            assert told["accuracy_interval"] == pytest.approx([wilson.low, wilson.high])
            students = stats.ttest_1samp(right, 0).confidence_interval(0.95)
            assert told["correct_confidence"] == pytest.approx(right.mean())
            assert told["correct_confidence_interval"] == pytest.approx([max(0, students.low), min(1, students.high)])
            assert told["runner_up"] == (scores.argsort(1)[:, -2] == truth).sum()
            assert told["predicted"] == {each: int((said == place).sum()) for place, each in enumerate(EMOTIONS)}
            shares = scores / scores.sum(1, keepdims=True)  # Of float32: they sum to one to six digits.
            assert told["log_loss"] == pytest.approx(log_loss([truth] * n, shares, labels=[0, 1, 2, 3]))
            assert told["brier"] == pytest.approx(((scores - np.eye(4)[truth]) ** 2).sum(1).mean())
        values[name][None] = np.concatenate(list(values[name].values()))
    gaps = found["differences"]
    assert {(each["reference"], each["other"]) for each in gaps} == {("human", "dog"), ("human", "cat")}
    assert [each["emotion"] for each in gaps if each["other"] == "dog"] == [*EMOTIONS, None]
    for each in gaps:
        one, two = values["human"][each["emotion"]], values[each["other"]][each["emotion"]]
        told = each["difference"]
        welch = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.95)
        assert told["gap"] == pytest.approx(one.mean() - two.mean())
        assert told["interval"] == pytest.approx([welch.low, welch.high])
        if each["emotion"]:
            # Over all 252 ways to deal the values into two samples of these sizes.
            exact = stats.permutation_test((one, two), apart, alternative="greater")
            assert told["p_value"] == pytest.approx(exact.pvalue)
    for kind in (True, False):
        alike = [each for each in gaps if bool(each["emotion"]) is kind]
        corrected = stats.false_discovery_control([each["difference"]["p_value"] for each in alike], method="by")
        assert [each["adjusted_p_value"] for each in alike] == pytest.approx(list(corrected))


def test_the_file_keeps_seed_hashes_and_the_scores_of_predict(emotion: Emotion, run: Path, tiny_pictures: Path):
    folder = tiny_pictures / "dog_eval"
    found = compared(emotion, run, "--emotion", "sad", "--size", 4, "--seed", 9, dog=folder)
    saved, [label] = found["saved"], found["saved"]["sets"]["dog"]
    assert Path(found["file"]).parent == run / "comparisons"
    assert (saved["seed"], saved["size"], saved["emotion"], label) == (9, 4, "sad", "sad")
    assert (saved["classes"], saved["precision"]) == (list(EMOTIONS), "float32")
    assert saved["folders"] == {"dog": str(folder)}
    rows = saved["sets"]["dog"]["sad"]["pictures"]
    for row in rows:
        assert row["sha256"] == hashlib.sha256(Path(row["picture"]).read_bytes()).hexdigest()
    predicted = emotion("predict", "--run", run, *[row["picture"] for row in rows], "--json").json["predictions"]
    for row, each in zip(rows, predicted, strict=True):
        assert row["scores"] == pytest.approx(each["scores"], abs=1e-4)


def test_twenty_of_one_emotion_any_number_or_all_by_a_seed(emotion: Emotion, run: Path, make_pictures: MakePictures):
    dogs = make_pictures("dogs", count=26)
    found = compared(emotion, run, dog=dogs)
    assert list(found["sets"]["dog"]) == ["happy"]
    assert (found["seed"], len(set(drawn(found)))) == (42, 20)
    assert drawn(compared(emotion, run, "--seed", 42, dog=dogs)) == drawn(found)
    assert drawn(compared(emotion, run, "--seed", 43, dog=dogs)) != drawn(found)
    everything = compared(emotion, run, "--emotion", "all", "--size", "all", dog=dogs)
    assert {label: each["n"] for label, each in everything["sets"]["dog"].items()} == dict.fromkeys(EMOTIONS, 26)
    assert drawn(everything) == sorted(path.name for path in (dogs / "happy").iterdir())
    # Those of one second too have names of their own, in their order.
    files = [compared(emotion, run, "--size", 1, dog=dogs)["file"] for _ in range(3)]
    assert files == sorted(set(files))
    assert len(list((run / "comparisons").glob("*.json"))) == 7


def test_what_is_printed_is_mean_interval_right_of_n_chance_the_gap_in_words_and_whether_it_is_drawn(
    emotion: Emotion, run: Path, tiny_pictures: Path
):
    sets = [word for name in ("human", "dog") for word in ("--set", f"{name}={tiny_pictures / f'{name}_eval'}")]
    said = emotion("compare", "--run", run.name, *sets, "--size", 6).out
    [kept] = (run / "comparisons").glob("*.json")
    for name, results in json.loads(kept.read_text())["sets"].items():
        each = results["happy"]
        low, high = each["correct_confidence_interval"]
        line = next(line for line in said.splitlines() if line.startswith(f"{name} happy"))
        for part in (f"{each['correct_confidence']:.1%}", f"{low:.1%} to {high:.1%}", f"{each['correct']} of 6"):
            assert part in line
        assert line.endswith("chance 25%")
    for part in ("with 6 pictures each, gaps under about", f"seed 42, written to {kept}"):
        assert part in said
    assert "real dogs" not in said
    said = emotion("compare", "--run", run, "--set", f"dog={FACES / 'dog_eval'}", "--size", 3).out
    assert "say nothing of real dogs" in said.splitlines()[-1]


def test_the_next_by_seed_stands_in_for_what_cannot_be_read(emotion: Emotion, run: Path, make_pictures: MakePictures):
    dogs = make_pictures("dogs")
    before = drawn(compared(emotion, run, "--size", 5, dog=dogs))
    torn = [before[1], before[3]]
    for name in torn:
        (dogs / "happy" / name).write_bytes(b"text")
    found = compared(emotion, run, "--size", 5, dog=dogs)
    assert drawn(found)[:3] == [before[0], before[2], before[4]]
    assert len(set(drawn(found))) == 5
    assert found["sets"]["dog"]["happy"]["unreadable"] == 2
    assert "left out, since they cannot be read (2): " in found["err"]
    kept = found["saved"]["sets"]["dog"]["happy"]["unreadable"]
    assert [Path(path).name for path in kept] == torn
    assert all("is not a picture" in why for why in kept.values())
    # A stand-in that cannot be read either has one of its own; what is not drawn is nobody's business.
    (dogs / "happy" / drawn(found)[3]).write_bytes(b"text")
    again = compared(emotion, run, "--size", 5, dog=dogs)
    assert drawn(again)[3] == drawn(found)[4]
    assert compared(emotion, run, "--size", "all", dog=dogs)["sets"]["dog"]["happy"]["n"] == 9


def test_pictures_that_were_trained_on_are_left_out_named_and_replaced(
    emotion: Emotion, run: Path, tiny_pictures: Path, make_pictures: MakePictures
):
    dogs = make_pictures("dogs")
    before = drawn(compared(emotion, run, "--size", 5, dog=dogs))
    with Image.open(tiny_pictures / "human_train" / "happy" / "happy_001.png") as trained:
        # Another file, turned over: the same picture to the eye. So small a one would not bear losses.
        ImageOps.mirror(trained).save(dogs / "happy" / before[1], "WEBP", lossless=True)
    found = compared(emotion, run, "--size", 5, dog=dogs)
    kept = found["saved"]["sets"]["dog"]["happy"]["near_duplicates"]
    assert {Path(ours).name: Path(theirs).name for ours, theirs in kept.items()} == {before[1]: "happy_001.png"}
    assert f"left out, since the run was trained on them (1): {dogs / 'happy' / before[1]}" in found["err"]
    assert drawn(found)[:4] == [before[0], *before[2:]]
    assert len(set(drawn(found))) == 5
    assert found["saved"]["checked"] == 48
    assert compared(emotion, run, "--size", "all", dog=dogs)["sets"]["dog"]["happy"]["n"] == 11


def test_who_compares_on_training_pictures_is_told_that_this_is_no_test(
    emotion: Emotion, run: Path, tiny_pictures: Path
):
    said = emotion("compare", "--run", run, "--set", f"human={tiny_pictures / 'human_train'}", "--size", 5)
    assert "The run was trained on these very pictures of people" in said.out
    [kept] = (run / "comparisons").glob("*.json")
    result = json.loads(kept.read_text())["sets"]["human"]["happy"]
    assert (result["n"], result["near_duplicates"], result["is_trained_on"]) == (5, {}, True)


def test_other_names_and_relaxed_are_read_only_when_asked_for(emotion: Emotion, run: Path, make_pictures: MakePictures):
    dogs = make_pictures("dogs", count=5)
    (dogs / "angry").rename(dogs / "Anger")
    (dogs / "tired").rename(dogs / "Relaxed")
    dog = ("compare", "--run", run, "--set", f"dog={dogs}", "--size", 5)
    refused = emotion(*dog, "--emotion", "angry")
    assert (refused.code, "This set says 'Anger' for angry" in refused.err) == (1, True)
    assert "--use-aliases" in refused.err
    refused = emotion(*dog, "--emotion", "tired", "--use-aliases")
    assert (refused.code, "no pictures of 'tired'" in refused.err) == (1, True)
    found = compared(emotion, run, "--size", 5, "--emotion", "all", "--use-aliases", "--relaxed-as-tired", dog=dogs)
    assert {label: each["n"] for label, each in found["sets"]["dog"].items()} == dict.fromkeys(EMOTIONS, 5)
    assert found["mapping"] == {"dog": {"Anger": "angry", "Relaxed": "tired", "happy": "happy", "sad": "sad"}}
    assert "Relaxed is not tired" in emotion(*dog, "--emotion", "tired", "--relaxed-as-tired").out
    assert compared(emotion, run, "--size", 2, dog=dogs)["mapping"]["dog"]["Relaxed"] is None


def test_a_run_that_learnt_another_name_meets_it_under_it(
    emotion: Emotion, tiny_vit: Path, make_pictures: MakePictures
):
    own = make_pictures("own", classes=("happy", "angry"))
    (own / "angry").rename(own / "anger")
    train = ["train", "--pictures", own, "--backbone", tiny_vit, "--epochs", 1, "--image-size", 32]
    run = Path(emotion(*train, "--json").json["run"])
    dogs = make_pictures("dogs", classes=("happy", "angry"))
    found = compared(emotion, run, "--emotion", "all", "--size", 4, "--use-aliases", dog=dogs)
    assert {label: each["n"] for label, each in found["sets"]["dog"].items()} == {"happy": 4, "anger": 4}
    assert found["mapping"]["dog"] == {"angry": "anger", "happy": "happy"}


def test_what_cannot_be_compared_is_one_sentence_and_leaves_no_file(emotion: Emotion, run: Path, tmp_path: Path):
    for name in ("dogs", "torn", "all_torn"):
        write_pictures(tmp_path / name, count=3, classes=("happy", "sad"))
    (tmp_path / "empty" / "happy").mkdir(parents=True)
    for path in [*tmp_path.glob("all_torn/happy/*"), *sorted(tmp_path.glob("torn/happy/*"))[1:]]:
        path.write_bytes(b"text")
    for folder, words, sentence in (
        ("nowhere", (), "There is no folder"),
        ("empty", (), "There are no pictures in class folders"),
        ("torn", (), "Only 1 of the 3 pictures of 'happy' in dog can be read"),
        ("all_torn", ("--size", "all"), "choose another set"),
        ("dogs", ("--size", "9"), "There are only 3 pictures of 'happy'"),
        ("dogs", ("--emotion", "tired"), "There are no pictures of 'tired' in this set"),
        ("dogs", ("--emotion", "bored"), "The run knows no 'bored'"),
    ):
        said = emotion("compare", "--run", run, "--size", 3, "--set", f"dog={tmp_path / folder}", *words)
        assert (said.code, said.out, len(said.err.strip().splitlines())) == (1, "", 1)
        assert sentence in said.err
    assert not (run / "comparisons").exists()
    (run / "comparisons").write_text("in the way")
    said = emotion("compare", "--run", run, "--set", f"dog={tmp_path / 'dogs'}", "--size", 2)
    assert (said.code, said.out, "The comparison cannot be written to" in said.err) == (1, "", True)
