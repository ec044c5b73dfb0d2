"""Data sets of the Hub, and photographs of several: described and brought in, with little of them downloaded."""

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.hub_data_sets import COMMIT, Hub, faces, fetched, parquet, point_to
from helpers.sets import Sets, put, result_of, shot

from emotion.core.errors import PictureError
from emotion.data.hub import describe
from emotion.data.importing import Bring
from emotion.data.photographs import PHOTOGRAPHS, FromPhotographs
from emotion.data.sets import Manifest, find_set

Patch = pytest.MonkeyPatch
TRAIN, TEST = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
NAMED = ("happy", "sad")
UNREADABLE = "is no data set that can be read"
PEOPLE, DOGS = PHOTOGRAPHS
(FACES, DRIVERS), [OF_DOGS] = PEOPLE.sources, DOGS.sources
SEVEN = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


@pytest.fixture(scope="module")
def two_splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small data set: a card that says nothing, 120 rows to train on and 4 to test with."""
    made = tmp_path_factory.mktemp("made")
    train = parquet(made / "train", faces(60, labels=(0, 1)), classes=NAMED, row_group_size=20)
    test = parquet(made / "test", faces(2, labels=(0, 1), seed="test"), classes=NAMED)
    card = b"---\nlicense: mit\n---\n# Faces\n"
    return {"README.md": card, ".gitattributes": b"", TRAIN: train.read_bytes(), TEST: test.read_bytes()}


def pictures(count: int, *, seed: str) -> list[dict[str, object]]:
    # As large as photographs are, by what follows after the pixels.
    after = random.Random(seed).randbytes(20_000)
    return [{"bytes": shot((seed, row), "JPEG") + after, "path": None} for row in range(count)]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The three data sets in the schemas that they have, forty rows a class in groups of ten."""
    people = {"face": pictures(280, seed="faces"), "mood": [row % 7 for row in range(280)]}
    drivers = {"face": pictures(80, seed="drivers"), "mood": [row // 40 for row in range(80)]}
    dogs = {
        "label": [row % 4 for row in range(160)],
        "emotion": [("sad", "angry", "relaxed", "happy")[row % 4] for row in range(160)],
        "image": pictures(160, seed="dogs"),
    }
    made = tmp_path_factory.mktemp("made")
    paths = {
        FACES: parquet(made / "people", people, classes=SEVEN, row_group_size=10),
        DRIVERS: parquet(made / "drivers", drivers, classes=("Drowsy", "Non Drowsy"), row_group_size=10),
        OF_DOGS: parquet(made / "dogs", dogs, row_group_size=10),
    }
    return {name: {TRAIN: path.read_bytes()} for name, path in paths.items()}


@pytest.fixture
def hub(two_splits: dict[str, bytes], photographs: dict[str, dict[str, bytes]], monkeypatch: Patch) -> Iterator[Hub]:
    """The stand-in, which the Hub's client asks in this process and in its children."""
    hub = Hub(dict(two_splits), others=dict(photographs))
    with hub.serving():
        point_to(hub.url, monkeypatch)
        yield hub


def test_a_data_set_of_the_hub_is_described_without_a_download_of_its_pictures(emotion: Emotion, hub: Hub):
    content = hub.files[TRAIN]
    end = int.from_bytes(content[-8:-4], "little") + 8
    # Of a size as data sets have, by a gap where no place in it points to.
    hub.files[TRAIN] = content[:-end] + bytes(2_000_000) + content[-end:]
    told = emotion("pictures", "describe", hub.name, "--json").json
    assert (told["source"], told["on_hub"], told["commit"]) == (hub.name, True, COMMIT)
    assert (told["split"], told["splits"]["train"], list(told["splits"])) == ("train", 120, ["train", "test"])
    assert (told["picture_columns"], told["labels"]) == (["face"], {"mood": {"happy": 60, "sad": 60}})
    assert told["bytes"] == len(hub.files[TRAIN]) > 2_000_000
    assert hub.sent(TRAIN) < 300_000
    assert hub.sent(TEST) == 0


def test_a_split_of_the_hub_becomes_a_set_and_neither_the_other_split_nor_a_token_nor_a_file_is_kept(
    sets: Sets, hub: Hub, isolated: Path, monkeypatch: Patch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_mine")
    hub.files |= dict.fromkeys(("../up.parquet", "/abs.parquet", "a\\b.parquet", "a/../../c.parquet", "a\x00b"), b"x")
    made = sets.bring("--hub", hub.name, "--split", "train", "--map", "sad=tired")
    assert (made.told["source"], made.counts) == ("data set", {"happy": 60, "tired": 60})
    assert shot(("", 0)) in [path.read_bytes() for path in made.files("happy")]
    assert hub.sent(TEST) == 0
    assert "Bearer hf_secret_of_mine" in hub.tokens
    left = [path for path in isolated.rglob("*") if path.is_file()]
    assert not any(b"hf_secret" in path.read_bytes() for path in left)
    assert all(path.is_relative_to(sets.root) for path in left)
    assert f"at {COMMIT[:12]}" in made.told["read"]


GATED, MISSING = {"X-Error-Code": "GatedRepo"}, {"X-Error-Code": "RepoNotFound"}
REFUSALS: list[tuple[str, Any]] = [
    *(("refuse_all", each) for each in ((404, MISSING), (401, MISSING), (401, GATED), (403, {}), (500, {}), (200, {}))),
    # The list of a gated data set can be seen, and no file of it.
    ("refuse_files", (403, GATED)), ("cut", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), REFUSALS)
def test_each_refusal_of_the_hub_is_one_sentence(sets: Sets, hub: Hub, name: str, answer: Any):
    setattr(hub, name, answer)
    said = sets.refused("--hub", hub.name)
    assert said.startswith(f"team/faces cannot be read from the Hub at {hub.url} (")
    assert said.endswith("and the network, or import a zip, a folder or a Parquet file.")


def test_where_the_hub_is_meant_no_folder_here_is_and_a_name_that_is_taken_asks_it_for_nothing(sets: Sets, hub: Hub):
    parquet(Path(hub.name) / "x.parquet", faces(1))
    assert describe(hub.name).splits == {"train": 2}
    assert sets.bring("--hub", hub.name, name="Dogs").told["pictures"] == 120
    hub.asked.clear()
    assert "There is a picture set 'Dogs' already" in sets.refused("--hub", hub.name, name="dogs")
    assert hub.asked == []


def test_pictures_in_a_folder_are_labelled_by_their_folders_or_by_a_list_beside_them(sets: Sets, hub: Hub):
    files = {f"train/{label}/{number}.png": shot((label, number)) for label in NAMED for number in range(2)}
    things = put(Path("things"), files)
    assert sets.bring(things, "--split", "train").counts == {"happy": 2, "sad": 2}
    rows = [f'{{"file_name": "{name}.png", "mood": "{name[0]}"}}\n' for name in ("happy/0", "sad/0", "sad/1")]
    put(things, {"train/metadata.jsonl": "".join(rows).encode()})
    assert sets.bring(things, "--split", "train", name="listed").counts == {"h": 1, "s": 2}
    hub.files = {path.relative_to(things).as_posix(): path.read_bytes() for path in things.rglob("*.*")}
    assert sets.bring("--hub", hub.name, name="far").counts == {"h": 1, "s": 2}
    # The one picture that is not in the list is not asked for.
    assert (hub.sent("train/happy/0.png") > 0, hub.sent("train/happy/1.png")) == (True, 0)


CARD = "---\nconfigs:\n- config_name: default\n  data_files:\n  - '{}'\n---\n"
LIST = '{{"file_name": "1.png", "mood": "a"}}\n{{"file_name": "{}", "mood": "b"}}\n'
ITSELF = "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9 * (n > 0)}x]\n" for n in range(12))
ITSELF = f"---\n{ITSELF}configs: *a11\n---\n"
ELSEWHERE = ("/etc/*.conf", "../*.parquet", "http://127.0.0.1:9/x.parquet", "~/x", "zip://a::b.zip")
OTHER_KINDS: dict[str, tuple[dict[str, bytes], str]] = {
    **{f"a card to {path}": ({"README.md": CARD.format(path).encode()}, "not safe to import") for path in ELSEWHERE},
    **{
        f"a list to {path}": ({"1.png": shot(2), "metadata.jsonl": LIST.format(path).encode()}, UNREADABLE)
        for path in ("/etc/passwd", "../up.png")
    },
    "a script": ({"faces.py": b"raise SystemExit(3)", "a.parquet": b""}, "(Dataset scripts are no longer supported"),
    "a zip": ({"all.zip": b"PK\5\6" + bytes(18)}, "(archives are not opened)"),
    "rows of text": ({"rows.csv": b"a,b\n1,2\n"}, "holds no pictures that can be read"),
    "a card that names itself again and again": ({"README.md": ITSELF.encode()}, "whose head names parts of itself"),
    "a torn card": ({"README.md": b"---\nconfigs: [\n---\n"}, UNREADABLE),
    "a card of 20 MB": ({"README.md": b" " * 20_000_001, "a.csv": b""}, "has a README.md of 20 MB"),
}


@pytest.mark.parametrize("case", OTHER_KINDS)
def test_a_data_set_that_points_elsewhere_or_is_of_another_kind_is_refused(sets: Sets, hub: Hub, case: str):
    hub.files, sentence = OTHER_KINDS[case]
    # A script is known by its name, which is that of the repository.
    assert sentence in sets.refused(put(sets.elsewhere / "faces", hub.files), "--split", "train")
    sentence = "cannot be read from the Hub" if sentence == UNREADABLE else sentence
    assert sentence in sets.refused("--hub", hub.name)


def test_only_groups_of_rows_that_are_wanted_are_read_and_too_many_bytes_not_at_all(hub: Hub, tmp_path: Path):
    shots = [shot(row) + random.Random(row).randbytes(50_000) for row in range(40)]
    columns = {"face": shots, "mood": ["happy"] * 20 + ["sad"] * 20}
    hub.files[TRAIN] = parquet(tmp_path / "x", columns, row_group_size=5).read_bytes()
    size = len(hub.files[TRAIN])
    with pytest.raises(PictureError, match=r"holds pictures of .*: the limit is 100.0 KB"):
        fetched(hub.name, tmp_path / "none", bytes=100_000)
    assert hub.sent(TRAIN) < size / 4
    hub.asked.clear()
    found, told = fetched(hub.name, tmp_path / "half", mapping={"happy": ""})
    assert (list(found), len(found["sad"]), len(told.left_out)) == (["sad"], 20, 20)
    assert size / 2 < hub.sent(TRAIN) < size * 0.75


@pytest.mark.parametrize("answers", [True, False])
def test_without_a_hub_one_sentence_comes_within_five_seconds(sets: Sets, monkeypatch: Patch, answers: bool):
    # A port that takes a connection and never says a word, and one that is closed.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1] if answers else 9}"
        point_to(url, monkeypatch)
        began = time.monotonic()
        said = sets.refused("--hub", "team/faces")
    assert time.monotonic() - began < 5
    assert said.startswith(f"team/faces cannot be read from the Hub at {url} (")


def bring(key: str, root: Path) -> Manifest:
    """Bring a set of photographs in and return what is kept of it."""
    chosen = next(each for each in PHOTOGRAPHS if each.key == key)
    job = Bring(FromPhotographs(chosen, per_class=8), name=key, species=chosen.species, root=root)
    return find_set(result_of(job.carry_out()).key, root=root).manifest


def test_people_are_put_together_from_two_data_sets_and_little_of_either_is_downloaded(hub: Hub, tmp_path: Path):
    made = bring("people", tmp_path / "sets")
    assert made.counts() == {"happy": 8, "sad": 8, "angry": 8, "tired": 8}
    assert made.species == "human"
    assert any(FACES in note and "labels from 'mood'" in note for note in made.notes), "its own column counts"
    assert any(row.label == "tired" and DRIVERS in row.original for row in made.pictures)
    whole = sum(len(content) for files in hub.others.values() for content in files.values())
    assert hub.sent(TRAIN) < whole / 2


def test_the_same_dogs_are_drawn_each_time_relaxed_ones_among_them_and_numbers_mean_emotions(hub: Hub, tmp_path: Path):
    first, again = (bring("dogs", tmp_path / name) for name in ("first", "again"))
    assert first.counts() == {"happy": 8, "sad": 8, "angry": 8, "relaxed": 8}
    assert [row.sha256 for row in first.pictures] == [row.sha256 for row in again.pictures]
    dogs = {"label": [row % 4 for row in range(40)], "image": pictures(40, seed="dogs")}
    hub.others[OF_DOGS] = {TRAIN: parquet(tmp_path / "numbers", dogs).read_bytes()}
    numbered = bring("dogs", tmp_path / "numbered")
    of_row = {0: "sad", 1: "angry", 2: "relaxed", 3: "happy"}
    assert all(row.label == of_row[int(Path(row.original).name) % 4] for row in numbered.pictures)


def test_without_its_second_part_a_set_is_made_and_says_so(hub: Hub, tmp_path: Path):
    hub.others.pop(DRIVERS)
    made = bring("people", tmp_path / "sets")
    assert made.counts() == {"happy": 8, "sad": 8, "angry": 8}
    assert any(note.startswith("One part is missing.") and DRIVERS in note for note in made.notes)
