"""Data sets on the Hub, of which a stand-in on this machine has some: what is asked of it, and each way to be refused.

The client is the real one. It reads the Hub's address when it is imported, so here the address is put in its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parquets import brought, faces, last, opened, usual_features, write
from stand_in import COMMIT, Kept, serving
from zips import picture, tree

from emotion.errors import PictureError
from emotion.sets.bringing import Bring
from emotion.sets.hub.bringing import FromDataSet
from emotion.sets.hub.description import describe
from emotion.sets.hub.source import open_source
from emotion.sets.limits import Limits

NAME = "team/faces"
TRAIN, TEST = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sets"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A small data set: a card that says nothing, 120 rows to train on and 4 to test with."""
    train = write(tmp_path / "made" / "train", faces(60), usual_features(), row_group_size=20)
    test = write(tmp_path / "made" / "test", faces(2, seed="test"), usual_features())
    card = b"---\nlicense: mit\n---\n# Faces\n"
    return Kept({"README.md": card, ".gitattributes": b"", TRAIN: train.read_bytes(), TEST: test.read_bytes()})


@pytest.fixture
def hub(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The stand-in's address; afterwards nothing may be left among the temporary files."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr("emotion.sets.hub.repository._TICK_SECONDS", 0.01)
    with serving(kept) as url:
        point_to(url, monkeypatch)
        yield url
    assert not tree(tmp_path / "scratch")


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(PictureError) as caught:
        brought(NAME, root, **options)
    assert not root.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_data_set_is_described_without_a_download_of_its_pictures(hub: str, kept: Kept) -> None:
    # Of a size as data sets have: what a look costs does not grow with the pictures.
    kept.files[TRAIN] = padded(kept.files[TRAIN])
    found = describe(NAME)
    assert (found.source, found.on_hub, found.commit) == (NAME, True, COMMIT)
    assert (found.split, found.splits) == ("train", {"train": 120, "test": None})
    assert (found.picture_columns, found.labels) == (("face",), {"mood": {"happy": 60, "sad": 60}})
    assert found.bytes == len(kept.files[TRAIN]) > 2_000_000
    assert 0 < kept.sent(TRAIN) < 300_000
    assert kept.sent(TEST) == 0


def padded(content: bytes) -> bytes:
    """Return a Parquet file with a gap before its end, where no place in it points to."""
    end = int.from_bytes(content[-8:-4], "little") + 8
    return content[:-end] + bytes(2_000_000) + content[-end:]


def test_a_split_is_downloaded_once_and_made_a_set(hub: str, kept: Kept, root: Path) -> None:
    found = describe(NAME)
    kept.asked.clear()
    made = brought(found, root)
    assert (made.manifest.source, made.manifest.counts()) == ("data set", {"happy": 60, "sad": 60})
    assert (made.folder / "happy/0001.png").read_bytes() == picture(("", 0), "PNG")
    whole = [size for _, path, size in kept.asked if path.endswith(TRAIN) and size == len(kept.files[TRAIN])]
    assert len(whole) == 1
    assert kept.sent(TEST) == 0


def test_what_was_described_is_what_is_imported_though_the_data_set_goes_on(hub: str, kept: Kept, root: Path) -> None:
    found = describe(NAME)
    kept.asked.clear()
    opened_again = last(open_source(found))
    opened_again.close()
    assert f"/api/datasets/{NAME}/revision/{COMMIT}" in [path for _, path, _ in kept.asked]


def test_a_card_gives_the_configurations_and_the_rows_of_splits(hub: str, kept: Kept) -> None:
    kept.files["README.md"] = (
        b"---\nconfigs:\n- config_name: few\n  data_files: data/test-*\n- config_name: all\n  default: true\n"
        b"  data_files:\n  - split: train\n    path: data/train-*\n  - split: held_out\n    path: data/test-*\n"
        b"dataset_info:\n- config_name: all\n  splits:\n  - name: train\n    num_bytes: 9\n    num_examples: 120\n"
        b"  - name: held_out\n    num_bytes: 9\n    num_examples: 4\n---\n"
    )
    found = describe(NAME)
    assert (found.config, found.configs, found.splits) == ("all", ("few", "all"), {"train": 120, "held_out": 4})
    assert describe(NAME, config="few").splits == {"train": 4}
    assert describe(NAME, split="held_out").labels == {"mood": {"happy": 2, "sad": 2}}


def test_picture_files_are_downloaded_and_labelled_by_their_folders(hub: str, kept: Kept, root: Path) -> None:
    kept.files = {
        f"train/{label}/{number}.png": picture((label, number)) for label in ("happy", "sad") for number in range(3)
    }
    found = describe(NAME)
    assert found.labels == {"label": {"happy": 3, "sad": 3}}
    assert not any("/resolve/" in path for _, path, _ in kept.asked)
    assert brought(NAME, root).manifest.counts() == {"happy": 3, "sad": 3}


def test_picture_files_are_labelled_by_a_list_beside_them(hub: str, kept: Kept, root: Path) -> None:
    kept.files = {f"{number}.png": picture(number) for number in range(3)}
    kept.files["metadata.jsonl"] = b"".join(b'{"file_name": "%d.png", "mood": "m%d"}\n' % (n, n % 2) for n in range(3))
    assert describe(NAME).labels == {"mood": {"m0": 2, "m1": 1}}
    assert brought(NAME, root).manifest.counts() == {"m0": 2, "m1": 1}


def test_what_is_too_large_is_refused_before_it_is_downloaded(hub: str, kept: Kept, root: Path) -> None:
    found = describe(NAME)
    size = len(kept.files[TRAIN])
    for limits, sentence in (
        (Limits(bytes=size - 1), "team/faces is a download of"),
        (Limits(pictures=119), "team/faces holds 120 pictures: the limit is 119 a set."),
        (Limits(files=119), "team/faces has 120 rows: the limit is 119."),
        (Limits(files=2), "team/faces has 120 rows: the limit is 2."),
    ):
        kept.asked.clear()
        with pytest.raises(PictureError, match=sentence):
            brought(found, root, limits=limits)
        assert size not in [sent for _, _, sent in kept.asked]
    with pytest.raises(PictureError, match="team/faces holds too many files: the limit is 2"):
        describe(NAME, limits=Limits(files=2))
    # Half of it is left out, so the rest is within the limit.
    made = brought(found, root, mapping={"sad": ""}, limits=Limits(pictures=60))
    assert made.manifest.counts() == {"happy": 60}


def test_a_download_that_is_stopped_or_too_slow_leaves_nothing(hub: str, kept: Kept, root: Path) -> None:
    steps = Bring(FromDataSet(describe(NAME)), name="mine", root=root).carry_out()
    assert next(steps).doing.startswith("downloading")
    steps.close()
    found = describe(NAME)
    with pytest.raises(PictureError, match="The import takes more than"):
        brought(found, root, limits=Limits(seconds=1e-9))
    assert not root.exists()


def test_a_name_that_is_taken_is_refused_before_anything_is_asked(hub: str, kept: Kept, root: Path) -> None:
    found = describe(NAME)
    (root / "mine").mkdir(parents=True)
    kept.asked.clear()
    with pytest.raises(PictureError, match="There is a picture set 'mine'"):
        brought(found, root, name="Mine")
    assert not kept.asked


def test_a_download_that_is_cut_or_altered_is_refused(hub: str, kept: Kept, root: Path) -> None:
    found = describe(NAME)
    kept.cut = True
    with pytest.raises(
        PictureError, match=r"team/faces came damaged \(data/train-00000-of-00001\.parquet\): try again"
    ):
        brought(found, root)
    assert not root.exists()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((404, {"X-Error-Code": "RepoNotFound"}), "has no data set team/faces, or it is private: check its name"),
        ((401, {"X-Error-Code": "RepoNotFound"}), "has no data set team/faces, or it is private: check its name"),
        ((401, {"X-Error-Code": "GatedRepo"}), "team/faces is gated: ask for access on its page and log in with"),
        ((403, {"X-Error-Code": "GatedRepo"}), "team/faces is gated: ask for access on its page and log in with"),
        ((403, {}), "does not give team/faces"),
        ((500, {}), "team/faces cannot be read from the Hub at"),
        ((200, {}), "team/faces cannot be read from the Hub at"),
    ],
)
def test_each_refusal_of_the_hub_is_one_sentence(
    hub: str, kept: Kept, root: Path, answer: Any, sentence: str, capfd: Any
) -> None:
    kept.refuse_all = answer
    assert sentence in refused(root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_data_set_shows_its_list_and_no_file(hub: str, kept: Kept, root: Path, status: int, capfd: Any) -> None:
    kept.refuse_files = (status, {"X-Error-Code": "GatedRepo"})
    sentence = "team/faces is gated: ask for access on its page and log in with `hf auth login`, or set HF_TOKEN."
    assert refused(root) == sentence
    kept.refuse_files = None
    found = describe(NAME)
    kept.refuse_files = (status, {"X-Error-Code": "GatedRepo"})
    with pytest.raises(PictureError, match="is gated"):
        brought(found, root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"faces.py": b"raise SystemExit(3)"}, "team/faces wants to run a script of its own, which is never done here"),
        ({"faces.py": b"raise SystemExit(3)", TRAIN: b""}, "wants to run a script of its own"),
        ({"train.zip": b"PK"}, "team/faces keeps its pictures in archives, which are not opened"),
        ({"shard-0.tar": b""}, "team/faces keeps its pictures in archives, which are not opened"),
        ({"rows.csv": b"a,b"}, "team/faces holds no pictures that can be read"),
        ({}, "team/faces holds no pictures that can be read"),
        ({TRAIN: b"PAR1 nothing PAR1"}, "team/faces"),
        ({"README.md": b"---\nconfigs:\n- config_name: a\n  data_files: /etc/*.conf\n---\n"}, "lies outside of it"),
        ({"README.md": b"---\nconfigs: [\n---\n", TRAIN: b""}, "team/faces is no data set that can be read"),
        ({"README.md": b" " * 10_000_001}, "has a README.md of 10 MB: that is not read."),
    ],
)
def test_data_sets_of_other_kinds_are_refused_in_a_sentence(
    hub: str, kept: Kept, root: Path, files: dict[str, bytes], sentence: str, capfd: Any
) -> None:
    kept.files = files
    assert sentence in refused(root)
    assert capfd.readouterr() == ("", "")


