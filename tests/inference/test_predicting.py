"""`predict`: one picture, many, a folder, a zip: rows in the order given, reasons in the place of numbers, a table."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.pictures import EMOTIONS, picture_bytes, write_pictures, write_zip
from PIL import Image

from emotion.core.errors import PictureError
from emotion.data.limits import Limits
from emotion.inference.batch import Batch
from emotion.inference.judging import JudgeMany, gathered
from emotion.runs.run import Run


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_pictures_are_told_in_their_order_with_every_class_in_a_fixed_order(
    run: Path, emotion: Emotion, tiny_pictures: Path
) -> None:
    faces = [tiny_pictures / "dog_eval" / label / f"{label}_000.png" for label in ("tired", "happy")]
    said = emotion("predict", "--run", run.name, *faces, "--json").json
    assert (said["run"], said["precision"]) == (str(run), "float32")
    assert [row["picture"] for row in said["predictions"]] == [str(face) for face in faces]
    for row in said["predictions"]:
        assert list(row["scores"]) == list(EMOTIONS)
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["scores"], key=row["scores"].get)
    out = emotion("predict", "--run", run, *faces).out.splitlines()
    best = said["predictions"][0]
    assert out[0].startswith(f"{faces[0]}: {best['label']}  (happy ")
    assert f"{best['label']} {best['scores'][best['label']]:6.1%}" in out[0]


def test_a_folder_and_a_zip_give_the_numbers_of_single_pictures_and_a_table(
    run: Path, emotion: Emotion, tmp_path: Path
) -> None:
    folder = write_pictures(tmp_path / "new", count=3)
    (folder / "happy" / "torn.png").write_bytes(b"no picture")
    said, tables = [], []
    for number, given in enumerate((folder, write_zip(tmp_path / "new.zip", folder))):
        file = tmp_path / f"{number}.csv"
        said.append(emotion("predict", "--run", run, given, "--csv", file, "--json").json)
        tables.append([{**line, "judged_at": ""} for line in table(file)])
    assert (said[0], tables[0]) == (said[1], tables[1])
    rows, measures = said[0]["predictions"], said[0]["measures"]
    right = sum(row["picture"].startswith(f"{row['label']}/") for row in rows if row["scores"])
    assert (measures["n"], measures["correct"], measures["accuracy"]) == (12, right, right / 12)
    low, high = measures["accuracy_interval"]
    assert low < right / 12 < high or right == 12
    by_name = {row["picture"]: row for row in rows}
    torn = by_name["happy/torn.png"]
    assert (torn["scores"], torn["problem"]) == (None, "It is not a picture: use a .jpg, .png or .webp file.")
    [alone] = emotion("predict", "--run", run, folder / "sad" / "sad_001.png", "--json").json["predictions"]
    assert by_name["sad/sad_001.png"]["scores"] == pytest.approx(alone["scores"], abs=1e-4)
    for line, row in zip(tables[0], rows, strict=True):
        assert (line["picture"], line["predicted"], line["run"]) == (row["picture"], row["label"], run.name)
        assert (line["label"], line["precision"]) == (row["picture"].split("/")[0], "float32")
        assert line["problem"] == row["problem"]
        if row["scores"]:
            assert [float(line[f"p_{name}"]) for name in EMOTIONS] == pytest.approx(list(row["scores"].values()))
            assert line["correct"] == str(line["label"] == row["label"])
    out = emotion("predict", "--run", run, folder).out
    assert f"{right} of 12 right: accuracy {right / 12 * 100:.0f} % (95 % interval " in out
    assert f"12 pictures, chance 25 %, run {run.name}, float32" in out
    assert "1 file not judged; the first is happy/torn.png" in out
    assert emotion("predict", "--run", run, folder, "--csv", tmp_path).err.count("cannot be written") == 1


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["happy/1.png", "joy/1.png"], "'joy' belongs to no class of this run"),
        (["happy/1.png", "sad/1.png", "1.png"], "what lies outside its folders belongs to no class of this run"),
        (["berlin/1.png", "paris/1.png"], ""),
        (["1.png", "2.png"], ""),
    ],
)
def test_folders_that_are_not_all_classes_of_the_run_are_taken_for_none(
    run: Path, emotion: Emotion, tmp_path: Path, names: list[str], note: str
) -> None:
    given = write_zip(tmp_path / "p.zip", {name: picture_bytes(seed=name) for name in names})
    assert emotion("predict", "--run", run, given, "--json").json["measures"] is None
    out = emotion("predict", "--run", run, given).out
    assert f"{len(names)} pictures judged: " in out
    assert note in out
    assert ("belong" in out, "right: accuracy" in out) == (bool(note), False)


def test_pictures_of_the_training_are_judged_named_and_not_counted(
    run: Path, emotion: Emotion, tiny_pictures: Path, tmp_path: Path
) -> None:
    file = tmp_path / "table.csv"
    out = emotion("predict", "--run", run, tiny_pictures / "human_train").out
    assert "48 pictures of this run's own training" in out
    assert "accuracy" not in out.replace("counted in no accuracy", "")
    shutil.copytree(tiny_pictures / "dog_eval", tmp_path / "mixed")
    shutil.copy(tiny_pictures / "human_train" / "sad" / "sad_000.png", tmp_path / "mixed" / "sad" / "known.png")
    said = emotion("predict", "--run", run, tmp_path / "mixed", "--csv", file, "--json").json
    assert (len(said["predictions"]), said["measures"]["n"]) == (25, 24)
    assert [line["picture"] for line in table(file) if line["trained_on"] == "True"] == ["sad/known.png"]
    (run / "split.json").write_text("{}")  # What was trained on is not known any more.
    assert emotion("predict", "--run", run, tmp_path / "mixed", "--json").json["measures"]["n"] == 25


def test_names_that_a_spreadsheet_would_compute_are_text_and_those_of_two_zips_are_told_apart(
    run: Path, emotion: Emotion, tmp_path: Path
) -> None:
    computed = ["=cmd|' calc'!A0.png", "+1.png", "-1.png", "@SUM(1).png", "\t=1.png", "＝1.png"]
    names, file = [*computed, 'a, "b".png'], tmp_path / "table.csv"
    given = write_zip(tmp_path / "a.zip", {name: picture_bytes(seed=name) for name in names})
    assert emotion("predict", "--run", run, given, "--csv", file).code == 0
    told = {line["picture"] for line in table(file)}
    assert 'a, "b".png' in told
    assert len(told) == 7
    assert not [each for each in told if each.strip()[0] in "=+-@＝"]
    both = [write_zip(tmp_path / name, {"1.png": picture_bytes(seed=name)}) for name in ("a.zip", "b.zip")]
    said = emotion("predict", "--run", run, *both, "--json").json["predictions"]
    assert [row["picture"] for row in said] == ["a.zip/1.png", "b.zip/1.png"]


def test_what_cannot_be_judged_is_one_sentence(run: Path, emotion: Emotion, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    upwards = write_zip(tmp_path / "up.zip", {"../../a.png": picture_bytes()})
    for given, sentence in (
        (tmp_path / "text.jpg", "text.jpg is not a picture"),
        (tmp_path / "gone.png", "gone.png cannot be read (No such file or directory)"),
        (write_zip(tmp_path / "empty.zip", {}), "no picture in what you gave"),
        (upwards, "leads out of its folder"),
    ):
        said = emotion("predict", "--run", run, given)
        assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
        assert sentence in said.err


def test_limits_refuse_all_or_are_the_reason_of_a_row_and_rows_are_told_while_they_come(
    run: Path, tmp_path: Path
) -> None:
    def judged(files: list[Path], **limits: Any) -> list[Batch]:
        """What is said of files under limits such as those of a public server, each time something is told."""
        job = JudgeMany(Run(run), [(path, path.name) for path in files], Limits(**limits))
        return [step for step in gathered(job.carry_out()) if isinstance(step, Batch)]

    files = [tmp_path / f"{number:02}.png" for number in range(20)]
    for number, file in enumerate(files):
        Image.new("RGB", (30, 30), (number, 90, 90)).save(file)
    Image.effect_noise((200, 200), 90).save(tmp_path / "large.png")
    for limits, sentence in (({"pictures": 2}, "20 pictures: the limit is 2"), ({"bytes": 100}, "limit is 0.1 KB")):
        with pytest.raises(PictureError, match=sentence):
            judged(files, **limits)
    batch = judged([tmp_path / "large.png", files[0]], picture_bytes=5_000)[-1]
    assert ["limit of one picture" in row.reason for row in batch.rows] == [True, False]
    assert ["It was not judged" in row.reason for row in judged(files, seconds=1e-9)[-1].rows] == [True] * 20
    told = judged(files)
    assert [len(batch.rows) for batch in told] == [0, 8, 16, 20]
    assert [row.picture for row in told[-1].rows] == [file.name for file in files]
    assert (told[0].remaining_seconds, told[-1].remaining_seconds) == (None, 0)
    assert told[1].remaining_seconds == pytest.approx(told[1].seconds * 12 / 8)
