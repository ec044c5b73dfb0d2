"""What a public server gives each visitor, how each limit is said, and what goes by its age."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_pictures, write_zip
from helpers.run_folder import runs_in, status_of
from helpers.scripted_training import ScriptedTraining
from helpers.serving import Site, serving
from helpers.visitors import OddError, RefusedError, Visitor
from helpers.waiting import until

SMALL_NUMBERS = {
    "EPOCHS": 3, "QUEUED": 2, "QUEUED_IN_ALL": 3, "RUNS": 3, "SETS": 2, "UPLOAD_MEGABYTES": 1, "SET_PICTURES": 10,
    "SMALL_BLOCKS": 1, "IMAGE_SIZE": 150, "TRAINING_MINUTES": 1,
}  # fmt: skip
# Of 48 hours.
OLD, NEW = time.time() - 50 * 3600, time.time() - 46 * 3600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path, tiny_dinov2: Path) -> Iterator[Site]:
    limits = {f"EMOTION_PUBLIC_{name}": str(number) for name, number in SMALL_NUMBERS.items()}
    environment = {"EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2), **limits}
    with serving(tmp_path_factory.mktemp("limits"), environment=environment, public=True) as site:
        yield site


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ({"epochs": 4}, "refused", "4 epochs are more than this public server gives: use at most 3."),
        ({"depth": "2"}, "refused", "at most 1 of its last blocks"),
        ({"depth": "all"}, "refused", "at most 1 of its last blocks"),
        ({"preset": "The report"}, "refused", "pixels of image size are more than this public server gives"),
        ({"backbone": "somebody/else"}, "refused", "trains on no other backbones than these"),
        ({"backbone": "/etc"}, "refused", "trains on no other backbones than these"),
        ({"backbone": "../models/dinov2-small"}, "refused", "trains on no other backbones than these"),
        ({"pictures": "/etc"}, "picture_set_unknown", "is gone"),
    ],
)
def test_a_training_beyond_a_limit_is_refused_by_a_sentence_that_names_it(
    site: Site, tiny_dinov2: Path, asked: dict[str, Any], code: str, said: str
) -> None:
    with Visitor(site.url) as visitor, pytest.raises(RefusedError) as refused:
        visitor.train(**{"backbone": tiny_dinov2, **asked})
    assert refused.value.code == code
    assert said in refused.value.sentence
    assert runs_in(site.runs) == []


def test_a_queue_and_runs_are_counted_for_each_visitor_and_in_all(
    site: Site, tiny_dinov2: Path, trained_run: Path
) -> None:
    anna, bert, carl = (Visitor(site.url) for _ in range(3))
    first = site.runs / anna.train(tiny_dinov2)
    until(lambda: status_of(first) == "finished")
    whose = json.loads((first / "owner.json").read_text())
    going = []
    for number, owner in enumerate((whose, whose, {**whose, "owner": "b" * 64})):
        training = ScriptedTraining(trained_run, site.runs / f"20300101-00000{number}-going")
        (training.path / "owner.json").write_text(json.dumps(owner))
        going.append(training.__enter__())
    with pytest.raises(RefusedError, match="may have 2 trainings waiting or going on"):
        anna.train(tiny_dinov2)
    with pytest.raises(RefusedError, match="lets 3 trainings wait or go on"):
        bert.train(tiny_dinov2)
    for training in going:
        training.__exit__(None, None, None)
        training.fail("over")
    with pytest.raises(RefusedError, match="may keep 3 runs: delete one"):
        anna.train(tiny_dinov2)
    assert bert.train(tiny_dinov2)
    assert carl.ask("runs") == []
    for visitor in (anna, bert, carl):
        visitor.http.close()


def test_what_a_visitor_brings_is_limited_in_size_pictures_and_number(site: Site, tmp_path: Path) -> None:
    def archive(count: int) -> bytes:
        folder = write_pictures(tmp_path / f"{count}", count=count)
        return write_zip(tmp_path / f"{count}.zip", folder).read_bytes()

    with Visitor(site.url) as anna, Visitor(site.url) as bert:
        assert anna.http.post("gradio_api/upload", files={"files": ("x.zip", bytes(2_000_000))}).status_code == 413
        with pytest.raises(RefusedError, match="10") as refused:
            anna.ask("import_pictures", anna.upload("x.zip", archive(3)), "too many", "", False)
        assert refused.value.code == "import_refused"
        for number in range(2):
            anna.ask("import_pictures", anna.upload("x.zip", archive(2)), f"mine {number}", "", False)
        with pytest.raises(RefusedError, match="2 picture sets, the limit"):
            anna.ask("import_pictures", anna.upload("x.zip", archive(2)), "one more", "", False)
        assert bert.ask("import_pictures", bert.upload("x.zip", archive(2)), "his", "", False)["pictures"] == 8


def aged(folder: Path, *, owner: str | None = "a" * 64, shared: bool = False, at: float = OLD) -> Path:
    """Make a folder a visitor's, last touched long ago."""
    if owner:
        (folder / "owner.json").write_text(json.dumps({"owner": owner, "shared": shared}))
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (at, at))
    return folder


