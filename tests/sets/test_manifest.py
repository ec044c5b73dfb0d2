"""What a manifest keeps, what is said of a set, and that a damaged one hides no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from zips import imported, make_zip, picture, plain_files

from emotion.errors import PictureError
from emotion.pictures.duplicates import NEAR_SHARE
from emotion.sets.findings import balance_sentence, findings
from emotion.sets.likeness import as_words, nearest_before, nearest_of
from emotion.sets.manifest import Contradiction, Likeness, Manifest, PictureRow, Skipped, read_manifest, write_manifest
from emotion.sets.saved import SavedSet, find_set, list_sets, sets_folder

ROW = PictureRow("happy/0001.png", "happy", "0" * 64, 4, 3, "träne 😢/\u202ex.png", "0" * 64)
MANIFEST = Manifest(
    name="犬", species="dog", created=1.5, source="zip", pictures=[ROW, replace(ROW, file="sad/0001.png", label="sad")],
    skipped=[Skipped("x\0.png", "It is.")], duplicates=1, contradictions=[Contradiction(["a", "b"], ["happy", "sad"])],
    near_duplicates=[Likeness("happy/0001.png", "sad/0001.png", "", 0.05)], notes=["A note."],
)  # fmt: skip


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert (written["schema"], written["classes"]) == (1, {"happy": 1, "sad": 1})
    assert set(written["pictures"][0]) == {
        "file", "label", "sha256", "width", "height", "original", "fingerprint",
    }  # fmt: skip


def test_each_picture_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    lines = (tmp_path / "manifest.json").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line.strip(" ,")) for line in lines if line.strip().startswith('{"file"') and "sha256" in line]
    assert [row["file"] for row in rows] == [row.file for row in MANIFEST.pictures]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "null", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "pictures": 3}', "[" * 100_000],
)
def test_a_torn_manifest_is_one_sentence_and_hides_no_other(tmp_path: Path, content: str) -> None:
    source = make_zip(tmp_path / "photos.zip", plain_files())
    good, bad = imported(source, tmp_path / "sets", name="good"), imported(source, tmp_path / "sets", name="bad")
    (bad.folder / "manifest.json").write_text(content)
    assert [each.key for each in list_sets(tmp_path / "sets")] == ["bad", "good"]
    with pytest.raises(PictureError, match=r"bad is not a picture set that can be read: its manifest\.json"):
        _ = find_set("bad", root=tmp_path / "sets").manifest
    assert find_set("good", root=tmp_path / "sets").manifest == good.manifest


def test_a_folder_without_a_manifest_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").write_text("")
    assert list_sets(tmp_path) == list_sets(tmp_path / "nowhere") == []
    with pytest.raises(PictureError):
        _ = SavedSet(tmp_path / "photos").manifest


def test_sets_lie_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOTION_SETS", raising=False)
    assert sets_folder() == Path("sets")
    monkeypatch.setenv("EMOTION_SETS", "/elsewhere")
    assert sets_folder() == Path("/elsewhere")


@pytest.mark.parametrize(
    ("counts", "is_told"),
    [
        ({}, False),
        ({"happy": 90}, False),
        ({"happy": 30, "sad": 10}, False),
        ({"happy": 31, "sad": 10}, True),
        ({"happy": 40, "sad": 40, "angry": 40, "tired": 10}, False),
        ({"happy": 100, "sad": 40, "angry": 20, "tired": 30}, True),
        ({"happy": 90, "sad": 40, "angry": 20, "tired": 30}, False),
        ({"happy": 1000, "sad": 900, "angry": 1, "tired": 1}, True),
    ],
)
def test_a_class_rules_from_more_than_three_times_the_median_of_the_others(
    counts: dict[str, int], is_told: bool
) -> None:
    assert bool(balance_sentence(counts)) is is_told


def test_a_ruling_class_is_told_with_what_it_makes_of_accuracy() -> None:
    assert balance_sentence({"happy": 1200, "sad": 200, "angry": 100, "tired": 100}) == (
        "'happy' rules: 1,200 of 1,600 pictures, 12.0 times the median of the other classes (100). "
        "To say 'happy' of every picture is right 75% of the time. "
        "With “Class weights”, a setting of the training, every class counts alike."
    )


def test_findings_name_what_a_person_should_know() -> None:
    assert findings(MANIFEST) == [
        "A note.",
        "1 file is left out, 1 of them as exact copies.",
        "A contradiction: the same picture is said to be happy and sad (a, b). It is left out: keep one and import "
        "again.",
        "1 picture is nearly the same as another one of this set, 1 of them under another label. None is left out: "
        "where one is trained on and one judged, the score is too good.",
    ]
    quiet = replace(MANIFEST, skipped=[], duplicates=0, contradictions=[], near_duplicates=[], notes=[])
    assert findings(quiet) == []
    assert findings(replace(quiet, pictures=[ROW])) == [
        "There is one class only, 'happy': it can be compared, and not trained on."
    ]
    likeness = [Likeness("happy/0001.png", "x", "dogs", 0.0), Likeness("sad/0001.png", "x", "dogs", 0.0)]
    assert findings(replace(quiet, near_duplicates=likeness)) == [
        "2 pictures are nearly the same as one in the set 'dogs': do not train on one of these sets and judge with "
        "the other."
    ]
    many = findings(replace(quiet, contradictions=MANIFEST.contradictions * 8))
    assert (len(many), many[-1]) == (6, "There are 3 contradictions more.")


def test_the_nearest_is_what_a_plain_search_finds() -> None:
    rng = np.random.default_rng(1)
    prints = rng.integers(0, 256, (300, 32), dtype=np.uint8)
    mirrored = rng.integers(0, 256, (300, 32), dtype=np.uint8)
    for copy, original, bits in ((140, 3, 0), (141, 3, 20), (290, 141, 25), (299, 298, 26), (64, 63, 8)):
        prints[copy] = prints[original]
        prints[copy, :bits] ^= 1
    mirrored[200] = prints[100]
    as_bits = [np.unpackbits(each, axis=1) for each in (prints, mirrored)]

    def apart(row: int, other: int) -> float:
        return min(float((bits[row] != as_bits[0][other]).mean()) for bits in as_bits)

    words = [as_words([row.tobytes() for row in each]) for each in (prints, mirrored)]
    expected = []
    for row in range(1, 300):
        share, other = min((apart(row, other), other) for other in range(row))
        if share <= NEAR_SHARE:
            expected.append((row, other, share))
    assert list(nearest_before(*words)) == expected
    assert {row for row, *_ in expected} >= {64, 140, 141, 200, 290}
    between = list(nearest_of(words[0][150:], words[1][150:], words[0][:150]))
    assert [(row + 150, other) for row, other, _ in between] == [(200, 100), (290, 3)]
    assert list(nearest_of(*words, as_words([]))) == []


def test_a_picture_keeps_its_original_name_and_no_path_of_the_machine(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "Rosas holiday.zip", {"happy/Rosa at the lake.png": picture(1)})
    found = imported(source, tmp_path / "sets")
    text = (found.folder / "manifest.json").read_text()
    assert "happy/Rosa at the lake.png" in text
    assert "holiday" not in text
    assert str(tmp_path) not in text