def test_names_of_files_lead_nowhere(hub: str, kept: Kept, root: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    kept.files |= dict.fromkeys(("../up.parquet", "/abs.parquet", "a\\b.parquet", "a/../../c.parquet", "a\x00b"), b"x")
    assert describe(NAME).splits == {"train": 120, "test": None}
    assert tree(tmp_path) == before


def test_a_hub_that_goes_away_between_a_look_and_the_import_is_one_sentence(
    hub: str, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    found = describe(NAME)
    point_to("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(PictureError, match="team/faces cannot be read from the Hub at"):
        brought(found, root)
    assert not root.exists()
    assert capfd.readouterr() == ("", "")


def test_a_token_is_what_the_client_finds_and_is_kept_nowhere(
    hub: str, kept: Kept, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_mine")
    made = brought(NAME, root, split="test")
    assert "Bearer hf_secret_of_mine" in kept.tokens
    assert "hf_secret" not in repr(dataclasses.asdict(describe(NAME)))
    assert b"hf_secret" not in (made.folder / "manifest.json").read_bytes()


def test_a_folder_here_of_the_same_name_is_not_meant_where_the_hub_is(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / NAME / "x.parquet", faces(1), usual_features())
    assert describe(NAME).splits == {"train": 2}
    assert describe(NAME, on_hub=True).splits["train"] == 120
    with pytest.raises(PictureError, match="There is no data set"):
        describe(Path("team/other"))


def test_a_source_of_the_hub_reads_its_pictures_after_all_was_downloaded(hub: str, kept: Kept) -> None:
    source = opened(NAME)
    kept.refuse_all = (500, {})
    assert source.read(source.entries[119]) == picture(("", 119), "JPEG")
    source.close()
