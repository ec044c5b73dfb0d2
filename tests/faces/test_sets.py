"""The drawn picture sets: complete, drawn again byte for byte, and dealt before anybody looks at the label."""

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from emotion.core.labels import EMOTIONS
from emotion.faces.faces_set import FOLDER, MANIFEST, SETS, Drawing, drawings_of, main, read_manifest
from emotion.faces.identity import identity_of
from emotion.faces.scene import scene_of

FACES = Path(__file__).resolve().parents[2] / FOLDER
BY_NAME = {chosen.name: chosen for chosen in SETS}
TRAITS = {
    "style": lambda drawing: drawing.identity.style,
    "glasses": lambda drawing: drawing.identity.glasses != "none",
    "beard": lambda drawing: drawing.identity.beard != "none",
    "cover": lambda drawing: drawing.identity.cover != "none",
    "age": lambda drawing: drawing.identity.age > 0.5,
    "background": lambda drawing: scene_of(drawing.seed).background,
    "light and pose": lambda drawing: (scene_of(drawing.seed).light.x > 0, scene_of(drawing.seed).turn > 0),
    "strength": lambda drawing: drawing.strength > 0.86,
}


@pytest.fixture(scope="module")
def manifests() -> dict[str, list[tuple[Drawing, str]]]:
    return {name: read_manifest(FACES / name) for name in BY_NAME}


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Every set with two of its pictures, spread over it, in a folder of one's own."""
    for name in BY_NAME:
        lines = json.loads((FACES / name / MANIFEST).read_text())
        chosen = lines[:: len(lines) // 2 + 1]
        for line in chosen:
            (tmp_path / name / line["label"]).mkdir(parents=True, exist_ok=True)
            shutil.copy(FACES / name / line["file"], tmp_path / name / line["file"])
        (tmp_path / name / MANIFEST).write_text(json.dumps(chosen))
    return tmp_path


def test_a_check_draws_every_picture_again_byte_for_byte_and_names_what_was_changed_or_is_gone(few, capsys):
    assert main([str(few), "--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: as drawn" for name in BY_NAME]
    changed, gone = (drawing.file for drawing, _ in read_manifest(few / "dog_eval"))
    (few / "dog_eval" / changed).write_bytes(b"")
    (few / "dog_eval" / gone).unlink()
    assert main([str(few), "--check", "--only", "dog_eval"]) == 1
    assert capsys.readouterr().out == f"dog_eval: differs: {changed}, {gone}\n"


@pytest.mark.slow
def test_every_picture_is_drawn_again_byte_for_byte():
    assert main([str(FACES), "--check"]) == 0


@pytest.mark.parametrize("name", BY_NAME)
def test_a_set_is_as_large_as_said_and_each_file_is_what_its_manifest_says(name, manifests):
    entries = manifests[name]
    assert Counter(drawing.label for drawing, _ in entries) == dict.fromkeys(EMOTIONS, BY_NAME[name].per_class)
    for drawing, digest in entries:
        assert drawing.file.startswith(f"{drawing.label}/")
        assert hashlib.sha256((FACES / name / drawing.file).read_bytes()).hexdigest() == digest
    there = {path.relative_to(FACES / name).as_posix() for path in (FACES / name).rglob("*.webp")}
    assert there == {drawing.file for drawing, _ in entries}
    assert len({digest for _, digest in entries}) == len(entries)
    assert sum((FACES / name / drawing.file).stat().st_size for drawing, _ in entries) < 8_000 * len(entries)
    # The manifest is what the generator deals today.
    assert [drawing for drawing, _ in entries] == list(drawings_of(BY_NAME[name]))


def test_no_individual_or_scene_is_shared_and_each_is_dealt_by_its_seed_with_the_emotions_in_turns(manifests):
    seeds = [drawing.seed for entries in manifests.values() for drawing, _ in entries]
    assert len(set(seeds)) == len(seeds)
    styles = {name: {drawing.identity.style for drawing, _ in entries} for name, entries in manifests.items()}
    # One style is never trained on.
    assert styles.pop("human_train") == {"flat", "outline", "soft"}
    assert all(each == {"flat", "outline", "soft", "paper"} for each in styles.values())
    for name, entries in manifests.items():
        species, styles = BY_NAME[name].species, BY_NAME[name].styles
        assert [drawing.label for drawing, _ in entries] == list(EMOTIONS) * BY_NAME[name].per_class
        assert all(each.identity == identity_of(species, seed=each.seed, styles=styles) for each, _ in entries)


@pytest.mark.parametrize("trait", TRAITS)
def test_no_trait_goes_with_an_emotion(trait, manifests):
    from scipy.stats import chi2_contingency

    counts = Counter((drawing.label, TRAITS[trait](drawing)) for drawing, _ in manifests["human_train"])
    values = sorted({value for _, value in counts})
    table = [[counts[label, value] for value in values] for label in EMOTIONS]
    # Eight traits are tested, so one in a hundred is no surprise and one in a thousand is.
    assert chi2_contingency(table).pvalue > 0.001
