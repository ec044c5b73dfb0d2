"""The folder that is pushed as a Space: what is in it, what never is, what the Hub reads of it, and how it serves."""

from __future__ import annotations

import os
import re
import shutil
import signal
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.run_folder import events_of, runs_in, status_of
from helpers.serving import ROOT, Site
from helpers.visitors import RefusedError, Visitor
from helpers.waiting import until
from huggingface_hub import SpaceCard, SpaceHardware

from emotion.core.errors import SpaceError
from emotion.server.publish import write_space

# The reference of the Spaces' configuration on the Hub has these colours and no others.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
WEIGHTS = ROOT / "models" / "dinov2-small" / "model.safetensors"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, as the command writes it."""
    from emotion.cli import main

    folder = tmp_path_factory.mktemp("written") / "space"
    assert main(["space", "--to", str(folder)]) == 0
    return folder


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_the_project_byte_for_byte_and_no_test_run_weight_or_hidden_file(space: Path) -> None:
    names = names_in(space) - {".gitattributes"}
    assert {"README.md", "LICENSE", "requirements.txt", "app.py", "emotion/__main__.py", "assets/style.css"} <= names
    generated = "requirements.txt"
    assert all((space / name).read_bytes() == (ROOT / name).read_bytes() for name in names - {generated})
    note, index, required = (space / generated).read_text().split("\n", 2)
    # Wheels without CUDA go first, and a line says how to take that out.
    assert (index, "take the next line out" in note) == ("--extra-index-url https://download.pytorch.org/whl/cpu", True)
    assert required == (ROOT / generated).read_text()
    assert {name.split("/")[0] for name in names if "/" in name} == {"emotion", "assets", "docs"}
    assert not [name for name in names if "/." in f"/{name}" or "__pycache__" in name]
    assert [name for name in names if name.endswith(".safetensors")] == ["assets/faces/features.safetensors"]
    assert sum((space / name).stat().st_size for name in names) < 30e6
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "emotion").rglob("*.py")}
    assert package <= names


def test_the_hub_can_read_the_head_of_its_readme(space: Path) -> None:
    front: dict[str, Any] = SpaceCard((space / "README.md").read_text(encoding="utf-8")).data.to_dict()
    requirements = (space / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(front[name] for name in ("title", "models"))
    assert [unicodedata.category(sign) for sign in front["emoji"]] == ["So"]
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    # The version is quoted there: 3.10 without quotes is the number 3.1.
    assert (front["sdk"], front["license"], front["python_version"]) == ("gradio", "apache-2.0", "3.11")
    assert f"gradio=={front['sdk_version']}" in requirements
    assert (space / front["app_file"]).is_file()
    assert 0 < len(front["short_description"]) <= 60
    assert front["suggested_hardware"] in {each.value for each in SpaceHardware}
    assert all(re.fullmatch(r"[a-z0-9-]+", tag) for tag in front["tags"])
    assert (space / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")


def test_the_command_says_how_large_it_is_and_how_to_push_it(emotion: Emotion, tmp_path: Path) -> None:
    done = emotion("space", "--to", tmp_path / "space")
    assert re.search(r"[\d,]+ files, [\d.]+ MB", done.out)
    assert f"hf upload USER/NAME {tmp_path / 'space'} . --repo-type space" in done.out
    again = emotion("space", "--to", tmp_path / "space", "--json").json
    assert again["files"] == len(names_in(tmp_path / "space"))
    assert [path.name for path in tmp_path.iterdir()] == ["space"]


@pytest.mark.parametrize("mine", ["notes.txt", ".gitattributes", "space/runs/mine"])
def test_a_folder_of_somebody_else_and_what_was_put_into_a_written_one_are_left_alone(
    emotion: Emotion, space: Path, tmp_path: Path, mine: str
) -> None:
    folder = tmp_path / "space"
    if mine.startswith("space/"):
        shutil.copytree(space, folder)
    file = folder / mine.removeprefix("space/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    before = names_in(folder)
    refused = emotion("space", "--to", folder, "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "did not write" in refused.err
    assert (file.read_text(), names_in(folder)) == ("mine", before)


def test_what_does_not_belong_or_is_missing_is_named_and_nothing_is_written(space: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(space, tmp_path / "project", ignore=shutil.ignore_patterns("faces")))
    (project / "assets" / "faces").mkdir()
    shutil.copytree(space / "assets" / "faces" / "cat_eval", project / "assets" / "faces" / "cat_eval")

    again = tmp_path / "again"
    for stray in ("assets/dog.jpg", "emotion/weights.safetensors", "assets/more"):
        (project / stray).symlink_to(tmp_path) if stray == "assets/more" else (project / stray).write_bytes(b"stray")
        with pytest.raises(SpaceError, match=stray):
            write_space(again, root=project)
        (project / stray).unlink()
    (project / "LICENSE").rename(tmp_path / "LICENSE")
    with pytest.raises(SpaceError, match="LICENSE is missing"):
        write_space(again, root=project)
    assert not again.exists()
    (tmp_path / "LICENSE").rename(project / "LICENSE")
    write_space(again, root=project)
    assert names_in(again) == names_in(project)


@pytest.fixture
def served_space(space: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(space, tmp_path / "space"))


@pytest.fixture
def serve_space(served_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Serves the folder as the Hub does: its own working directory, hardly a variable, no network."""
    with ExitStack() as stack:

        def serve(**given: str) -> Site:
            root = tmp_path_factory.mktemp("site")  # The name of a socket must be short.
            site = Site(root)
            site.runs, site.cwd = served_space / "runs", served_space
            site.whole_environment = {
                "PATH": os.defpath, "HOME": str(root), "TMPDIR": str(root), "SPACE_ID": "somebody/emotion",
                "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(site.port),
                "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", **given,
            }  # fmt: skip
            stack.callback(site.end, signal.SIGKILL)
            return site.start()

        yield serve


