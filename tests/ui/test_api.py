"""The named endpoints, as gradio_client and plain HTTP reach them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.errors import EmotionError, HubError, RefusedError, SpaceError
from emotion.events import EpochDone
from emotion.run import Run
from emotion.runs import list_runs
from emotion.ui.api import NAMES
from emotion.ui.api.codes import CLOSER, CODES, Coded, code_of
from emotion.ui.app import build_app
from emotion.ui.light_sessions import SESSIONS
from emotion.ui.own_uploads import NO_ADDRESS

pytestmark = list(SERVED)


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Gradio puts uploads into, and that of imported sets."""
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


@pytest.fixture
def url(services: ScriptedServices, uploads: Path) -> Iterator[str]:
    with served(build_app(services, backbones=lambda: BACKBONES)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    client = Client(url, verbose=False)
    yield client
    client.close()


@pytest.fixture
def picture(faces: Path) -> Path:
    return next((faces / "dog_eval" / "happy").iterdir())


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for file in sorted(folder.rglob("*.webp")):
            made.write(file, file.relative_to(folder))
    return path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def refusal(client: Client, *values: Any, **named: Any) -> tuple[str, str]:
    """Call an endpoint that says no; return the code and the sentence."""
    with pytest.raises(AppError) as caught:
        client.predict(*values, **named)
    said = re.fullmatch(r"\[(\w+)\] (.+)", caught.value.message)
    assert said is not None, caught.value.message
    return said[1], said[2]


def awaited(client: Client, run: str, status: str) -> dict[str, Any]:
    """Ask for a run's state until it is this one."""
    for _ in range(1000):
        said: dict[str, Any] = client.predict(run=run, api_name="/run_status")
        if said["status"] == status:
            return said
    raise AssertionError(said)


def test_exactly_these_endpoints_are_public_each_with_types_and_a_description(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert {name.removeprefix("/") for name in endpoints} == set(NAMES) == {
        "predict", "compare", "train", "run_status", "stop", "runs", "picture_sets", "import_pictures",
    }  # fmt: skip
    for endpoint in endpoints.values():
        assert endpoint["description"].endswith(".")
        types = [each["python_type"]["type"] for each in (*endpoint["parameters"], *endpoint["returns"])]
        assert "Any" not in " ".join(types)
    assert endpoints["/predict"]["parameters"][0]["python_type"]["type"] == "filepath"
    assert endpoints["/compare"]["parameters"][0]["python_type"]["type"] == "list[str]"


def test_a_picture_is_judged_by_the_newest_run_or_the_named_one_and_its_upload_is_deleted(
    client: Client, trained: Run, picture: Path, uploads: Path
) -> None:
    said = client.predict(picture=handle_file(picture), run=trained.name, api_name="/predict")
    assert client.predict(picture=handle_file(picture), api_name="/predict")["run"] == said["run"] == trained.name
    assert said["confidence"] == said["scores"][said["label"]] == max(said["scores"].values())
    assert sum(said["scores"].values()) == pytest.approx(1)
    assert files_in(uploads) == []


def test_what_is_no_picture_is_said_to_be_none_and_deleted(
    client: Client, trained: Run, tmp_path: Path, uploads: Path
) -> None:
    (tmp_path / "letter.jpg").write_text("dear Sir")
    code, sentence = refusal(client, handle_file(tmp_path / "letter.jpg"), api_name="/predict")
    assert (code, sentence) == (
        "picture_unreadable", "letter.jpg is not a picture: use a .jpg, .png or .webp file.",
    )  # fmt: skip
    assert files_in(uploads) == []


def test_without_an_upload_of_ones_own_there_is_nothing_to_judge(client: Client, trained: Run) -> None:
    for payload in (None, "x.jpg", [], {}, {"path": ""}, {"path": "a\0b"}, {"path": "/etc/passwd"}):
        assert refusal(client, payload, api_name="/predict")[0] == "upload_missing"
        assert refusal(client, payload, "mine", api_name="/import_pictures")[0] == "upload_missing"


def test_a_caller_that_names_a_file_of_the_server_neither_reads_nor_deletes_it(
    url: str, trained: Run, picture: Path
) -> None:
    for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
        began = httpx.post(f"{url}gradio_api/call/predict", json={"data": [{"path": str(picture), **meta}, ""]}).json()
        said = httpx.get(f"{url}gradio_api/call/predict/{began['event_id']}", timeout=30).text
        assert said.startswith("event: error")
        assert "scores" not in said
    assert picture.exists()


def test_a_comparison_says_means_hits_intervals_and_gaps_in_words(client: Client, trained: Run) -> None:
    sets = ["drawn/human_eval", "drawn/dog_eval"]
    said = client.predict(sets=sets, run=trained.name, emotion="sad", size=5, seed=7, api_name="/compare")
    human, dog = said["samples"]
    assert (human["set"], dog["set"], human["emotion"], human["n"]) == ("human", "dog", "sad", 5)
    low, high = human["accuracy_interval"]
    assert low <= human["correct"] / 5 <= high
    low, high = human["correct_confidence_interval"]
    assert low <= human["correct_confidence"] <= high
    assert sum(dog["predicted"].values()) == 5
    [gap] = said["gaps"]
    assert gap["gap"] == pytest.approx(human["correct_confidence"] - dog["correct_confidence"])
    assert gap["sentence"].startswith("Humans ")
    assert "say nothing of real dogs" in said["notes"][-1]
    assert (trained.comparisons / said["file"]).is_file()
    assert said["chance"] == 0.25


def test_all_emotions_are_said_one_by_one_and_together(client: Client, trained: Run) -> None:
    said = client.predict(sets=["drawn/cat_eval"], emotion="all", size=2, api_name="/compare")
    assert [(each["emotion"], each["n"]) for each in said["samples"]] == [
        ("happy", 2), ("sad", 2), ("angry", 2), ("tired", 2), ("all", 8),
    ]  # fmt: skip


def test_a_training_is_started_watched_to_its_end_and_listed(client: Client) -> None:
    started = client.predict(
        picture_set="drawn/human_train", epochs=3, batch_size=4, depth="2", seed=7, api_name="/train"
    )
    said = awaited(client, started["run"], "finished")
    assert (said["epochs"], said["epoch"], said["batch_size"], said["seed"]) == (3, 3, 4, 7)
    assert said["message"].startswith("Finished in")
    assert said["best_loss"] <= said["validation_loss"]
    assert 0 < said["train_accuracy"] <= 1
    [listed] = client.predict(api_name="/runs")
    assert listed == {name: said[name] for name in listed}
    assert listed["can_predict"]


def test_a_run_that_is_stopped_keeps_its_best_epoch_and_says_so(
    client: Client, services: ScriptedServices, gate: Any
) -> None:
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2
    run = client.predict(picture_set="drawn/human_train", api_name="/train")["run"]
    assert client.predict(run=run, api_name="/stop")["status"] in ("stopping", "queued", "stopped")
    said = awaited(client, run, "stopped")
    assert said["message"].startswith("Stopped:")
    assert client.predict(run=run, api_name="/stop") == said


def test_a_training_that_cannot_be_says_why_and_leaves_no_run(client: Client, services: ScriptedServices) -> None:
    for values, code, words in (
        ({"epochs": 0}, "setting_invalid", "Epochs is 0"),
        ({"epochs": "many"}, "setting_invalid", 'Epochs is "many": use a whole number.'),
        ({"epochs": True}, "setting_invalid", "Epochs is true: use a whole number."),
        ({"batch_size": 4.5}, "setting_invalid", "Batch size is 4.5: use a whole number."),
        ({"preset": "Slow"}, "setting_invalid", "There is no preset 'Slow'"),
        ({"preset": ["Quick"]}, "setting_invalid", "use a text of at most"),
        ({"depth": "deep"}, "setting_invalid", "Depth 'deep' is not known"),
        ({"seed": -1}, "setting_invalid", "Seed is -1"),
        ({"picture_set": "/etc"}, "picture_set_unknown", "That picture set is gone"),
        ({"picture_set": "x" * 301}, "setting_invalid", "use a text of at most 300 characters"),
    ):
        said = refusal(client, **{"picture_set": "drawn/human_train", **values}, api_name="/train")
        assert said[0] == code
        assert words in said[1]
    assert list_runs(services.runs_folder) == []


def test_a_comparison_that_cannot_be_made_has_a_code(client: Client, trained: Run) -> None:
    for values, code in (
        ({"sets": []}, "pictures_unusable"),
        ({"sets": "drawn/dog_eval"}, "setting_invalid"),
        ({"sets": ["drawn/goat_eval"]}, "picture_set_unknown"),
        ({"sets": ["drawn/dog_eval", "../dog_eval"]}, "picture_set_unknown"),
        ({"size": 0}, "setting_invalid"),
        ({"size": 99}, "pictures_unusable"),
        ({"emotion": "bored"}, "pictures_unusable"),
        ({"run": "../runs"}, "run_unknown"),
    ):
        assert refusal(client, **{"sets": ["drawn/dog_eval"], **values}, api_name="/compare")[0] == code


def test_a_run_that_is_gone_or_a_path_is_unknown(client: Client, trained: Run) -> None:
    for name in ("20200101-000000-gone", str(trained.path), f"../{trained.path.parent.name}/{trained.name}", ""):
        assert refusal(client, name, api_name="/run_status")[0] == "run_unknown"
        assert refusal(client, name, api_name="/stop")[0] == "run_unknown"
    assert not trained.stop_requested()


def test_without_a_run_nothing_can_be_judged(client: Client, picture: Path) -> None:
    code, sentence = refusal(client, handle_file(picture), api_name="/predict")
    assert code == "run_unknown"
    assert "train one" in sentence


def test_picture_sets_are_listed_with_the_keys_that_the_others_take(client: Client) -> None:
    sets = client.predict(api_name="/picture_sets")
    assert [each["key"] for each in sets] == [
        "drawn/human_train",
        "drawn/human_eval",
        "drawn/dog_eval",
        "drawn/cat_eval",
    ]
    assert sets[0] == {
        "key": "drawn/human_train", "title": "Drawn humans (train)", "species": "human", "is_drawn": True,
        "is_for_training": True, "classes": {"happy": 6, "sad": 6, "angry": 6, "tired": 6},
    }  # fmt: skip


def test_a_zip_becomes_a_set_and_its_upload_is_deleted(
    client: Client, faces: Path, tmp_path: Path, uploads: Path
) -> None:
    archive = zipped(faces / "cat_eval", tmp_path / "cats.zip")
    said = client.predict(archive=handle_file(archive), name="My cats", species="Cat", api_name="/import_pictures")
    assert (said["name"], said["species"], said["pictures"], said["left_out"]) == ("My cats", "cat", 24, 0)
    assert said["classes"] == {"happy": 6, "sad": 6, "angry": 6, "tired": 6}
    assert said["key"] in {each["key"] for each in client.predict(api_name="/picture_sets")}
    assert files_in(uploads) == []
    assert refusal(client, handle_file(archive), "my cats", api_name="/import_pictures")[0] == "import_refused"
    assert refusal(client, handle_file(archive), "...", api_name="/import_pictures")[0] == "import_refused"
    assert files_in(uploads) == []


def test_what_is_no_zip_is_refused_in_a_sentence_and_deleted(client: Client, picture: Path, uploads: Path) -> None:
    code, sentence = refusal(client, handle_file(picture), "mine", api_name="/import_pictures")
    assert code == "import_refused"
    assert "is not a zip file that can be read" in sentence
    assert files_in(uploads) == []


def test_an_unforeseen_error_is_a_code_and_a_sentence_and_its_text_is_in_the_log_alone(
    client: Client,
    services: ScriptedServices,
    trained: Run,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    def break_off(*values: object, **named: object) -> None:
        raise ZeroDivisionError("a secret path")

    monkeypatch.setattr(services, "predict", break_off)
    code, sentence = refusal(client, handle_file(picture), api_name="/predict")
    assert code == "unexpected"
    assert "ZeroDivisionError" in sentence
    assert "secret" not in sentence
    assert "a secret path" in capsys.readouterr().err


def test_a_refusal_leaves_no_traceback_in_the_log(client: Client, capsys: Any) -> None:
    refusal(client, "gone", api_name="/run_status")
    assert "Traceback" not in capsys.readouterr().err


def test_every_error_has_a_code_and_codes_do_not_meet() -> None:
    # No endpoint pushes anything; what would get here all the same is told as any other failure.
    assert code_of(HubError("x")) == code_of(SpaceError("x")) == "failed"
    kinds = set(EmotionError.__subclasses__()) - {Coded, HubError, SpaceError}
    assert kinds | {EmotionError} == set(CODES)
    assert code_of(RefusedError("x")) == "refused"
    assert code_of(Coded("run_unknown", "x")) == "run_unknown"
    assert len({*CODES.values(), *CLOSER}) == len(CODES) + len(CLOSER)


def test_a_plain_http_call_gets_the_code_too(url: str) -> None:
    began = httpx.post(f"{url}gradio_api/call/run_status", json={"data": ["gone"]}).json()
    said = httpx.get(f"{url}gradio_api/call/run_status/{began['event_id']}", timeout=30).text
    assert "event: error" in said
    assert json.loads(said.partition("data: ")[2].strip())["error"].startswith("[run_unknown] ")


@pytest.mark.parametrize("endpoint", ["predict", "import_pictures"])
def test_a_file_that_is_given_as_an_address_is_not_fetched(url: str, endpoint: str) -> None:
    file = {"path": "http://203.0.113.7/large.zip", "meta": {"_type": "gradio.FileData"}}
    given = [file, "mine", "", False] if endpoint == "import_pictures" else [file, ""]
    began = httpx.post(f"{url}gradio_api/call/{endpoint}", json={"data": given}).json()
    said = httpx.get(f"{url}gradio_api/call/{endpoint}/{began['event_id']}", timeout=30).text
    assert json.loads(said.partition("data: ")[2].strip())["error"] == NO_ADDRESS


def test_two_visitors_may_send_the_same_picture_at_once(url: str, trained: Run, picture: Path, uploads: Path) -> None:
    first, second = Client(url, verbose=False), Client(url, verbose=False)
    jobs = [each.submit(handle_file(picture), api_name="/predict") for each in (first, second) * 10]
    assert {job.result(timeout=60)["run"] for job in jobs} == {trained.name}
    for each in (first, second):
        each.close()
    assert list(uploads.iterdir()) == []


def test_a_call_keeps_next_to_nothing_of_the_page_in_memory(services: ScriptedServices, trained: Run) -> None:
    page = build_app(services, backbones=lambda: BACKBONES)
    with served(page) as url:
        for _ in range(5):
            began = httpx.post(f"{url}gradio_api/call/run_status", json={"data": [trained.name]}).json()
            assert "finished" in httpx.get(f"{url}gradio_api/call/run_status/{began['event_id']}", timeout=30).text
    sessions = page.state_holder.session_data.values()
    assert len(sessions) >= 5
    assert max(len(session.config_values) for session in sessions) <= 3 < len(page.blocks)
    assert page.state_holder.capacity == SESSIONS
