"""The committed picture sets: complete, redrawn bit for bit, and dealt without a look at the label."""

import hashlib
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from emotion.drawing.faces_set import (
    FOLDER,
    MANIFEST,
    SETS,
    PictureSet,
    differing,
    drawings_of,
    read_manifest,
    write_set,
)
from emotion.drawing.scene import scene_of
from emotion.labels import EMOTIONS

FACES = Path(__file__).resolve().parents[2] / FOLDER
BY_NAME = {chosen.name: chosen for chosen in SETS}
TINY = PictureSet("tiny", "dog", 1, ("flat", "outline"))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_file_in_the_manifest_is_there_with_its_hash_and_none_beside(name):
    folder = FACES / name
    entries = read_manifest(folder)
    assert Counter(drawing.label for drawing, _ in entries) == dict.fromkeys(EMOTIONS, BY_NAME[name].per_class)
    for drawing, digest in entries:
        assert drawing.file.startswith(f"{drawing.label}/")
        assert hashlib.sha256((folder / drawing.file).read_bytes()).hexdigest() == digest
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.webp")}
    assert there == {drawing.file for drawing, _ in entries}
    assert len({digest for _, digest in entries}) == len(entries)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sample_is_redrawn_bit_for_bit_from_the_manifest(name):
    entries = read_manifest(FACES / name)
    for drawing, digest in entries[:: len(entries) // 8]:
        assert hashlib.sha256(drawing.encoded()).hexdigest() == digest, drawing.file


@pytest.mark.parametrize("name", BY_NAME)
def test_the_manifest_is_what_the_generator_deals(name):
    assert [drawing for drawing, _ in read_manifest(FACES / name)] == list(drawings_of(BY_NAME[name]))


def test_the_sets_stay_small():
    assert sum(path.stat().st_size for path in FACES.rglob("*") if path.is_file()) < 7_000_000
    assert all((FACES / name / MANIFEST).stat().st_size < 1 << 20 for name in BY_NAME)


def test_paper_is_a_style_that_only_the_evaluation_sets_hold():
    styles = {name: {drawing.identity.style for drawing, _ in read_manifest(FACES / name)} for name in BY_NAME}
    assert styles["human_train"] == {"flat", "outline", "soft"}
    for name in ("human_eval", "dog_eval", "cat_eval"):
        assert styles[name] == {"flat", "outline", "soft", "paper"}


def test_no_individual_or_scene_is_shared_between_sets():
    seeds = [drawing.seed for name in BY_NAME for drawing, _ in read_manifest(FACES / name)]
    assert len(set(seeds)) == len(seeds)


def test_identity_and_scene_are_dealt_before_the_label_is_looked_at(monkeypatch):
    chosen = BY_NAME["human_eval"]
    dealt = [(drawing.seed, drawing.strength, drawing.identity) for drawing in islice(drawings_of(chosen), 40)]
    monkeypatch.setattr("emotion.drawing.faces_set.EMOTIONS", tuple(reversed(EMOTIONS)))
    relabelled = list(islice(drawings_of(chosen), 40))
    assert [(drawing.seed, drawing.strength, drawing.identity) for drawing in relabelled] == dealt
    assert relabelled[0].label == EMOTIONS[-1]


@pytest.mark.parametrize(
    "trait",
    [
        lambda drawing: drawing.identity.style,
        lambda drawing: drawing.identity.glasses != "none",
        lambda drawing: drawing.identity.beard != "none",
        lambda drawing: drawing.identity.cover != "none",
        lambda drawing: drawing.identity.age > 0.5,
        lambda drawing: scene_of(drawing.seed).background,
        lambda drawing: scene_of(drawing.seed).light.x > 0,
        lambda drawing: scene_of(drawing.seed).turn > 0,
        lambda drawing: drawing.strength > 0.86,
    ],
    ids=["style", "glasses", "beard", "cover", "age", "background", "light", "pose", "strength"],
)
def test_no_trait_goes_with_a_label(trait):
    from scipy.stats import chi2_contingency

    drawings = [drawing for drawing, _ in read_manifest(FACES / "human_train")]
    counts = Counter((drawing.label, trait(drawing)) for drawing in drawings)
    values = sorted({value for _, value in counts})
    table = [[counts[label, value] for value in values] for label in EMOTIONS]
    # Nine traits are looked at, so one in a hundred is no surprise and one in a thousand is.
    assert chi2_contingency(table).pvalue > 0.001


def test_checking_a_set_finds_a_changed_and_a_missing_file(tmp_path):
    write_set(TINY, tmp_path, processes=1)
    assert differing(tmp_path, processes=1) == []
    (tmp_path / "sad" / "dog_000.webp").unlink()
    (tmp_path / "happy" / "dog_000.webp").write_bytes(b"")
    assert differing(tmp_path, processes=1) == ["happy/dog_000.webp", "sad/dog_000.webp"]