@pytest.mark.slow
def test_a_space_is_public_and_begins_with_a_run_of_its_own_and_every_start_tries_again(
    serve_space: Callable[..., Site], served_space: Path, trained_run: Path, tmp_path: Path
) -> None:
    # A visitor's run, shared or not, is not the server's own.
    theirs = Path(shutil.copytree(trained_run, served_space / "runs" / trained_run.name))
    (theirs / "owner.json").write_text('{"owner": "somebody", "shared": false}')
    # No pip goes to the network with this, so it fails as it does where there is none.
    site = serve_space(PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull, EMOTION_MODELS=str(tmp_path / "models"))
    [run] = until(lambda: [each for each in runs_in(site.runs) if each != theirs])

    def failures() -> list[str]:
        return [event["message"] for event in events_of(run) if event["event"] == "RunFailed"]

    until(lambda: len(failures()) == 1)
    assert site.end() == 0
    site.start()
    until(lambda: len(failures()) == 2)
    for message in failures():
        assert message.startswith("The weights of dinov2-small are not here")
        assert "\n" not in message
    assert set(runs_in(site.runs)) == {run, theirs}
    assert not (run / "owner.json").exists()
    with Visitor(site.url) as visitor:
        assert visitor.first.headers["set-cookie"].startswith("emotion-visitor=")
        [shown] = visitor.ask("runs")
        assert (shown["run"], shown["title"].split(" · ")[0]) == (run.name, "Drawn people")
        with pytest.raises(RefusedError, match="waits for a first finished run"):
            visitor.predict()


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="dinov2-small is not in models/: `make run`")
def test_two_spaces_that_start_at_once_on_one_folder_train_one_first_run_and_it_predicts(
    serve_space: Callable[..., Site], served_space: Path
) -> None:
    # Few pictures, so that it does not take long.
    for label in (served_space / "assets" / "faces" / "human_train").glob("[!.]*/"):
        for picture in sorted(label.iterdir())[12:]:
            picture.unlink()
    site, _ = (serve_space(EMOTION_MODELS=str(WEIGHTS.parents[1])) for _ in range(2))
    with Visitor(site.url) as visitor:
        [run] = until(lambda: runs_in(site.runs))
        assert "is not yours" in visitor.refusal("stop", run.name).sentence
        until(lambda: status_of(run) not in ("queued", "running"), seconds=1200)
        assert status_of(run) == "finished"
        assert visitor.predict()
    assert site.end() == 0
    assert site.start().end() == 0
    assert runs_in(site.runs) == [run]
