"""The endpoints as MCP tools, as the official client reaches them over streamable HTTP at a served page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("mcp", reason="the package mcp is missing: `make test` installs it")

from mcp_client import awaited, called, data_url, refused, session_at
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.events import EpochDone
from emotion.run import Run
from emotion.ui.api import NAMES
from emotion.ui.app import build_app

pytestmark = list(SERVED)
READING = {"predict", "run_status", "runs", "picture_sets"}


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Gradio puts uploads into, and that of imported sets."""
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


@pytest.fixture
def page(services: ScriptedServices, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("EMOTION_MCP", "1")
    return build_app(services, backbones=lambda: BACKBONES)


@pytest.fixture
def url(page: Any) -> Iterator[str]:
    with served(page) as address:
        yield address


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))


@pytest.fixture
def picture(faces: Path) -> Path:
    return next((faces / "dog_eval" / "happy").iterdir())


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def came_to(session: Any, run: str, status: str) -> dict[str, Any]:
    """Ask for a run's state until it is this one."""
    for _ in range(1000):
        said: dict[str, Any] = await called(session, "run_status", run=run)
        if said["status"] == status:
            return said
    raise AssertionError(said)


def test_exactly_the_named_endpoints_are_tools_each_with_types_and_a_description(url: str) -> None:
    async def ask() -> None:
        async with session_at(url) as session:
            tools = {each.name: each for each in (await session.list_tools()).tools}
            assert set(tools) == set(NAMES)
            for name, tool in tools.items():
                assert tool.description.endswith(".")
                assert tool.outputSchema["type"] == "object"
                assert tool.annotations.readOnlyHint == (name in READING)
                for field in tool.inputSchema["properties"].values():
                    assert len(field["description"]) > 8
                    assert "type" in field or "anyOf" in field
            predict, train = tools["predict"].inputSchema, tools["train"].inputSchema
            assert predict["required"] == ["picture"]
            assert predict["properties"]["picture"]["type"] == "string"
            assert "data:image/jpeg;base64," in predict["properties"]["picture"]["description"]
            assert train["required"] == ["picture_set"]
            assert train["properties"]["epochs"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
            assert set(tools["predict"].outputSchema["properties"]) >= {"label", "confidence", "scores"}
            offers = session.get_server_capabilities()
            assert (offers.prompts, offers.resources) == (None, None)

    awaited(ask())


def test_a_picture_in_a_data_url_is_judged_and_nothing_of_it_is_kept(
    url: str, trained: Run, picture: Path, uploads: Path
) -> None:
    async def ask() -> None:
        async with session_at(url) as session:
            said = await session.call_tool("predict", {"picture": data_url(picture), "run": trained.name})
            found = said.structuredContent
            assert json.loads(said.content[0].text) == found
            assert found["confidence"] == found["scores"][found["label"]] == max(found["scores"].values())
            assert sum(found["scores"].values()) == pytest.approx(1)
            assert (await called(session, "predict", picture=data_url(picture)))["run"] == trained.name
            assert files_in(uploads) == []
            code, sentence = await refused(session, "predict", picture="data:image/png;base64,aGVsbG8=")
            assert code == "picture_unreadable"
            assert sentence.startswith("picture.png is not a picture")
            assert files_in(uploads) == []
            code, _ = await refused(session, "predict", picture=data_url(picture), run=7)
            assert code == "setting_invalid"
            assert list(uploads.iterdir()) == []

    awaited(ask())


def test_an_upload_is_named_by_its_path_or_its_address_and_deleted_after_use(
    url: str, trained: Run, picture: Path, uploads: Path
) -> None:
    async def ask() -> None:
        async with session_at(url) as session:
            for form in ("{path}", "{url}gradio_api/file={path}"):
                sent = httpx.post(f"{url}gradio_api/upload", files={"files": ("dog.webp", picture.read_bytes())})
                [path] = sent.json()
                said = await called(session, "predict", picture=form.format(path=path, url=url))
                assert said["run"] == trained.name
                assert files_in(uploads) == []

    awaited(ask())


def test_a_training_is_started_watched_to_its_end_listed_and_compared(url: str) -> None:
    async def ask() -> None:
        async with session_at(url) as session:
            sets = [each["key"] for each in await called(session, "picture_sets")]
            assert "drawn/human_train" in sets
            given = {"picture_set": "drawn/human_train", "epochs": 3, "batch_size": 4, "depth": "2"}
            run = (await called(session, "train", **given))["run"]
            said = await came_to(session, run, "finished")
            assert (said["epochs"], said["epoch"], said["batch_size"]) == (3, 3, 4)
            [listed] = await called(session, "runs")
            assert listed == {name: said[name] for name in listed}
            found = await called(session, "compare", sets=["drawn/human_eval", "drawn/dog_eval"], run=run, size=5)
            assert [(each["set"], each["n"]) for each in found["samples"]] == [("human", 5), ("dog", 5)]
            assert found["gaps"][0]["sentence"]

    awaited(ask())


def test_a_run_that_is_stopped_keeps_its_best_epoch(url: str, gate: Any) -> None:
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2

    async def ask() -> None:
        async with session_at(url) as session:
            run = (await called(session, "train", picture_set="drawn/human_train"))["run"]
            await called(session, "stop", run=run)
            assert (await came_to(session, run, "stopped"))["message"].startswith("Stopped:")

    awaited(ask())


def test_a_zip_in_a_data_url_becomes_a_set(url: str, faces: Path, tmp_path: Path, uploads: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "cats"), "zip", faces / "cat_eval"))

    async def ask() -> None:
        async with session_at(url) as session:
            sent = data_url(archive, kind="application/zip")
            said = await called(session, "import_pictures", archive=sent, name="My cats", species="cat")
            assert (said["pictures"], said["species"]) == (24, "cat")
            assert said["key"] in {each["key"] for each in await called(session, "picture_sets")}
            assert files_in(uploads) == []

    awaited(ask())


