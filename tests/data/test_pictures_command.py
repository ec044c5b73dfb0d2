"""`python -m emotion pictures`: what scripts rely on, and what the commands that use a set say of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.pictures import EMOTIONS, write_zip
from helpers.sets import Sets, put, shot
from PIL import Image

from emotion.data.findings import balance_sentence

Make = Callable[..., Path]
SHORT = {
    "set", "name", "species", "created", "source", "pictures", "classes", "balance", "skipped", "duplicates",
    "near_duplicates", "contradictions", "notes",
}  # fmt: skip


def test_what_scripts_rely_on(emotion: Emotion, sets: Sets, make_pictures: Make, tmp_path: Path):
    source = write_zip(tmp_path / "Rosas holiday.zip", make_pictures("dogs", count=3))
    said = emotion("pictures", "import", source, "--name", "My dogs", "--species", "dog", "--json")
    assert (said.code, said.err) == (0, "")
    made = said.json
    assert set(made) == SHORT | {"skipped_files", "near"}
    assert (Path(made["set"]), made["name"], made["species"]) == (sets.root / "My-dogs", "My dogs", "dog")
    assert (made["source"], made["pictures"], made["classes"]) == ("zip", 12, dict.fromkeys(EMOTIONS, 3))
    assert emotion("pictures", "list", "--json").json == {"sets": [{name: made[name] for name in SHORT}]}
    assert emotion("pictures", "show", "my dogs", "--json").json == made
    # A set may be given away: it names no folder of this machine.
    notes = [path.read_text() for path in sets.show("my dogs").folder.iterdir() if path.is_file()]
    assert notes
    assert not any(word in text for text in notes for word in ("holiday", str(tmp_path)))
    put(sets.root, {"precious/letter.txt": b""})
    assert emotion("pictures", "list", "--json", "--sets", tmp_path / "here").json == {"sets": []}
    said = emotion("pictures", "delete", "My-dogs", "--json")
    assert (said.code, said.err, said.json) == (0, "", {"deleted": made["set"]})
    assert sets.names() == []
    assert {path.name for path in sets.root.iterdir() if path.is_dir()} == {"precious"}
    assert source.is_file()


def test_without_json_it_is_said_in_words(emotion: Emotion, sets: Sets, make_pictures: Make):
    folder = make_pictures("dogs", count=3)
    put(folder, {"happy/\x1b[31mnotes\x07.txt": b"x"})
    for number in range(7, 20):
        Image.new("RGB", (30, 30), (number, 0, 0)).save(folder / "happy" / f"{number}.png")
    said = emotion("pictures", "import", folder, "--name", "mine", "--species", "Dog")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{sets.root}/mine: mine (dog), 25 pictures: happy 16, sad 3, angry 3, tired 3\n")
    for sentence in (
        "1 file is left out.",
        "left out: happy/?[31mnotes?.txt (It is not a picture by its name.)",  # It cannot steer a terminal.
        "'happy' rules: 16 of 25 pictures, 5.3 times the median of the other classes (3).",
        "To say 'happy' of every picture is right 64% of the time.",
        "12 pictures are nearly the same as another one of this set, 0 of them under another label.",
    ):
        assert sentence in said.out
        assert sentence in emotion("pictures", "show", "mine").out
    assert "from a folder" in emotion("pictures", "show", "mine").out
    assert emotion("pictures", "list").out == said.out.splitlines(keepends=True)[0]
    assert "is deleted for good" in emotion("pictures", "delete", "mine").out
    assert emotion("pictures", "list").out.startswith("No picture sets in ")


@pytest.mark.parametrize(
    ("counts", "rules"),
    [
        ((3, 1), False), ((4, 1), True), ((4, 4, 4, 1), False), ((9, 4, 2, 3), False), ((10, 4, 2, 3), True),
        ((9,), False),
    ],
)  # fmt: skip
def test_a_class_rules_from_more_than_three_times_the_median_of_the_others(counts: tuple[int, ...], rules: bool):
    assert bool(balance_sentence(dict(zip(EMOTIONS, counts, strict=False)))) is rules


def test_other_names_of_the_emotions_are_offered_and_read_when_told_to(emotion: Emotion, make_pictures: Make):
    folder = make_pictures(count=2)
    for name, other in (("angry", "Anger"), ("tired", "relaxed")):
        (folder / name).rename(folder / other)
    put(folder, {"angry/1.png": shot(1)})
    said = emotion("pictures", "import", folder, "--name", "one", "--json")
    assert said.err == "This set says 'Anger' for angry: give --use-aliases to read it as such.\n"
    assert list(said.json["classes"].items()) == [("happy", 2), ("sad", 2), ("angry", 1), ("Anger", 2), ("relaxed", 2)]
    said = emotion("pictures", "import", folder, "--name", "two", "--use-aliases", "--json")
    read = [("happy", 2), ("sad", 2), ("angry", 3), ("relaxed", 2)]
    assert (said.err, list(said.json["classes"].items())) == ("", read)


def test_what_is_refused_is_one_sentence(emotion: Emotion, sets: Sets, make_pictures: Make, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert "There is no zip and no folder" in sets.refused(tmp_path / "nowhere")
    assert "There is no zip and no folder /dev/zero" in sets.refused("/dev/zero")
    assert "There are no pictures in class folders in empty" in sets.refused(tmp_path / "empty")
    assert "The species has 41 characters" in sets.refused(make_pictures(count=2), "--species", "x" * 41)
    for name in ("nothing", "../pictures", ".", "a/b", "..", ".sets-lock"):
        said = emotion("pictures", "delete", name, "--json")
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert f"There is no picture set {name!r}" in said.err
    shutil.rmtree(sets.root)
    sets.root.write_text("")
    assert "cannot be written" in sets.refused(tmp_path / "pictures")


@pytest.mark.parametrize("content", ["", "[]", "null", '{"schema": 999}', "[" * 100_000])
def test_a_damaged_set_hides_no_other_and_stops_no_import(emotion: Emotion, sets: Sets, folder: Path, content: str):
    damaged = sets.bring(folder, name="bad").folder
    for file in filter(Path.is_file, damaged.iterdir()):
        file.write_text(content)
    assert sets.bring(folder, name="good").near == []
    said = emotion("pictures", "list", "--json")
    assert (said.code, [row["name"] for row in said.json["sets"]], said.err.count("\n")) == (0, ["good"], 1)
    assert "bad is not a picture set that can be read" in said.err
    assert emotion("pictures", "show", "bad").code == 1
    assert emotion("pictures", "delete", "bad").code == 0
    assert emotion("pictures", "list").err == ""


@pytest.mark.parametrize("is_read", [False, True])
def test_train_offers_other_names_and_leaves_out_what_cannot_be_read(
    emotion: Emotion, make_pictures: Make, tiny_vit: Path, is_read: bool
):
    folder = make_pictures(count=6)
    (folder / "angry").rename(folder / "anger")
    (folder / "sad").rename(folder / "Sadness")
    put(folder, {"happy/bad.jpg": b"no picture", "tired/cut.png": shot(1)[:300]})
    words = ["train", "--pictures", folder, "--backbone", tiny_vit, "--epochs", 1, "--image-size", 32, "--json"]
    said = emotion(*words, *["--use-aliases"] * is_read)
    offer = "This set says 'anger' for angry and 'Sadness' for sad: give --use-aliases to read them as such.\n"
    assert said.err.startswith(offer) is not is_read
    assert "left out: bad.jpg is not a picture" in said.err
    assert "left out: cut.png cannot be read" in said.err
    assert said.json["train_pictures"] + said.json["validation_pictures"] == 24
    model = json.loads((Path(said.json["run"]) / "checkpoint" / "config.json").read_text())
    assert set(model["label2id"]) == set(EMOTIONS if is_read else ("happy", "Sadness", "anger", "tired"))


def test_compare_offers_other_names_and_leaves_out_the_unreadable(emotion: Emotion, run: Path, make_pictures: Make):
    folder = make_pictures("dogs", count=8)
    (folder / "angry").rename(folder / "Anger")
    bad = sorted((folder / "Anger").iterdir())[2:4]
    for path in bad:
        path.write_text("no picture")
    words = ["compare", "--run", run, "--set", f"dog={folder}", "--emotion", "angry", "--json", "--size"]
    said = emotion(*words, 5)
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert said.err.startswith("There are no pictures of 'angry' in this set: ")
    assert "This set says 'Anger' for angry" in said.err
    assert "--use-aliases" in said.err
    said = emotion(*words, "all", "--use-aliases")
    angry = said.json["sets"]["dog"]["angry"]
    assert (angry["n"], angry["unreadable"]) == (6, 2)
    assert said.err == f"left out, since they cannot be read (2): {bad[0]}, {bad[1]}\n"
    said = emotion(*words, 7, "--use-aliases")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Only 6 of the 8 pictures of 'angry' in dog can be read: choose a smaller sample")
