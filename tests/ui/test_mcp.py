"""The endpoints as MCP tools on one's own machine, by the official client over streamable HTTP."""

import asyncio
import base64
import json
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.pictures import write_pictures, write_zip
from helpers.serving import Site, serving
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

NAMES = {"predict", "compare", "train", "run_status", "stop", "runs", "picture_sets", "import_pictures"}


def asked_by_a_client(site: Site, ask: Callable[[ClientSession], Coroutine[Any, Any, None]]) -> None:
    """Let a client ask what it asks, in a thread whose event loop is not Playwright's."""

    async def visit() -> None:
        async with (
            streamable_http_client(f"{site.url}/gradio_api/mcp/") as (reads, writes, _),
            ClientSession(reads, writes) as session,
        ):
            await session.initialize()
            await ask(session)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, visit()).result()


async def called(session: ClientSession, tool: str, **arguments: Any) -> Any:
    """Call a tool and return the JSON of its text; of an error the text."""
    said = await session.call_tool(tool, arguments)
    [content] = said.content
    return content.text if said.isError else json.loads(content.text)  # type: ignore[union-attr]


def data_url(file: Path, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def listed(site: Site, **headers: str) -> httpx.Response:
    """List the tools as no client does: without a session."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accepts = {"Accept": "application/json, text/event-stream"}
    return httpx.post(f"{site.url}/gradio_api/mcp/", json=asked, headers={**accepts, **headers}, timeout=180)


def test_exactly_the_named_endpoints_are_tools_each_described_and_typed(site: Site):
    async def ask(session: ClientSession) -> None:
        tools = {each.name: each for each in (await session.list_tools()).tools}
        assert set(tools) == NAMES
        assert all(tool.description for tool in tools.values())
        asked = tools["predict"].inputSchema["properties"]["picture"]
        assert asked["type"] == "string"
        assert "as a data URL: data:image/jpeg;base64,…" in asked["description"]
        assert tools["train"].inputSchema["required"] == ["picture_set"]
        assert "epochs" in tools["train"].inputSchema["properties"]

    asked_by_a_client(site, ask)


def test_a_language_model_judges_a_picture_compares_and_brings_a_set_and_nothing_of_it_is_kept(
    site: Site, trained_run: Path, tiny_pictures: Path, tmp_path: Path
):
    picture = data_url(tiny_pictures / "dog_eval" / "sad" / "sad_001.png")
    archive = write_zip(tmp_path / "cats.zip", write_pictures(tmp_path / "cats", count=2))
    large = tmp_path / "large.png"
    Image.frombytes("RGB", (1300, 1300), os.urandom(3 * 1300**2)).save(large)

    async def ask(session: ClientSession) -> None:
        said = await called(session, "predict", picture=picture, run=trained_run.name)
        assert said["confidence"] == said["scores"][said["label"]] == max(said["scores"].values())
        sets = ["given/human_eval", "given/dog_eval"]
        found = await called(session, "compare", sets=sets, run=trained_run.name, size=5)
        assert [(each["set"], each["n"]) for each in found["samples"]] == [("human", 5), ("dog", 5)]
        sent = data_url(archive, "application/zip")
        brought = await called(session, "import_pictures", archive=sent, name="My cats", species="cat")
        assert (brought["pictures"], brought["species"]) == (8, "cat")
        assert [each["run"] for each in await called(session, "runs")] == [trained_run.name]
        for given in ({"picture": picture, "picture_name": "a"}, {"picture": data_url(large), "run": "gone"}):
            assert isinstance(await called(session, "predict", **given), str)

    asked_by_a_client(site, ask)
    assert not [path for path in site.uploads.rglob("*") if path.is_file()]


def test_what_a_model_gets_wrong_is_a_code_and_a_sentence(site: Site):
    async def ask(session: ClientSession) -> None:
        for tool, arguments, code in (
            ("compare", {"sets": ["drawn/goat_eval"]}, "picture_set_unknown"),
            ("predict", {"picture": ""}, "upload_missing"),
            ("predict", {"picture": "data:image/png;base64,aGVsbG8="}, "picture_unreadable"),
        ):
            assert f"[{code}] " in await called(session, tool, **arguments)
        # A file is a data URL, and no path of the server and no address.
        for given in ("/etc/passwd", "file:///etc/passwd", f"{site.url}/config", "https://example.org/a.png"):
            said = await called(session, "predict", picture=given)
            assert said.startswith("[upload_missing] Give the file as a data URL: data:image/jpeg;base64,")

    asked_by_a_client(site, ask)


def test_a_page_of_another_site_cannot_use_the_tools(site: Site):
    assert listed(site, Origin="http://elsewhere.example", Host="elsewhere.example").status_code >= 400


@pytest.mark.slow
def test_by_gradios_own_switch_no_tool_answers(tmp_path: Path):
    with serving(tmp_path, environment={"GRADIO_MCP_SERVER": "True"}) as site:
        said = listed(site)
    assert said.status_code >= 400
    assert "picture_set" not in said.text
