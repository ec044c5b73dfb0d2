"""The eight named endpoints, as ``gradio_client`` and plain HTTP reach them on a served dashboard."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from helpers.pictures import write_pictures, write_zip
from helpers.processes import frozen
from helpers.serving import Site
from helpers.waiting import until

NAMES = {"predict", "compare", "train", "run_status", "stop", "runs", "picture_sets", "import_pictures"}
TRAIN, EVAL, DOGS = "given/human_train", "given/human_eval", "given/dog_eval"
FILE = {"meta": {"_type": "gradio.FileData"}}


@pytest.fixture
def picture(tiny_pictures: Path) -> Path:
    return tiny_pictures / "dog_eval" / "happy" / "happy_000.png"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def refusal(client: Client, *values: Any, **named: Any) -> tuple[str, str]:
    """Call an endpoint that says no; return the code and the sentence."""
    with pytest.raises(AppError) as caught:
        client.predict(*values, **named)
    said = re.fullmatch(r"\[(\w+)\] (.+)", caught.value.message)
    assert said is not None, caught.value.message
    return said[1], said[2]


def posted(site: Site, endpoint: str, *values: Any) -> str:
    """Call an endpoint by plain HTTP and return what the server says, as text."""
    began = httpx.post(f"{site.url}/gradio_api/call/{endpoint}", json={"data": list(values)}).json()
    return httpx.get(f"{site.url}/gradio_api/call/{endpoint}/{began['event_id']}", timeout=180).text


def awaited(client: Client, run: str, status: str) -> dict[str, Any]:
    """Await that a run is in this state, and return what is said of it."""
    until(lambda: client.predict(run=run, api_name="/run_status")["status"] == status, what=f"{run} to be {status}")
    said: dict[str, Any] = client.predict(run=run, api_name="/run_status")
    return said


def test_exactly_these_endpoints_are_public_each_with_types_and_a_description(client: Client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert {name.removeprefix("/") for name in endpoints} == NAMES
    for endpoint in endpoints.values():
        assert endpoint["description"].endswith(".")
        types = [each["python_type"]["type"] for each in (*endpoint["parameters"], *endpoint["returns"])]
        assert "Any" not in " ".join(types)
    assert endpoints["/predict"]["parameters"][0]["python_type"]["type"] == "filepath"
    assert endpoints["/compare"]["parameters"][0]["python_type"]["type"] == "list[str]"


def test_a_picture_is_judged_by_the_newest_run_or_the_named_one_and_its_upload_is_deleted(
    client: Client, site: Site, trained_run: Path, picture: Path, emotion: Any
):
    said = client.predict(picture=handle_file(picture), run=trained_run.name, api_name="/predict")
    assert said["confidence"] == said["scores"][said["label"]] == max(said["scores"].values())
    assert sum(said["scores"].values()) == pytest.approx(1, abs=1e-4)
    by_command = emotion("predict", "--run", trained_run, picture, "--json").json
    assert said["scores"] == pytest.approx(by_command["predictions"][0]["scores"], abs=1e-4)
    assert client.predict(picture=handle_file(picture), api_name="/predict")["run"]
    assert files_in(site.uploads) == []


def test_without_an_upload_of_ones_own_there_is_nothing_to_judge(client: Client, site: Site, picture: Path):
    for payload in (None, "x.jpg", [], {}, {"path": ""}, {"path": "a\0b"}, {"path": "/etc/passwd"}):
        assert refusal(client, payload, api_name="/predict")[0] == "upload_missing"
        assert refusal(client, payload, "mine", api_name="/import_pictures")[0] == "upload_missing"
    for meta in ({}, FILE):
        said = posted(site, "predict", {"path": str(picture), **meta}, "")
        assert said.startswith("event: error")
        assert "scores" not in said
    assert picture.exists()
    address = {"path": "http://203.0.113.7/large.zip", **FILE}
    for endpoint, values in (("predict", [address, ""]), ("import_pictures", [address, "mine", "", False])):
        said = posted(site, endpoint, *values)
        assert said.startswith("event: error")
        assert "address" in said, "it is not fetched"


def test_a_comparison_says_means_hits_intervals_and_gaps_in_words(client: Client, site: Site, trained_run: Path):
    given = {"sets": [EVAL, DOGS], "run": trained_run.name, "emotion": "sad", "size": 5, "seed": 7}
    said = client.predict(**given, api_name="/compare")
    human, dog = said["samples"]
    assert (human["set"], dog["set"], human["emotion"], human["n"]) == ("human", "dog", "sad", 5)
    for value, (low, high) in (
        (human["correct"] / 5, human["accuracy_interval"]),
        (human["correct_confidence"], human["correct_confidence_interval"]),
    ):
        assert low <= value <= high
    assert sum(dog["predicted"].values()) == 5
    [gap] = said["gaps"]
    assert gap["gap"] == pytest.approx(human["correct_confidence"] - dog["correct_confidence"])
    assert gap["sentence"]
    assert said["chance"] == 0.25
    assert (site.runs / trained_run.name / "comparisons" / said["file"]).is_file()
    drawn = client.predict(sets=["drawn/dog_eval"], run=trained_run.name, emotion="all", size=2, api_name="/compare")
    expected = [("happy", 2), ("sad", 2), ("angry", 2), ("tired", 2), ("all", 8)]
    assert [(each["emotion"], each["n"]) for each in drawn["samples"]] == expected
    assert "say nothing of real dogs" in " ".join(drawn["notes"])


def test_a_training_is_started_watched_to_its_end_and_listed(client: Client, tiny_dinov2: Path):
    given = {"epochs": 3, "batch_size": 4, "depth": "2", "seed": 7, "backbone": str(tiny_dinov2)}
    run = client.predict(picture_set=TRAIN, preset="Thorough", **given, api_name="/train")["run"]
    said = awaited(client, run, "finished")
    assert (said["epochs"], said["epoch"], said["batch_size"], said["seed"]) == (3, 3, 4, 7)
    assert said["message"].startswith("Finished in")
    assert said["best_loss"] <= said["validation_loss"]
    assert 0 < said["train_accuracy"] <= 1
    [listed] = [each for each in client.predict(api_name="/runs") if each["run"] == run]
    assert listed == {name: said[name] for name in listed}
    assert listed["can_predict"]


def test_a_stopped_run_keeps_its_best_epoch_and_one_behind_it_waits(client: Client, site: Site, tiny_dinov2: Path):
    long = {"picture_set": TRAIN, "epochs": 50, "batch_size": 4, "depth": "all", "backbone": str(tiny_dinov2)}
    first = client.predict(**long, api_name="/train")["run"]
    second = client.predict(**{**long, "epochs": 1, "batch_size": 24}, api_name="/train")["run"]
    with frozen(site.runs / first, site.process.pid):
        assert client.predict(run=first, api_name="/run_status")["epoch"] >= 1
        assert client.predict(run=second, api_name="/run_status")["queue_place"] == 1
        client.predict(run=first, api_name="/stop")
    said = awaited(client, first, "stopped")
    assert said["message"].startswith("Stopped:")
    assert (said["best_epoch"] >= 1, said["can_predict"]) == (True, True)
    assert client.predict(run=first, api_name="/stop") == said
    awaited(client, second, "finished")


def test_what_cannot_be_has_a_code_says_why_and_leaves_no_run_no_upload_and_no_traceback(
    client: Client, site: Site, trained_run: Path, picture: Path, tmp_path: Path
):
    lost = site.runs / "20200101-000000-lost"
    lost.mkdir()
    (lost / "config.json").write_bytes((trained_run / "config.json").read_bytes())
    (tmp_path / "letter.jpg").write_text("dear Sir")
    path, logged, before = site.runs / trained_run.name, len(site.log.read_text()), sorted(site.runs.iterdir())
    train, compare = {"picture_set": TRAIN}, {"sets": [DOGS], "run": trained_run.name}
    for endpoint, values, code, words in (
        ("train", train | {"epochs": 0}, "setting_invalid", "Epochs is 0"),
        ("train", train | {"epochs": "many"}, "setting_invalid", 'Epochs is "many": input should be a valid integer'),
        ("train", train | {"epochs": True}, "setting_invalid", "Epochs is true: input should be a valid integer"),
        ("train", train | {"batch_size": 4.5}, "setting_invalid", "Batch size is 4.5: input should be a valid integer"),
        ("train", train | {"preset": "Slow"}, "setting_invalid", "There is no preset 'Slow'"),
        ("train", train | {"preset": ["Quick"]}, "setting_invalid", 'Preset is ["Quick"]: input should be a valid'),
        ("train", train | {"depth": "deep"}, "setting_invalid", 'Depth is "deep": use a whole number from 1 to 48'),
        ("train", train | {"seed": -1}, "setting_invalid", "Seed is -1"),
        ("train", {"picture_set": "/etc"}, "picture_set_unknown", "gone"),
        ("train", {"picture_set": "x" * 301}, "setting_invalid", "300"),
        ("compare", compare | {"sets": []}, "pictures_unusable", ""),
        ("compare", compare | {"sets": DOGS}, "setting_invalid", "valid list"),
        ("compare", compare | {"sets": ["drawn/goat_eval"]}, "picture_set_unknown", ""),
        ("compare", compare | {"sets": [DOGS, "../dog_eval"]}, "picture_set_unknown", ""),
        ("compare", compare | {"size": 0}, "setting_invalid", "Sample size is 0"),
        ("compare", compare | {"size": 99}, "pictures_unusable", ""),
        ("compare", compare | {"emotion": "bored"}, "pictures_unusable", ""),
        ("compare", compare | {"run": "../runs"}, "run_unknown", ""),
        ("compare", compare | {"run": lost.name}, "run_unusable", ""),
        ("predict", {"picture": handle_file(tmp_path / "letter.jpg")}, "picture_unreadable", "letter.jpg is not a"),
        ("import_pictures", {"archive": handle_file(picture), "name": "mine"}, "import_refused", "zip"),
        *(
            (endpoint, {"run": name}, "run_unknown", "gone")
            for endpoint in ("run_status", "stop")
            for name in ("20200101-000000-gone", str(path), f"../{site.runs.name}/{trained_run.name}", "")
        ),
    ):
        said = refusal(client, **values, api_name=f"/{endpoint}")
        assert said[0] == code, said
        assert words in said[1]
    assert sorted(site.runs.iterdir()) == before
    assert not (path / "stop").exists()
    assert files_in(site.uploads) == []
    told = posted(site, "run_status", "gone")
    assert json.loads(told.partition("data: ")[2].strip())["error"].startswith("[run_unknown] ")
    assert "Traceback" not in site.log.read_text()[logged:]


def test_picture_sets_are_listed_with_the_keys_that_the_others_take(client: Client):
    sets = {each["key"]: each for each in client.predict(api_name="/picture_sets")}
    assert {"drawn/human_train", "drawn/human_eval", "drawn/dog_eval", "drawn/cat_eval", TRAIN, EVAL, DOGS} <= set(sets)
    assert sets["drawn/human_train"]["is_drawn"]
    found = sets[TRAIN]
    assert (found["species"], found["is_drawn"], found["is_for_training"]) == ("human", False, True)
    assert found["classes"] == {"happy": 12, "sad": 12, "angry": 12, "tired": 12}


def test_a_zip_becomes_a_set_to_train_on_and_its_upload_goes(
    client: Client, site: Site, tmp_path: Path, tiny_dinov2: Path
):
    archive = handle_file(write_zip(tmp_path / "cats.zip", write_pictures(tmp_path / "cats", count=6)))
    said = client.predict(archive=archive, name="My cats", species="Cat", api_name="/import_pictures")
    assert (said["name"], said["species"], said["pictures"], said["left_out"]) == ("My cats", "cat", 24, 0)
    assert said["classes"] == {"happy": 6, "sad": 6, "angry": 6, "tired": 6}
    assert said["key"] in {each["key"] for each in client.predict(api_name="/picture_sets")}
    for name in ("my cats", "..."):
        assert refusal(client, archive, name, api_name="/import_pictures")[0] == "import_refused"
    assert files_in(site.uploads) == []
    run = client.predict(picture_set=said["key"], epochs=1, backbone=str(tiny_dinov2), api_name="/train")["run"]
    awaited(client, run, "finished")
