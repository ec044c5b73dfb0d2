"""What a public server gives each visitor, how each limit is said, and what goes by its age."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.pictures import write_pictures, write_zip
from helpers.run_folder import runs_in, status_of
from helpers.scripted_training import ScriptedTraining
from helpers.serving import Site
from helpers.visitors import OddError, RefusedError, Visitor
from helpers.waiting import until

# Of 48 hours.
OLD, NEW = time.time() - 50 * 3600, time.time() - 46 * 3600


@pytest.fixture(scope="module")
def site(serve_public: Callable[..., Site]) -> Site:
    limits = {
        "EPOCHS": 3, "QUEUED": 2, "QUEUED_IN_ALL": 3, "RUNS": 3, "SETS": 2, "UPLOAD_MEGABYTES": 1, "SET_PICTURES": 10,
        "SMALL_BLOCKS": 1, "IMAGE_SIZE": 150, "TRAINING_MINUTES": 1,
    }  # fmt: skip
    return serve_public(**{f"EMOTION_PUBLIC_{name}": str(number) for name, number in limits.items()})


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
    site: Site, anna: Visitor, tiny_dinov2: Path, asked: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        anna.train(**{"backbone": tiny_dinov2, **asked})
    assert refused.value.code == code
    assert said in refused.value.sentence
    assert len(runs_in(site.runs)) == 1


def test_a_queue_and_runs_are_counted_for_each_visitor_and_in_all(
    site: Site, anna: Visitor, bert: Visitor, tiny_dinov2: Path, trained_run: Path
) -> None:
    first = site.runs / anna.train(tiny_dinov2)
    until(lambda: status_of(first) == "finished")
    whose = json.loads((first / "owner.json").read_text())
    going = []
    with ExitStack() as stack:
        for number, owner in enumerate((whose, whose, {**whose, "owner": "b" * 64})):
            training = ScriptedTraining(trained_run, site.runs / f"20300101-00000{number}-going", owner=owner)
            going.append(stack.enter_context(training))
        with pytest.raises(RefusedError, match="You may have at most 2 trainings waiting or going on"):
            anna.train(tiny_dinov2)
        with pytest.raises(RefusedError, match="All visitors together may have at most 3 trainings"):
            bert.train(tiny_dinov2)
    for training in going:
        training.fail("over")
    with pytest.raises(RefusedError, match="You may have at most 3 runs"):
        anna.train(tiny_dinov2)
    assert bert.train(tiny_dinov2)
    with Visitor(site.url) as carl:
        assert [each["run"] for each in carl.ask("runs")] == [trained_run.name]


def test_what_a_visitor_brings_is_limited_in_size_pictures_and_number(
    anna: Visitor, bert: Visitor, tmp_path: Path
) -> None:
    small, large = (
        write_zip(tmp_path / f"{count}.zip", write_pictures(tmp_path / f"{count}", count=count)) for count in (2, 3)
    )
    assert anna.http.post("gradio_api/upload", files={"files": ("x.zip", bytes(2_000_000))}).status_code == 413
    with pytest.raises(RefusedError, match=r"\[import_refused\] .*10"):
        anna.bring(large, "too many")
    for number in range(2):
        anna.bring(small, f"mine {number}")
    with pytest.raises(RefusedError, match="2 picture sets, the limit"):
        anna.bring(small, "one more")
    assert bert.bring(small, "his")


def aged(folder: Path, *, owner: str | None = "a" * 64, shared: bool = False, at: float = OLD) -> Path:
    """Make a folder a visitor's, last touched long ago."""
    if owner:
        (folder / "owner.json").write_text(json.dumps({"owner": owner, "shared": shared}))
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (at, at))
    return folder


def test_fault_on_a_full_server_nothing_comes_in_and_what_visitors_left_goes_by_its_age(
    tmp_path: Path, trained_run: Path, tiny_pictures: Path, tiny_dinov2: Path, emotion: Emotion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    environment = {
        "EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2),
        "EMOTION_PUBLIC_DISK_GIGABYTES": "1", "EMOTION_PUBLIC_KEPT_HOURS": "48", "EMOTION_PUBLIC_TRAINING_MINUTES": "1",
        "EMOTION_FIRST_RUN": "1",
    }  # fmt: skip
    site = Site(tmp_path / "site", environment=environment, public=True)
    trash, packed = site.runs / ".trash", site.uploads / "packed"
    monkeypatch.setenv("EMOTION_SETS", str(site.sets))

    def a_run(name: str, **more: Any) -> Path:
        return aged(Path(shutil.copytree(trained_run, site.runs / name)), **more)

    def a_set(name: str, **more: Any) -> Path:
        assert emotion("pictures", "import", write_pictures(tmp_path / name, count=1), "--name", name).code == 0
        return aged(site.sets / name, **more)

    for folder in (trash, site.cache, packed):
        folder.mkdir(parents=True)
    (packed / "model.zip").write_bytes(b"packed")
    aged(packed, owner=None)
    with (site.cache / "large").open("wb") as file:
        file.truncate(1_100_000_000)  # It takes no room on the disk.
    own, _ = a_run("own", owner=None), a_run("young", at=NEW)
    gone = [a_run("old"), a_run("shared", shared=True), a_set("left"), packed, trash / "thrown"]
    for name, at in (("thrown", OLD), ("thrown-lately", NEW)):
        shutil.move(a_run(name), trash / name)
        os.utime(trash / name, (at, at))  # As throwing away leaves it.
    gone.append(own / "comparisons" / f"of-{'b' * 64}")
    gone[-1].mkdir(parents=True)
    os.utime(gone[-1], (OLD, OLD))
    used, _ = a_set("used"), a_set("brought", owner=None)
    with ExitStack() as stack:

        def a_training(name: str, settings: dict[str, str], **more: Any) -> Path:
            training = stack.enter_context(ScriptedTraining(trained_run, site.runs / name, **settings))
            training.begin()
            return aged(training.path, **more)

        going = a_training("going", {"pictures": str(used)}, at=time.time())
        # Both have told nothing for hours.
        long, mine = a_training("long", {}), a_training("mine", {}, owner=None)
        stack.callback(site.end)
        site.start()
        until(lambda: not any(path.exists() for path in gone))
        until(lambda: (long / "stop").exists())
        assert not (mine / "stop").exists()
        assert not (going / "stop").exists()
        assert {path.name for path in runs_in(site.runs)} == {"own", "young", "going", "long", "mine"}
        assert {path.name for path in site.sets.glob("[!.]*")} == {"used", "brought"}
        # However old a run is, it can be taken back for as long as anything else is kept.
        assert [path.name for path in trash.iterdir()] == ["thrown-lately"]
        # With a run of its own that predicts, a public server begins none.
        assert [path.name for path in runs_in(site.runs) if (path / "about.json").exists()] == []
        with Visitor(site.url) as visitor:
            with pytest.raises(OddError, match="together may have at most 1 GB"):
                visitor.upload("x.zip", b"any")
            with pytest.raises(RefusedError, match="together may have at most 1 GB"):
                visitor.train(tiny_dinov2)
