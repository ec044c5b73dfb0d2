"""``python -m emotion report``: what a report tells of a comparison and of its run, and what it keeps to itself."""

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.comparisons import around, compared, report_of, scores, write_comparison
from helpers.markdown import sections, tables
from helpers.pictures import EMOTIONS
from helpers.run_folder import events_of
from helpers.studies import ask
from PIL import Image

from emotion.report import build_report, to_html

FACES = Path(__file__).parents[2] / "assets" / "faces"
LATER = "20270101-000000-000000"
Card = Callable[..., str]
MakePictures = Callable[..., Path]


@pytest.fixture
def card(emotion: Emotion, run: Path) -> Card:
    """Return a function that returns the report of the run's newest comparison as Markdown without its marks."""
    return partial(report_of, emotion, run)


def of_happy(run: Path, name: str = "20260101-000000-000000", **centres: float) -> Path:
    return write_comparison(run, {each: {"happy": around(centre)} for each, centre in centres.items()}, name=name)


def settings(run: Path, **changed: Any) -> None:
    """Change what the run's config.json holds: settings, or None to take a part away."""
    record = json.loads((run / "config.json").read_text())
    for name, value in changed.items():
        if value is None:
            del record[name]
        else:
            record["config"][name] = value
    (run / "config.json").write_text(json.dumps(record))


def test_the_answer_stands_first_with_n_seed_chance_and_where_it_comes_from(run: Path, card: Card):
    of_happy(run, human=0.7, dog=0.3)
    first = sections(card())[""]
    assert first.startswith("# Does this model read happy dogs?\n")
    assert "20 of 20 people right, 20 of 20 dogs: better than guessing on people and dogs." in first
    assert "The correct class gets 70 % for people (69 to 71) and 30 % for dogs (29 to 31) on average" in first
    for part in ("guessing gets 25 %", "20 pictures a set, seed 42, judged at 95 %", "float32", run.name):
        assert part in first
    of_happy(run, LATER, dog=0.5, cat=0.5)
    assert card().startswith("# Does this model read happy dogs and cats?\n")


@pytest.mark.parametrize(("n", "sets"), [(1, ("human", "dog", "Horses")), (6, ("dog",))])
def test_comparisons_of_any_size_and_number_of_sets_are_told(run: Path, card: Card, n: int, sets: tuple[str, ...]):
    for shown in (EMOTIONS, ["sad"]):
        rows = {label: [scores(sad=0.4)] * n for label in shown}
        write_comparison(run, dict.fromkeys(sets, rows), size=None if n > 1 else 1)
        text = card()
        assert not re.search(r"\bnan\b", text)
        assert "guessing gets 25 %" in text
    assert ("There is one set only" in text) is (len(sets) == 1)
    assert ("A set has a single picture" in text) is (n == 1)


def test_what_was_checked_and_how_often_the_run_was_looked_at_is_said(
    emotion: Emotion, run: Path, card: Card, tiny_pictures: Path
):
    first = of_happy(run, human=0.7, dog=0.3)
    sets = {name: tiny_pictures / f"{name}_eval" for name in ("human", "dog")}
    file = Path(compared(emotion, run, "--size", 4, **sets)["file"])
    for name, place in ((first, 1), (file, 2)):
        text = card("--comparison", name)
        assert f"comparison {place} of 2" in text
        assert "Not checked: transfer, other draws" in text
        assert "One run says nothing of how far" in text
    luck = ask(file, "luck", seeds=2)["sets"]["dog"]
    text = card()
    assert "Not checked: transfer, species’ look" in text
    assert "How far they move is among the checks above." in text
    assert "Training seeds 42 and 43." in sections(text)["Checks"]
    _, here, middle, another, *_ = tables(text)["The comparison repeated"]["dog"]
    assert (here, another) == (f"{100 * luck['observed']:.1f} %", f"{100 * luck['draw_deviation']:.1f}")
    assert f"{100 * luck['quantiles'][2]:.1f} %" in middle


def test_limits_are_named_with_their_sources(run: Path, card: Card):
    of_happy(run, dog=0.3)
    limits = sections(card())["Limits"]
    for part in (
        "**One emotion alone.**", "**Small samples.**", "**Relaxed is not tired.**", "**Posed expressions.**",
        "**A facial expression is not a feeling.**", "**Label noise.**", "**Confidence under a shift.**",
        "**Where such systems are banned.**", "(https://doi.org/10.1177/1529100619832930)",
        "[Regulation (EU) 2024/1689, Article 5(1)(f)]",
    ):  # fmt: skip
        assert part in limits
    assert "drawn" not in limits


def test_drawn_faces_are_said_to_be_such_at_the_top(emotion: Emotion, run: Path, card: Card):
    compared(emotion, run, "--size", 2, dog=FACES / "dog_eval")
    text = card()
    for part in ("", "Limits"):
        assert "say nothing of real dogs" in sections(text)[part]
    assert "--set dog=assets/faces/dog_eval" in text


