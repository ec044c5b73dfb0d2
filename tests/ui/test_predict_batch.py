"""Many pictures in the Predict tab: what its handlers make of what was dropped, without a browser."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from scripted import ScriptedJudge, ScriptedServices

from emotion.batch.judging import JudgeMany, judge
from emotion.errors import PictureError
from emotion.run import Run
from emotion.sets.limits import Limits
from emotion.ui.predict import batch as panel
from emotion.ui.predict.batch import ManyPictures
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard

# What the handler returns, by its place.
TOKEN, FILES, GO, STOP, CSV, STATUS, FINDING, TABLE = range(8)


class JudgingServices(ScriptedServices):
    """Judges batches with the scripted judge; ``closed`` counts those that were ended early, or late."""

    closed = 0

    def do(self, job: Any) -> Generator[Any, None, Any]:
        try:
            if isinstance(job, JudgeMany):
                yield from judge(job.run, ScriptedJudge(job.run), job.files, limits=job.limits)
            else:
                yield from super().do(job)
        finally:
            self.closed += 1


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Gradio puts uploads into."""
    folder = tmp_path.resolve() / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture
def services(tmp_path: Path) -> JudgingServices:
    return JudgingServices(tmp_path / "runs")


@pytest.fixture
def many(services: JudgingServices, monkeypatch: pytest.MonkeyPatch) -> ManyPictures:
    """The part of the tab, which tells the page of every step."""
    monkeypatch.setattr(panel, "PACE_SECONDS", 0.0)
    monkeypatch.setattr(panel, "TURN_SECONDS", 0.001)
    with gr.Blocks():
        return PredictTab(services, RunBoard(services.runs_folder)).many


def dropped(uploads: Path, sources: Sequence[Path]) -> list[dict[str, str]]:
    """Put files where Gradio puts uploads, each in a folder of its own, and return what the page sends of them."""
    sent = []
    for number, source in enumerate(sources):
        (uploads / str(number)).mkdir()
        path = uploads / str(number) / source.name
        shutil.copy(source, path)
        sent.append({"path": str(path), "orig_name": source.name})
    return sent


def pictures_of(faces: Path, name: str = "dog_eval") -> list[Path]:
    return sorted((faces / name).rglob("*.webp"))


