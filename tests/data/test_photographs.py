"""Photographs in one click: a balanced sample of known data sets of the Hub, by what they themselves say."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.hub_data_sets import Hub, parquet, point_to
from helpers.sets import result_of, shot, tree

from emotion.core.errors import PictureError
from emotion.data.importing import Bring, Brought
from emotion.data.photographs import PHOTOGRAPHS, FromPhotographs
from emotion.data.sets import Manifest, find_set

TRAIN = "data/train-00000-of-00001.parquet"
PEOPLE, DOGS = PHOTOGRAPHS
FACES, DRIVERS = (each.name for each in PEOPLE.sources)
SEVEN = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


def pictures(count: int, *, seed: str) -> list[dict[str, object]]:
    # As large as photographs are, by what follows after the pixels.
    after = random.Random(seed).randbytes(20_000)
    return [{"bytes": shot((seed, row), "JPEG") + after, "path": None} for row in range(count)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The three data sets in the schemas that they have, forty rows a class in groups of ten."""
    faces = {"face": pictures(280, seed="faces"), "mood": [row % 7 for row in range(280)]}
    drivers = {"face": pictures(80, seed="drivers"), "mood": [row // 40 for row in range(80)]}
    dogs = {
        "label": [row % 4 for row in range(160)],
        "emotion": [("sad", "angry", "relaxed", "happy")[row % 4] for row in range(160)],
        "image": pictures(160, seed="dogs"),
    }
    made = tmp_path_factory.mktemp("made")
    paths = {
        FACES: parquet(made / "faces", faces, classes=SEVEN, row_group_size=10),
        DRIVERS: parquet(made / "drivers", drivers, classes=("Drowsy", "Non Drowsy"), row_group_size=10),
        DOGS.sources[0].name: parquet(made / "dogs", dogs, row_group_size=10),
    }
    return {name: {TRAIN: path.read_bytes()} for name, path in paths.items()}


@pytest.fixture
def hub(files: dict[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in with the three data sets."""
    hub = Hub(others=dict(files))
    with hub.serving():
        point_to(hub.url, monkeypatch)
        yield hub


def bring(key: str, root: Path) -> tuple[Manifest, Brought]:
    """Bring a set of photographs in; return what is kept of it, and what came."""
    chosen = next(each for each in PHOTOGRAPHS if each.key == key)
    job = Bring(FromPhotographs(chosen, per_class=8), name=key, species=chosen.species, root=root)
    brought = result_of(job.carry_out())
    return find_set(brought.key, root=root).manifest, brought


def test_people_are_put_together_from_two_data_sets_and_little_of_either_is_downloaded(
    hub: Hub, tmp_path: Path
) -> None:
    made, brought = bring("people", tmp_path / "sets")
    assert made.counts() == {"happy": 8, "sad": 8, "angry": 8, "tired": 8}
    assert (made.species, brought.pictures, list(brought.skipped)) == ("human", 32, [])
    assert any(FACES in note and "labels from 'mood'" in note for note in made.notes), "its own column counts"
    assert any(row.label == "tired" and DRIVERS in row.original for row in made.pictures)
    whole = sum(len(content) for files in hub.others.values() for content in files.values())
    assert hub.sent(TRAIN) < whole / 2


def test_of_dogs_the_same_are_drawn_each_time_a_relaxed_one_is_not_called_tired_and_numbers_mean_what_their_page_says(
    hub: Hub, tmp_path: Path
) -> None:
    first, again = (bring("dogs", tmp_path / name)[0] for name in ("first", "again"))
    assert first.counts() == {"happy": 8, "sad": 8, "angry": 8, "relaxed": 8}
    assert [row.sha256 for row in first.pictures] == [row.sha256 for row in again.pictures]
    dogs = {"label": [row % 4 for row in range(40)], "image": pictures(40, seed="dogs")}
    hub.others[DOGS.sources[0].name] = {TRAIN: parquet(tmp_path / "numbers", dogs).read_bytes()}
    numbered, _ = bring("dogs", tmp_path / "numbered")
    of_row = {0: "sad", 1: "angry", 2: "relaxed", 3: "happy"}
    assert all(row.label == of_row[int(Path(row.original).name) % 4] for row in numbered.pictures)


def test_without_its_second_part_a_set_is_made_and_says_so_and_without_a_hub_one_sentence_comes(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.others.pop(DRIVERS)
    made, _ = bring("people", tmp_path / "sets")
    assert made.counts() == {"happy": 8, "sad": 8, "angry": 8}
    assert any(note.startswith("One part is missing.") and DRIVERS in note for note in made.notes)
    point_to("http://127.0.0.1:9", monkeypatch)
    began = time.monotonic()
    with pytest.raises(PictureError, match=f"{FACES} cannot be read from the Hub at .*: connect to the network"):
        bring("people", tmp_path / "none")
    assert time.monotonic() - began < 5
    assert tree(tmp_path / "none") == set()