@contextmanager
def serving_with(site: Site, template: Path, going: dict[str, dict[str, Any]]) -> Iterator[list[Path]]:
    """Serve a place with trainings that go on; all but ``going`` have told nothing for hours."""
    with ExitStack() as stack:
        runs = []
        for name, settings in going.items():
            training = stack.enter_context(ScriptedTraining(template, site.runs / name, **settings))
            training.begin()
            if name != "going":
                aged(training.path, owner=None if name == "mine" else "a" * 64)
            else:
                aged(training.path, at=time.time())
            runs.append(training.path)
        stack.callback(site.end)
        site.start()
        yield runs


def test_fault_on_a_full_server_nothing_comes_in_and_what_visitors_left_goes_by_its_age(
    tmp_path: Path, trained_run: Path, tiny_pictures: Path, tiny_dinov2: Path
) -> None:
    def a_run(site: Site, name: str, **more: Any) -> Path:
        return aged(Path(shutil.copytree(trained_run, site.runs / name)), **more)

    def a_set(site: Site, name: str, **more: Any) -> Path:
        folder = write_pictures(tmp_path / name, count=1)
        from emotion.cli import main

        assert main(["pictures", "import", str(folder), "--name", name]) == 0
        shutil.move(Path(os.environ["EMOTION_SETS"]) / name, site.sets / name)
        return aged(site.sets / name, **more)

    def prepare(site: Site) -> None:
        for folder in (site.runs / ".trash", site.cache, site.uploads / "packed"):
            folder.mkdir(parents=True)
        (site.uploads / "packed" / "model.zip").write_bytes(b"packed")
        aged(site.uploads / "packed", owner=None)
        with (site.cache / "large").open("wb") as file:
            file.truncate(1_100_000_000)  # It takes no room on the disk.
        a_run(site, "own", owner=None)
        a_run(site, "young", at=NEW)
        a_run(site, "old")
        a_run(site, "shared", shared=True)
        for name, at in (("thrown", OLD), ("thrown-lately", NEW)):
            shutil.move(a_run(site, name), site.runs / ".trash" / name)
            os.utime(site.runs / ".trash" / name, (at, at))  # As throwing away leaves it.
        guests = site.runs / "own" / "comparisons" / f"of-{'b' * 64}"
        guests.mkdir(parents=True)
        os.utime(guests, (OLD, OLD))
        a_set(site, "left")
        a_set(site, "used")
        a_set(site, "brought", owner=None)

    environment = {
        "EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2),
        "EMOTION_PUBLIC_DISK_GIGABYTES": "1", "EMOTION_PUBLIC_KEPT_HOURS": "48", "EMOTION_PUBLIC_TRAINING_MINUTES": "1",
        "EMOTION_FIRST_RUN": "1",
    }  # fmt: skip
    site = Site(tmp_path / "site", environment=environment, public=True)
    prepare(site)
    others = ("going", {"pictures": str(site.sets / "used")}), ("long", {}), ("mine", {})
    with serving_with(site, trained_run, dict(others)) as (going, long, mine):
        gone = [site.runs / "old", site.runs / "shared", site.runs / ".trash" / "thrown", site.sets / "left"]
        gone += [site.runs / "own" / "comparisons" / f"of-{'b' * 64}", site.uploads / "packed"]
        until(lambda: not any(path.exists() for path in gone))
        until(lambda: (long / "stop").exists())
        assert not (mine / "stop").exists()
        assert not (going / "stop").exists()
        assert {path.name for path in runs_in(site.runs)} == {"own", "young", "going", "long", "mine"}
        assert {path.name for path in site.sets.glob("[!.]*")} == {"used", "brought"}
        # However old a run is, it can be taken back for as long as anything else is kept.
        assert [path.name for path in (site.runs / ".trash").iterdir()] == ["thrown-lately"]
        # With a run of its own that predicts, a public server begins none.
        assert [path.name for path in runs_in(site.runs) if (path / "about.json").exists()] == []
        with Visitor(site.url) as visitor:
            with pytest.raises(OddError, match="together may take 1 GB"):
                visitor.upload("x.zip", b"any")
            with pytest.raises(RefusedError, match="together may take 1 GB"):
                visitor.train(tiny_dinov2)