def zip_of(path: Path, folder: Path, *, within: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for picture in folder.rglob("*.webp"):
            made.write(picture, within + picture.relative_to(folder).as_posix())
    return path


def lines_of(button: Any) -> list[dict[str, str]]:
    assert button.visible
    # Gradio has copied it to where it hands it out from.
    with Path(button.value["path"]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_appear_while_it_runs_and_the_csv_at_the_end(many: ManyPictures, trained: Run, faces: Path, uploads: Path):
    sent = dropped(uploads, pictures_of(faces))
    steps = list(many.judge(trained.name, sent))
    counts = [step[TABLE].count("<tr>") - 1 for step in steps if isinstance(step[TABLE], str) and step[TABLE]]
    assert counts == [8, 16, 24, 24, 24]
    assert "0 of 24." in steps[1][STATUS]
    assert "8 of 24, " in steps[2][STATUS]
    assert " left." in steps[2][STATUS]
    lines = lines_of(steps[-1][CSV])
    assert [line["picture"] for line in lines] == [each["orig_name"] for each in sent]
    assert {line["run"] for line in lines} == {trained.name}
    assert steps[-1][CSV].value["orig_name"].startswith(f"{trained.name}-pictures-2")
    assert "24 pictures judged: " in steps[-1][FINDING]
    assert trained.name in steps[-1][FINDING]


def test_a_zip_of_class_folders_shows_how_many_are_right(
    many: ManyPictures, trained: Run, faces: Path, uploads: Path, tmp_path: Path
):
    sent = dropped(uploads, [zip_of(tmp_path / "people.zip", faces / "human_eval", within="people/")])
    *_, last = many.judge(trained.name, sent)
    assert "of 24 right: accuracy " in last[FINDING]
    assert "95 % interval" in last[FINDING]
    assert "Mean correct-class confidence" in last[FINDING]
    assert "chance 25 %" in last[FINDING]
    assert "Correct class" in last[TABLE]
    assert [line["label"] for line in lines_of(last[CSV])].count("happy") == 6


def test_what_cannot_be_read_stands_in_the_table_with_its_reason(
    many: ManyPictures, trained: Run, faces: Path, uploads: Path, tmp_path: Path
):
    (tmp_path / "<b>torn.jpg").write_text("no picture")
    sent = dropped(uploads, [pictures_of(faces)[0], tmp_path / "<b>torn.jpg"])
    *_, last = many.judge(trained.name, sent)
    assert 'class="reason">It is not a picture, whatever its name says.' in last[TABLE]
    assert "<b>torn" not in last[TABLE] + last[FINDING]
    assert "1 file not judged" in last[FINDING]
    assert lines_of(last[CSV])[1]["problem"].startswith("It is not a picture")


def test_every_upload_is_deleted_however_it_ends(
    many: ManyPictures, trained: Run, faces: Path, uploads: Path, warned: list[str]
):
    for ending in ("done", "closed", "refused"):
        sent = dropped(uploads, pictures_of(faces)[:3])
        steps = many.judge("no such run" if ending == "refused" else trained.name, sent)
        if ending == "closed":
            next(steps)
            steps.close()
        else:
            list(steps)
        assert not any(Path(each["path"]).parent.exists() for each in sent), ending
    assert many._stopping == {}


def test_whoever_leaves_ends_the_work_and_lets_the_next_one_have_a_turn(
    many: ManyPictures, services: JudgingServices, trained: Run, faces: Path, uploads: Path
):
    steps = many.judge(trained.name, dropped(uploads, pictures_of(faces)))
    next(steps)
    next(steps)
    steps.close()
    assert services.closed == 1
    assert "8 pictures judged" in list(many.judge(trained.name, dropped(uploads, pictures_of(faces)[:8])))[-1][FINDING]


def test_stop_keeps_what_is_judged(many: ManyPictures, services, trained: Run, faces: Path, uploads: Path):
    steps = many.judge(trained.name, dropped(uploads, pictures_of(faces)))
    token = next(steps)[TOKEN]
    assert "0 of 24" in next(steps)[STATUS]
    assert not many.end(token).interactive
    *_, last = steps
    assert "Stopped after 8 of 24 files; what is judged is kept." in last[FINDING]
    assert len(lines_of(last[CSV])) == 8
    assert services.closed == 1
    assert not last[STOP].visible


def test_a_second_batch_waits_its_turn_and_can_be_stopped_while_it_waits(
    many: ManyPictures, trained: Run, faces: Path, uploads: Path
):
    first = many.judge(trained.name, dropped(uploads, pictures_of(faces)[:2]))
    next(first)
    next(first)
    second = many.judge(trained.name, [])
    assert "Nothing is given yet" in next(second)[STATUS]
    later = uploads / "later"
    later.mkdir()
    waiting = many.judge(
        trained.name, [{"path": str(shutil.copy(pictures_of(faces)[0], later)), "orig_name": "x.webp"}]
    )
    token = next(waiting)[TOKEN]
    assert "Waiting for its turn" in next(waiting)[STATUS]
    many.end(token)
    *_, last = waiting
    assert "Stopped before the first picture was judged" in last[STATUS]
    assert "2 pictures judged" in list(first)[-1][FINDING]


def test_nobody_stops_another_ones_batch_by_a_guess(many: ManyPictures):
    for token in ("", "x", None):
        many.end(token)  # type: ignore[arg-type]  # a page may send anything
    assert many._stopping == {}


def test_a_hostile_zip_is_refused_in_a_sentence_beside_it(
    many: ManyPictures, trained: Run, uploads: Path, tmp_path: Path
):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as made:
        made.writestr("../happy/1.png", b"x")
    *_, last = many.judge(trained.name, dropped(uploads, [tmp_path / "p.zip"]))
    assert "leads out of its folder" in last[STATUS]
    assert not last[CSV].visible
    assert last[GO].interactive


def test_a_public_server_holds_its_limits(
    many: ManyPictures, trained: Run, faces: Path, uploads: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(panel, "import_limits", lambda: Limits(pictures=2))
    *_, last = many.judge(trained.name, dropped(uploads, pictures_of(faces)[:3]))
    assert "3 files: the limit is 2" in last[STATUS]


def test_what_is_no_upload_is_neither_opened_nor_deleted(many: ManyPictures, trained: Run, faces: Path):
    theirs = pictures_of(faces)[0]
    with pytest.raises(PictureError, match="not a picture that you gave"):
        list(many.judge(trained.name, [{"path": str(theirs), "orig_name": "x.webp"}]))
    assert theirs.exists()


def test_a_long_table_shows_its_first_rows_and_says_where_the_rest_is(
    many: ManyPictures, trained: Run, uploads: Path, tmp_path: Path
):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as made:
        Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
        for number in range(205):
            made.write(tmp_path / "x.png", f"{number:03}.png")
    *_, last = many.judge(trained.name, dropped(uploads, [tmp_path / "p.zip"]))
    assert last[TABLE].count("<tr>") == 201
    assert "5 more rows in the CSV." in last[TABLE]
    assert len(lines_of(last[CSV])) == 205