def test_how_folders_were_read_is_told_and_repeated(
    emotion: Emotion, run: Path, card: Card, make_pictures: MakePictures
):
    dogs = make_pictures("dogs", count=3)
    for name, other in (("happy", "Joy"), ("tired", "relaxed"), ("sad", "bored")):
        (dogs / name).rename(dogs / other)
    words = "--emotion tired --size 2 --seed 42 --use-aliases --relaxed-as-tired"
    compared(emotion, run, *words.split(), dog=dogs)
    text = card()
    [table] = [each for caption, each in tables(text).items() if caption.startswith("The sets")]
    for part in ("Joy read as happy", "relaxed read as tired", "bored not used", "angry as named"):
        assert part in table["dog"][-1]
    assert "Relaxed is not tired" in sections(text)[""]
    assert f"--set dog=path/to/dogs {words}" in text


def test_pictures_left_out_are_named_within_their_sets_and_no_place_on_the_disk_is(
    emotion: Emotion, run: Path, card: Card, tiny_pictures: Path, make_pictures: MakePictures, tmp_path: Path
):
    dogs = make_pictures("dogs", count=6)
    shutil.copy(tiny_pictures / "human_train" / "happy" / "happy_001.png", dogs / "happy" / "happy_003.png")
    (dogs / "happy" / "happy_005.png").write_text("torn")
    compared(emotion, run, "--size", "all", **{"dog": dogs, "dog (photos)": tiny_pictures / "dog_eval"})
    text = card()
    left_out = sections(text)["Pictures left out"]
    assert "| dog | happy/happy_003.png | trained on as happy/happy_001.png |" in left_out
    assert "| dog | happy/happy_005.png | happy_005.png is not a picture" in left_out
    assert "Each sample was held against 48 pictures" in left_out
    emotion("report", "--run", run, "--to", tmp_path / "card.html")
    for told in (text, (tmp_path / "card.html").read_text("utf-8")):
        for place in (tmp_path, Path.home(), Path.cwd(), tiny_pictures.parent, "/tmp/"):
            assert str(place) not in told
        # Nothing that begins like a path, but for ends of sentences, addresses and the stand-ins for folders.
        assert re.findall(r"(?<![\w/.<])/(?!/)[A-Za-z][\w.]*/\w+", told) == []
    assert "--set 'dog (photos)=path/to/dog_eval'" in text


def test_the_commands_and_hashes_are_those_to_repeat_it(emotion: Emotion, run: Path, card: Card, tiny_pictures: Path):
    words = ("--emotion", "all", "--size", 3, "--seed", 7)
    found = compared(emotion, run, *words, human=tiny_pictures / "human_eval")
    repeat = sections(card())["How to repeat it"]
    train = "python -m emotion train --pictures path/to/human_train --backbone path/to/"
    assert re.search(re.escape(train) + r"\S+ --epochs 3 --batch-size 8 --image-size 32 --precision float32", repeat)
    line = f"compare --run {run.name} --set human=path/to/human_eval --emotion all --size 3 --seed 7"
    assert line in repeat
    for results in found["saved"]["sets"]["human"].values():
        for row in results["pictures"]:
            assert f"| {row['sha256']} |" in repeat


def resumed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    start = next(each for each in events if each["event"] == "RunStarted")
    at = next(place for place, each in enumerate(events) if each["event"] == "EpochDone" and each["epoch"] == 2)
    return [*events[: at + 1], {**start, "resumed_epochs": 2}, *events[at + 1 :]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda events: events, "It was finished after 3 of 3 epochs."),
        (resumed, "It had been cut off before, and went on after epoch 2."),
        (lambda events: [each for each in events if each.get("epoch", 0) <= 1][:-1], "It was cut off after 1 of 3"),
        (lambda events: [], "not recorded any more"),
    ],
)
def test_how_the_training_ended_is_told(run: Path, card: Card, change: Any, said: str):
    of_happy(run, dog=0.3)
    events = change(events_of(run))
    (run / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))
    assert said in sections(card())["The model"]


@pytest.mark.parametrize(
    ("depth", "words"),
    [("head", "the classifier alone"), (1, "the last block of"), (2, "the last 2 blocks of"), ("all", "every weight")],
)
def test_what_of_the_model_was_trained_is_said(run: Path, card: Card, depth: object, words: str):
    of_happy(run, dog=0.3)
    settings(run, depth=depth)
    text = card()
    assert words in sections(text)["The model"]
    assert (f"--depth {depth}" in text) is (depth != "head")


