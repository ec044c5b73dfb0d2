"""Folders of pictures as people have them: listed, split, sampled, checked for copies and for wrong labels."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.command import Emotion
from helpers.pictures import EMOTIONS
from helpers.sets import COPIES, Sets, listed, result_of
from sklearn.metrics import roc_auc_score

from emotion.analysis.hardest import FindHardest, find_suspects
from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.data.decoding import open_picture
from emotion.data.findings import kept_suspects
from emotion.data.folders import Picture, count_labels, find_pictures, holds_pictures
from emotion.data.sampling import draw_in_order, split
from emotion.data.sets import SavedSet

Make = Callable[..., Path]
DRAWN = Path(__file__).parents[2] / "assets" / "faces" / "human_train"


def test_classes_stand_in_the_order_of_the_emotions_whatever_the_path(make_pictures: Make, tmp_path: Path):
    folder = make_pictures(count=2)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "empty" / "happy").mkdir(parents=True)
    for path in (folder, folder / ".." / folder.name, tmp_path / "link"):
        assert list(listed(path).items()) == [(label, 2) for label in EMOTIONS]
        assert count_labels(find_pictures(path)) == listed(path)
        assert holds_pictures(path)
    assert not any(holds_pictures(tmp_path / name) for name in ("empty", "gone", "pictures/happy"))


def test_the_imagefolder_reader_of_datasets_finds_the_same_in_a_folder_and_a_set(sets: Sets, make_pictures: Make):
    import datasets

    datasets.disable_progress_bars()
    folder = make_pictures(count=3, classes=("happy", "sad"))
    (folder / "happy").rename(folder / "Anger")
    for root, options in ((folder, {"drop_labels": False}), (sets.bring(folder).folder, {})):
        rows = datasets.load_dataset(
            "imagefolder", data_dir=str(root), split="train", cache_dir="cache", **options
        ).cast_column("image", datasets.Image(decode=False))
        # A table says labels as texts.
        name = rows.features["label"].int2str if options else str
        read = {(Path(row["image"]["path"]), name(row["label"])) for row in rows}
        assert {(picture.path, picture.label) for picture in find_pictures(root)} == read


def so_many(sizes: dict[str, int]) -> list[Picture]:
    return [Picture(Path(label, str(row)), label) for label, size in sizes.items() for row in range(size)]


def test_the_split_is_stratified_disjoint_and_depends_on_its_seed(make_pictures: Make):
    pictures = find_pictures(make_pictures(count=20))
    parts = split(pictures, fraction=0.15, seed=1)
    assert count_labels(parts.validation) == dict.fromkeys(EMOTIONS, 3)
    assert sorted(map(str, parts.train + parts.validation)) == sorted(map(str, pictures))
    assert split(pictures[::-1], fraction=0.15, seed=1) == parts
    assert split(pictures, fraction=0.15, seed=2).validation != parts.validation


@pytest.mark.parametrize("sizes", [(300, 290, 3, 2), (2, 2, 2, 2), (1000, 2, 2, 2)])
def test_every_class_is_trained_on_and_validated_however_few_pictures_it_has(sizes: tuple[int, ...]):
    pictures = so_many(dict(zip(EMOTIONS, sizes, strict=True)))
    for seed in range(10):
        parts = split(pictures, fraction=0.05, seed=seed)
        assert set(count_labels(parts.train)) == set(count_labels(parts.validation)) == set(EMOTIONS)
        assert len(set(parts.train) | set(parts.validation)) == len(parts.train) + len(parts.validation) == sum(sizes)


def test_what_cannot_be_split_or_drawn_is_one_sentence():
    for sizes, sentence in (
        ({"happy": 9}, "Only one class, 'happy'"), ({"happy": 9, "tired": 1}, "The class 'tired' has one picture")
    ):  # fmt: skip
        with pytest.raises(PictureError, match=sentence):
            split(so_many(sizes), fraction=0.15, seed=1)
    for label, size, sentence in (("happy", 13, "only 12 pictures"), ("calm", 1, "no pictures")):
        with pytest.raises(PictureError, match=sentence):
            draw_in_order(so_many({"happy": 12}), label=label, size=size, seed=1)


def test_a_sample_depends_on_seed_and_paths_alone(make_pictures: Make):
    pictures = find_pictures(make_pictures(count=12))
    drawn = draw_in_order(pictures, label="happy", size=5, seed=3)
    assert drawn == draw_in_order(pictures[::-1], label="happy", size=5, seed=3)
    assert drawn != draw_in_order(pictures, label="happy", size=5, seed=4)
    # As written in saved comparisons: which pictures a seed draws never changes.
    assert [each.path.stem[-3:] for each in drawn[:5]] == ["003", "009", "008", "002", "005"]
    assert len(set(drawn)) == len(draw_in_order(pictures, label="happy", size=None, seed=3)) == 12


def test_copies_of_what_a_run_was_trained_on_are_found_whatever_they_are_called_and_strangers_are_not(
    emotion: Emotion, run: Path, isolated: Path, tiny_pictures: Path, tmp_path: Path
):
    originals = sorted((tiny_pictures / "human_train" / "happy").iterdir())
    dogs = shutil.copytree(tiny_pictures / "dog_eval" / "happy", tmp_path / "dogs" / "happy")
    for original, change in zip(originals, (COPIES["grey"], COPIES["mirrored"]), strict=False):
        change(open_picture(original)).convert("RGB").save(dogs / f"changed_{original.stem}.webp", lossless=True)
    shutil.copy(originals[5], dogs / "renamed.png")
    (dogs / "bad.jpg").write_text("no picture")

    def judged() -> tuple[int, int, int]:
        words = ["--set", f"dog={dogs.parent}", "--emotion", "happy", "--size", "all", "--json"]
        result = emotion("compare", "--run", run, *words).json["sets"]["dog"]["happy"]
        return result["near_duplicates"], result["n"], result["unreadable"]

    assert judged() == (3, 6, 1)
    for kept in filter(Path.is_file, (isolated / "cache").rglob("fingerprints.json")):
        kept.write_bytes(kept.read_bytes()[:-20] + b'\n{"sha256": 3}\n[]\n')
    assert judged() == (3, 6, 1)
    # Where the originals are gone, the hashes of their content are still known.
    shutil.rmtree(isolated / "cache")
    record = json.loads((run / "config.json").read_text())
    record["config"]["pictures"] = str(tmp_path / "gone")
    (run / "config.json").write_text(json.dumps(record))
    assert judged() == (1, 8, 1)


def clouds(count: int, *, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Features of four classes around four centres, with more directions than pictures of a class."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, 64)) * 1.2
    truth = np.repeat(np.arange(4), count)
    return centres[truth] + rng.normal(size=(4 * count, 64)), [EMOTIONS[each] for each in truth]


@pytest.mark.parametrize("count", [8, 60])
def test_changed_labels_come_before_the_others_and_name_the_class_they_came_from(count: int):
    features, truth = clouds(count)
    given, changed = list(truth), [0, count, 2 * count]
    for row in changed:
        given[row] = EMOTIONS[(EMOTIONS.index(truth[row]) + 1) % 4]
    found = find_suspects(features, given)
    ranked = sorted(range(len(found)), key=lambda row: -found[row].doubt)
    assert set(ranked[:3]) == set(changed)
    assert [found[row].nearest for row in changed] == [truth[row] for row in changed]
    # The order does not end where a probability would be one.
    assert len({each.doubt for each in find_suspects(features * 100, truth)}) > len(truth) * 0.9


def test_too_few_pictures_are_one_sentence(sets: Sets, make_pictures: Callable[..., Path]):
    made = sets.bring(make_pictures(count=3))
    with pytest.raises(PictureError, match="too few pictures to tell"):
        result_of(FindHardest(made.folder).carry_out())


@pytest.mark.slow
@pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: run `make run`")
def test_changed_labels_of_drawn_people_come_before_the_others_until_they_are_put_right(sets: Sets):
    made = sets.bring(DRAWN)
    wrong = set()
    for label, names in {label: made.names(label)[::10] for label in made.counts}.items():
        wrong |= {hash_file(made.folder / name) for name in names}
        sets.relabel(names, EMOTIONS[(EMOTIONS.index(label) + 2) % 4])
    assert "nearer to another class" in result_of(FindHardest(made.folder).carry_out())
    suspects = kept_suspects(SavedSet(made.folder))
    doubts = {sha256: each.doubt for sha256, each in suspects.items()}
    assert roc_auc_score([sha256 in wrong for sha256 in doubts], list(doubts.values())) > 0.9
    first = max(doubts, key=doubts.__getitem__)
    [name] = [name for name in sets.show().names() if hash_file(made.folder / name) == first]
    sets.relabel([name], suspects[first].nearest)
    assert set(kept_suspects(SavedSet(made.folder))) == set(doubts) - {first}
