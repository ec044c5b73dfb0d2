"""What tests of pictures and picture sets find."""

import shutil
import tempfile
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.sets import Made, Sets, plain_files, put


@pytest.fixture
def sets(emotion: Emotion, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sets:
    """The sets of this test, none yet; what is kept for a moment lies beside them and has to be gone again."""
    monkeypatch.chdir(tmp_path)
    (isolated / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(isolated / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", str(isolated / "scratch"))
    return Sets(emotion, isolated, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes with two pictures each."""
    return put(tmp_path / "photos", plain_files())


@pytest.fixture
def made(sets: Sets) -> Made:
    """A set ``mine`` of two happy and two sad pictures."""
    return sets.bring(plain_files())


@pytest.fixture
def old_set(sets: Sets) -> Path:
    """The folder of a set that an earlier version wrote, with its ``manifest.json``."""
    [old] = (path for path in (Path(__file__).parents[1] / "golden" / "sets").iterdir() if path.is_dir())
    return Path(shutil.copytree(old, sets.root / old.name))