def test_curves_validation_pictures_and_settings_are_those_of_the_run(run: Path, card: Card):
    of_happy(run, dog=0.3)
    found, epochs = tables(card()), [each for each in events_of(run) if each["event"] == "EpochDone"]
    curves = found["Loss and accuracy by epoch"]
    assert list(curves)[1:] == [str(each["epoch"]) for each in epochs] == ["0", "1", "2", "3"]
    for each in epochs:
        assert curves[str(each["epoch"])][1] == f"{each['validation']['loss']:.3f}"
    validated = json.loads((run / "validation.json").read_text())["pictures"]
    [confusion] = [each for caption, each in found.items() if "says of the" in caption]
    for label in EMOTIONS:
        said = [max(row["scores"], key=row["scores"].get) for row in validated if row["label"] == label]
        assert confusion[label][:4] == [str(said.count(other)) for other in EMOTIONS]
    shown = found["All settings of the training"]
    assert (shown["epochs"], shown["image size"], shown["backbone"][0][:5]) == (["3"], ["32"], "tiny-")


def test_a_run_that_was_trained_further_lost_files_or_was_moved_is_still_told_of(
    emotion: Emotion, run: Path, card: Card, tmp_path: Path
):
    created = json.loads(of_happy(run, dog=0.3).read_text())["created"]
    for written, is_said in ((created - 60, False), (created + 60, True)):
        os.utime(run / "checkpoint" / "model.safetensors", (written, written))
        assert ("checkpoint is younger than this comparison" in card()) is is_said
    for name in ("validation.json", "split.json"):
        (run / name).unlink()
    settings(run, versions=None)
    text = card()
    assert "41 pictures of “human_train”" in text
    assert "Its validation pictures" not in text
    moved = Path(shutil.move(run, tmp_path / "elsewhere"))
    assert "41 pictures of “human_train”" in report_of(emotion, moved)


@pytest.mark.slow
def test_the_newest_comparison_is_told_of_or_the_one_that_is_named(emotion: Emotion, run: Path, tmp_path: Path):
    older, newer = of_happy(run, dog=0.3), of_happy(run, LATER, cat=0.3)
    report, target = ("report", "--run", run.name, "--to"), tmp_path / "new" / "card.html"
    for name, file in ((None, newer), (older, older), (older.name, older)):
        said = emotion(*report, target, *(["--comparison", name] if name else []), "--json")
        assert said.json == {"comparison": str(file), "file": str(target)}
        assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
        assert ("happy cats?" in target.read_text("utf-8")) is (file == newer)
    once, twice = tmp_path / "once.html", tmp_path / "twice.html"
    assert "no picture is in it" in emotion(*report, once).out
    emotion(*report, twice)
    assert once.read_bytes() == twice.read_bytes()


def test_what_cannot_be_reported_is_one_sentence_and_leaves_what_was_there(emotion: Emotion, run: Path, tmp_path: Path):
    (tmp_path / "in_the_way").write_text("kept")

    def refused(*words: object, to: str = "card.html") -> str:
        said = emotion("report", "--run", run, *words, "--to", tmp_path / to)
        assert (said.code, said.out, len(said.err.strip().splitlines())) == (1, "", 1)
        return said.err

    assert "was compared on nothing yet" in refused()
    assert "There is no comparison 'nothing.json'" in refused("--comparison", "nothing.json")
    assert "card.pdf is neither HTML nor Markdown" in refused(to="card.pdf")
    of_happy(run, dog=0.3)
    assert "The report cannot be written to" in refused(to="in_the_way/card.html")
    assert [path.name for path in tmp_path.iterdir()] == ["in_the_way"]
    assert emotion("report", "--run", run).code == 2


def test_no_picture_is_in_it_that_was_not_ticked_and_of_a_ticked_one_its_pixels_alone(
    emotion: Emotion, run: Path, make_pictures: MakePictures
):
    dogs = make_pictures("dogs", count=4)
    noted = Image.Exif()
    noted[0x010E] = "taken at home"
    for path in sorted((dogs / "happy").iterdir()):
        with Image.open(path) as image:
            image.resize((400, 300)).save(path, "JPEG", exif=noted, comment=b"taken at home")
    found = compared(emotion, run, "--size", "all", dog=dogs)
    file, rows = Path(found["file"]), found["saved"]["sets"]["dog"]["happy"]["pictures"]
    assert "<img" not in to_html(build_report(file))
    page = to_html(build_report(file, ticked=[rows[0]["sha256"], rows[1]["sha256"], "0" * 64]))
    shown = re.findall(r'<img src="data:image/webp;base64,([^"]+)"', page)
    assert len(shown) == 2 == page.count("<img")
    for data in map(base64.b64decode, shown):
        with Image.open(io.BytesIO(data)) as small:
            assert max(small.size) < 300
            assert not small.getexif()
        assert b"taken at home" not in data
    # Another picture by now.
    Image.new("RGB", (40, 40), "red").save(rows[0]["picture"], "PNG")
    page = to_html(build_report(file, ticked=[rows[0]["sha256"]]))
    assert "<img" not in page
    assert "ticked picture cannot be shown" in page