def test_what_a_model_gets_wrong_is_a_code_and_a_sentence(url: str, trained: Run, picture: Path) -> None:
    async def ask() -> None:
        async with session_at(url) as session:
            for tool, arguments, code, words in (
                ("train", {}, "setting_invalid", "train lacks picture_set: it takes picture_set, preset,"),
                ("train", {"picture_set": "x", "epoch": 3}, "setting_invalid", "train does not know epoch"),
                ("train", {"picture_set": "drawn/human_train", "epochs": 0}, "setting_invalid", "Epochs is 0"),
                ("train", {"picture_set": "drawn/human_train", "epochs": "8"}, "setting_invalid", "a whole number"),
                ("run_status", {"run": "gone"}, "run_unknown", "gone"),
                ("compare", {"sets": ["drawn/goat_eval"]}, "picture_set_unknown", "gone"),
                ("predict", {"picture": ""}, "upload_missing", "No file came with the call. Give a data URL"),
                ("predict", {"picture": None}, "upload_missing", "Give a data URL"),
                ("predict", {"picture": "data:image/png,x"}, "upload_missing", "not in base64"),
                ("predict", {"picture": "data:image/png;base64,%"}, "upload_missing", "is not base64"),
                ("start", {}, "setting_invalid", "There is no tool 'start': use one of predict,"),
            ):
                said = await refused(session, tool, **arguments)
                assert said[0] == code, said
                assert words in said[1]

    awaited(ask())


def test_an_unforeseen_error_is_a_code_and_its_text_is_in_the_log_alone(
    url: str, services: ScriptedServices, trained: Run, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def break_off(*values: object, **named: object) -> None:
        raise ZeroDivisionError("a secret path")

    monkeypatch.setattr(services, "predict", break_off)

    async def ask() -> None:
        async with session_at(url) as session:
            code, sentence = await refused(session, "predict", picture=data_url(picture))
            assert code == "unexpected"
            assert "secret" not in sentence

    awaited(ask())
    assert "a secret path" in capsys.readouterr().err
