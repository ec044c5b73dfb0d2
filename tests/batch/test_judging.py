"""Many pictures judged by one run: rows in the order given, reasons in the place of numbers, nothing taken on trust."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emotion.batch import judging
from emotion.batch.findings import basis, findings, left_out
from emotion.batch.judging import gathered, judge
from emotion.batch.result import Batch, Row
from emotion.batch.table import file_name, to_csv
from emotion.errors import PictureError
from emotion.prediction import Familiarity, Judged
from emotion.run import Run
from emotion.sets.limits import Limits
from emotion.split_record import SplitRecord, SplitRow

CLASSES = ["happy", "sad", "angry", "tired"]


@dataclass
class ByColour:
    """A judge that says happy of what is bright and sad of what is dark; ``sizes`` are those of its batches."""

    classes: list[str] = field(default_factory=lambda: list(CLASSES))
    precision: str = "float32"
    sizes: list[int] = field(default_factory=list)

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Judged | PictureError]:
        self.sizes.append(len(pictures))
        images = [each.convert("L").resize((1, 1)) for each in pictures if isinstance(each, Image.Image)]
        bright = [each.tobytes()[0] > 127 for each in images]
        scores = [(0.7, 0.1, 0.1, 0.1) if each else (0.2, 0.6, 0.1, 0.1) for each in bright]
        known = [self.familiarity(is_bright=each) for each in bright]
        return [Judged(dict(zip(CLASSES, row, strict=True)), each) for row, each in zip(scores, known, strict=True)]

    def familiarity(self, *, is_bright: bool) -> Familiarity | None:
        return None


class Knowing(ByColour):
    """One whose training pictures were all bright."""

    def familiarity(self, *, is_bright: bool) -> Familiarity | None:
        return Familiarity(nearer=3 if is_bright else 40, validation=40)


def picture(level: int, size: tuple[int, int] = (24, 20), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(buffer, kind)
    return buffer.getvalue()


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def written(path: Path, content: bytes) -> tuple[Path, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path, path.name


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


def judged(run: Run, files: Sequence[tuple[Path, str]], *, limits: Limits | None = None, by: Any = None) -> Batch:
    [*_, batch] = gathered(judge(run, by or ByColour(), files, limits=limits or Limits()))
    assert isinstance(batch, Batch)
    return batch


def test_pictures_come_back_in_the_order_in_which_they_were_given(run: Run, tmp_path: Path) -> None:
    names = [("b.png", 250), ("a.png", 10), ("c.png", 240)]
    batch = judged(run, [written(tmp_path / name, picture(level)) for name, level in names])
    assert [(row.picture, row.predicted) for row in batch.rows] == [
        ("b.png", "happy"),
        ("a.png", "sad"),
        ("c.png", "happy"),
    ]
    assert (batch.total, batch.run, batch.precision) == (3, "run", "float32")


def test_what_cannot_be_read_is_a_row_with_its_reason_in_its_place(run: Run, tmp_path: Path) -> None:
    files = [
        written(tmp_path / "a.png", picture(250)),
        written(tmp_path / "torn.jpg", picture(250, (64, 64), "JPEG")[:300]),
        written(tmp_path / "text.jpg", b"no picture"),
        written(tmp_path / "notes.txt", b"hello"),
        (tmp_path / "gone.png", "gone.png"),
        written(tmp_path / "z.png", picture(5)),
    ]
    batch = judged(run, files)
    assert [bool(row.scores) for row in batch.rows] == [True, False, False, False, False, True]
    reasons = [row.reason for row in batch.rows if row.reason]
    for words, reason in zip(
        ["damaged", "not a picture", "not a picture by its name", "not there"], reasons, strict=True
    ):
        assert words in reason
        assert reason.startswith("It ")
    assert "4 files not judged; the first is torn.jpg" in left_out(batch)[0]


def test_a_zip_of_class_folders_tells_the_correct_class_and_the_accuracy(run: Run, tmp_path: Path) -> None:
    files = {f"people/happy/{n}.png": picture(250 - n) for n in range(3)}
    files |= {"people/Sad/1.png": picture(10), "people/Sad/2.png": picture(251), "__MACOSX/people/._1.png": b"x"}
    batch = judged(run, [(zipped(tmp_path / "people.zip", files), "people.zip")])
    assert [row.label for row in batch.rows] == ["sad", "sad", "happy", "happy", "happy"]
    result = batch.result()
    assert result is not None
    assert (result.correct, result.n) == (4, 5)
    assert result.correct_confidence == pytest.approx((3 * 0.7 + 0.6 + 0.1) / 5)
    accuracy, confidence = findings(batch)
    assert accuracy == "4 of 5 right: accuracy 80 % (95 % interval 38 to 96 %)."
    assert "Mean correct-class confidence 56 %" in confidence
    assert "chance 25 %, run run, float32" in basis(batch)


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["happy/1.png", "joy/1.png"], "'joy' is no class of this run"),
        (["happy/1.png", "sad/1.png", "1.png"], "pictures outside its folders"),
        (["berlin/1.png", "paris/1.png"], ""),
        (["1.png", "2.png"], ""),
    ],
)
def test_folders_that_are_not_all_classes_of_the_run_are_taken_for_none(
    run: Run, tmp_path: Path, names: list[str], note: str
) -> None:
    path = zipped(tmp_path / "p.zip", {name: picture(200 + number) for number, name in enumerate(names)})
    batch = judged(run, [(path, "p.zip")])
    assert batch.result() is None
    assert len(batch.judged) == len(names)
    assert (note in " ".join(batch.notes)) if note else not batch.notes
    assert findings(batch) == [f"{len(names)} pictures judged: {len(names)} happy."]


def test_a_picture_that_is_none_of_these_is_a_row_that_says_so(run: Run, tmp_path: Path) -> None:
    files = [written(tmp_path / name, picture(level)) for name, level in (("face.png", 250), ("chair.png", 5))]
    batch = judged(run, files, by=Knowing())
    assert [row.is_unknown for row in batch.rows] == [False, True]
    assert [line["unknown"] for line in lines_of(batch)] == ["False", "True"]
    assert [line["unknown"] for line in lines_of(judged(run, files))] == ["", ""]
    [said] = left_out(batch)
    assert said.startswith("1 picture is none of these, as far as the run can tell")


def test_pictures_that_the_run_was_trained_on_are_judged_and_not_counted(run: Run, tmp_path: Path) -> None:
    known = picture(250)
    SplitRecord([SplitRow("happy/x.png", "happy", hashlib.sha256(known).hexdigest())], []).save(run)
    path = zipped(tmp_path / "p.zip", {"happy/1.png": known, "happy/2.png": picture(240), "sad/1.png": picture(3)})
    batch = judged(run, [(path, "p.zip")])
    assert [row.is_known for row in batch.rows] == [True, False, False]
    result = batch.result()
    assert result is not None
    assert result.n == 2
    assert "1 picture was trained or validated on by this run" in left_out(batch)[0]
    assert [line["trained_on"] for line in lines_of(batch)] == ["True", "False", "False"]


def test_a_hostile_zip_is_refused_whole(run: Run, tmp_path: Path) -> None:
    path = zipped(tmp_path / "p.zip", {"../../a.png": picture(1)})
    with pytest.raises(PictureError, match="leads out of its folder"):
        judged(run, [(path, "p.zip")])
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.png", b"\0" * 20_000_000)
    with pytest.raises(PictureError, match="unpacks to more than 200 times"):
        judged(run, [(bomb, "bomb.zip")])


def test_more_than_the_limits_allow_is_refused_before_anything_is_judged(run: Run, tmp_path: Path) -> None:
    files = [written(tmp_path / f"{n}.png", picture(n)) for n in range(3)]
    by = ByColour()
    with pytest.raises(PictureError, match="3 files: the limit is 2"):
        judged(run, files, limits=Limits(pictures=2), by=by)
    with pytest.raises(PictureError, match=r"the limit is 0\.1 KB at a time"):
        judged(run, files, limits=Limits(bytes=100), by=by)
    with pytest.raises(PictureError, match="no picture in what you gave"):
        judged(run, [(zipped(tmp_path / "e.zip", {}), "e.zip")], by=by)
    assert by.sizes == []


def test_a_picture_beyond_the_limit_of_pixels_is_a_row_with_its_reason(run: Run, tmp_path: Path) -> None:
    files = [written(tmp_path / "large.png", picture(9, (200, 200))), written(tmp_path / "small.png", picture(9))]
    batch = judged(run, files, limits=Limits(pixels=1000))
    assert "200 x 200 pixels" in batch.rows[0].reason
    assert batch.rows[1].predicted == "sad"


def test_when_time_is_up_the_rest_are_rows_that_say_so(run: Run, tmp_path: Path) -> None:
    files = [written(tmp_path / f"{n}.png", picture(n)) for n in range(20)]
    batch = judged(run, files, limits=Limits(seconds=1e-9))
    assert len(batch.rows) == 20
    assert all("It was not judged" in row.reason for row in batch.rows)


def test_pictures_are_scored_eight_at_a_time_and_large_ones_in_smaller_batches(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [written(tmp_path / f"{n}.png", picture(n, (30, 30))) for n in range(20)]
    by = ByColour()
    judged(run, files, by=by)
    assert by.sizes == [8, 8, 4]
    monkeypatch.setattr(judging, "BATCH_PIXELS", 2000)
    by = ByColour()
    judged(run, files, by=by)
    assert max(by.sizes) == 3


def test_each_row_is_told_once_and_how_long_the_rest_takes(run: Run, tmp_path: Path) -> None:
    files = [written(tmp_path / f"{n:02}.png", picture(n)) for n in range(20)]
    batches = [each for each in gathered(judge(run, ByColour(), files, limits=Limits())) if isinstance(each, Batch)]
    assert [len(each.rows) for each in batches] == [0, 8, 16, 20]
    assert [row.picture for row in batches[-1].rows] == [name for _, name in files]
    assert batches[0].remaining_seconds is None
    assert batches[1].remaining_seconds == pytest.approx(batches[1].seconds * 12 / 8)
    assert batches[-1].remaining_seconds == 0


def test_files_of_one_name_in_two_zips_are_told_apart(run: Run, tmp_path: Path) -> None:
    paths = [zipped(tmp_path / name, {"1.png": picture(level)}) for name, level in (("a.zip", 250), ("b.zip", 9))]
    batch = judged(run, [(path, path.name) for path in paths])
    assert [row.picture for row in batch.rows] == ["a.zip/1.png", "b.zip/1.png"]


def lines_of(batch: Batch) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(batch))))


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0.png", "+1.png", "-1.png", "@SUM(1).png", "\t=1.png", "＝1.png"])
def test_a_name_that_a_spreadsheet_would_compute_is_text(name: str) -> None:
    row = Row(name, scores=dict.fromkeys(CLASSES, 0.25))
    [line] = lines_of(Batch("r", tuple(CLASSES), "float32", 1, 0.0, rows=(row,)))
    assert line["picture"] == f"'{name}"


def test_a_line_has_every_probability_and_what_it_rests_on() -> None:
    rows = (
        Row('a, "b".png', "sad", {"happy": 0.75, "sad": 0.125, "angry": 0.0625, "tired": 0.0625}),
        Row("torn.jpg", reason="It is damaged: save it again or leave it out."),
    )
    batch = Batch("20261125-101500-dinov2-small", tuple(CLASSES), "bfloat16", 2, 1_780_000_000.0, rows=rows)
    first, second = lines_of(batch)
    assert first["picture"] == 'a, "b".png'
    assert (first["label"], first["predicted"], first["confidence"], first["correct"]) == (
        "sad",
        "happy",
        "0.75",
        "False",
    )
    assert [float(first[f"p_{name}"]) for name in CLASSES] == [0.75, 0.125, 0.0625, 0.0625]
    assert (second["predicted"], second["p_happy"], second["problem"]) == ("", "", rows[1].reason)
    for line in (first, second):
        assert (line["run"], line["precision"]) == ("20261125-101500-dinov2-small", "bfloat16")
        assert line["judged_at"].startswith("2026-05-")
    assert file_name(batch).startswith("20261125-101500-dinov2-small-pictures-202605")
