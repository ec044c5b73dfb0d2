"""What tests of pictures and picture sets find."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.sets import Sets


@pytest.fixture
def sets(emotion: Emotion, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sets:
    """The sets of this test, none yet; what is kept for a moment lies beside them and has to be gone again."""
    (isolated / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(isolated / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", str(isolated / "scratch"))
    return Sets(emotion, isolated, tmp_path)
