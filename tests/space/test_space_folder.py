"""The folder that is pushed as a Space: what is in it, what never is, and that nobody else's folder is touched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emotion.cli import main
from emotion.errors import SpaceError
from emotion.space import ATTRIBUTES, BINARY, FILES, FOLDERS, ROOT, Space, list_files, write_space
from emotion.ui.landing import read_twenty

SCREENSHOTS = ROOT / "assets" / "screenshots"
# Drawn as the faces are. Any other picture is named here first, so that no photograph slips in.
OWN = {"assets/favicon.png", "assets/social-card.png"}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real project's folder, written once."""
    return write_space(tmp_path_factory.mktemp("written") / "space").folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with one file of each kind, and with what must stay at home."""
    root = tmp_path / "project"
    for name in (*FILES, *(f"{name}/one{kind}" for name, kinds in FOLDERS.items() for kind in kinds)):
        _write(root / name)
    for name in (".git/config", "emotion/__pycache__/one.pyc", "emotion/ui/.ruff.toml", "assets/.DS_Store", "a.log"):
        _write(root / name)
    for name in ("tests/test_a.py", "runs/a/config.json", "cache/a", "models/a", "sets/a/b.png", "photos/a.jpg"):
        _write(root / name)
    return root


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_belongs_is_there_byte_for_byte_and_nothing_else(project: Path, tmp_path: Path):
    written = write_space(tmp_path / "space", root=project)
    expected = {*FILES, *(f"{name}/one{kind}" for name, kinds in FOLDERS.items() for kind in kinds)}
    assert _names(written.folder) == {*expected, ATTRIBUTES}
    assert all((written.folder / name).read_bytes() == (project / name).read_bytes() for name in expected)
    assert written.files == len(expected) + 1
    assert written.bytes == sum((written.folder / name).stat().st_size for name in _names(written.folder))


@pytest.mark.parametrize("stray", ["assets/dog.jpg", "emotion/weights.safetensors", "docs/photo.png"])
def test_a_file_of_another_kind_is_named_and_nothing_is_written(project: Path, tmp_path: Path, stray: str):
    _write(project / stray)
    with pytest.raises(SpaceError, match=f"{stray} is nothing that belongs into a Space"):
        write_space(tmp_path / "space", root=project)
    assert list(tmp_path.iterdir()) == [project]


def test_a_link_out_of_the_project_is_not_followed(project: Path, tmp_path: Path):
    (project / "assets" / "more").symlink_to(project / "photos")
    with pytest.raises(SpaceError, match="assets/more is nothing that belongs"):
        write_space(tmp_path / "space", root=project)


@pytest.mark.parametrize("missing", ["LICENSE", "assets"])
def test_what_is_missing_is_named_and_nothing_is_written(project: Path, tmp_path: Path, missing: str):
    path = project / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(SpaceError, match=f"{missing} is missing"):
        write_space(tmp_path / "space", root=project)
    assert list(tmp_path.iterdir()) == [project]


def test_an_earlier_one_is_replaced_whole(project: Path, tmp_path: Path):
    write_space(tmp_path / "space", root=project)
    _write(tmp_path / "space" / "emotion" / "__pycache__" / "one.pyc")
    (project / "emotion" / "one.js").rename(project / "emotion" / "two.js")
    written = write_space(tmp_path / "space", root=project)
    assert {name for name in _names(written.folder) if name.startswith("emotion/")} == {
        "emotion/one.css", "emotion/one.py", "emotion/two.js",
    }  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"project", "space"}


@pytest.mark.parametrize(
    ("inside", "said"),
    [("notes.txt", "was not written by this command"), (ATTRIBUTES, "was not written by this command")],
)
def test_a_folder_of_somebody_else_is_left_alone(project: Path, tmp_path: Path, inside: str, said: str):
    _write(tmp_path / "space" / inside)
    with pytest.raises(SpaceError, match=said):
        write_space(tmp_path / "space", root=project)
    assert (tmp_path / "space" / inside).read_text() == inside


def test_what_somebody_put_into_a_written_folder_is_left_alone(project: Path, tmp_path: Path):
    write_space(tmp_path / "space", root=project)
    _write(tmp_path / "space" / "runs" / "mine")
    with pytest.raises(SpaceError, match="holds runs, which this command did not write"):
        write_space(tmp_path / "space", root=project)
    assert (tmp_path / "space" / "runs" / "mine").is_file()


def test_a_file_in_the_place_of_the_folder_is_left_alone(project: Path, tmp_path: Path):
    _write(tmp_path / "space")
    with pytest.raises(SpaceError, match="was not written by this command"):
        write_space(tmp_path / "space", root=project)


def test_where_nothing_can_be_written_is_one_sentence_and_the_earlier_one_stays(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = _names(write_space(tmp_path / "space", root=project).folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(SpaceError, match=r"space cannot be written \(No space left on device\): choose another folder"):
        write_space(tmp_path / "space", root=project)
    assert _names(tmp_path / "space") == before
    assert {path.name for path in tmp_path.iterdir()} == {"project", "space"}


def test_the_projects_own_is_small_and_holds_no_test_and_nothing_hidden(space: Path):
    names = _names(space)
    assert {name.split("/")[0] for name in names} == {*FILES, *FOLDERS, ATTRIBUTES}
    assert not [name for name in names if "/." in name or "__pycache__" in name]
    assert sum(path.stat().st_size for path in list_files(ROOT)) < 30e6


def test_every_picture_in_it_is_a_drawn_one_or_a_screenshot(space: Path):
    drawn = {
        f"assets/faces/{manifest.parent.name}/{row['file']}"
        for manifest in (space / "assets" / "faces").glob("*/manifest.json")
        for row in json.loads(manifest.read_text(encoding="utf-8"))
    }
    pictures = {name for name in _names(space) if name.endswith((".webp", ".png")) and "/screenshots/" not in name}
    assert pictures - OWN == drawn


def test_the_readmes_pictures_and_links_lead_somewhere_in_it(space: Path):
    text = (space / "README.md").read_text(encoding="utf-8")
    # What it says of the tests leads to the repository.
    links = {link for link in re.findall(r"\]\(([^)#:\s]+)\)", text) if not link.startswith("tests/")}
    assert {f"assets/screenshots/{path.name}" for path in SCREENSHOTS.iterdir()} & links
    assert [link for link in links if not (space / link).exists()] == []


def test_the_landing_panels_numbers_are_in_it(space: Path):
    assert all(read_twenty(kind, space / "docs" / "results") for kind in ("photographs", "drawn"))


def test_what_is_no_text_goes_to_the_hubs_large_storage(space: Path):
    kinds = tuple(kind.removeprefix("*") for kind in BINARY)
    for path in space.rglob("*"):
        if path.is_file() and not path.name.endswith(kinds):
            path.read_text(encoding="utf-8")
    assert all(f"{kind} filter=lfs diff=lfs merge=lfs -text\n" in (space / ATTRIBUTES).read_text() for kind in BINARY)


def test_the_command_says_how_large_it_is_and_how_to_push_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    to = tmp_path / "space"
    assert main(["space", "--to", str(to)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"written to {to}: [\d,]+ files, [\d.]+ MB", first)
    assert second == f"push it with: hf upload USER/NAME {to} . --repo-type space"
    assert main(["space", "--to", str(tmp_path), "--json"]) == 1
    assert "was not written by this command" in capsys.readouterr().err


def test_the_command_that_pushes_is_one_that_the_hubs_client_has():
    hf, upload, *arguments = Space(Path("space"), files=1, bytes=1).push.split()
    assert hf == "hf"
    done = subprocess.run(
        [sys.executable, "-m", "huggingface_hub.cli.hf", upload, "--help"], capture_output=True, text=True, check=True
    )
    said = " ".join(done.stdout.split())
    assert re.search(r"Usage: .* upload \[OPTIONS\] REPO_ID \[LOCAL_PATH\] \[PATH_IN_REPO\]", said)
    assert arguments == ["USER/NAME", "space", ".", "--repo-type", "space"]
    assert re.search(r"--repo-type \[[^]]*\bspace\b", said)
