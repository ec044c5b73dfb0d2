"""The official client of MCP at a served page: a session, what a call says, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

Value = TypeVar("Value")


def awaited(asked: Coroutine[Any, Any, Value]) -> Value:
    """Run what a client asks to its end, in a thread of its own.

    The thread of the tests has an event loop already from the first test on that opens the browser, Playwright's, and
    no second one can run in it.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asked).result()


@asynccontextmanager
async def session_at(url: str, **headers: str) -> AsyncIterator[ClientSession]:
    """Open a session of a new client, which sends these headers with all it asks."""
    async with (
        create_mcp_http_client(headers=headers) as client,
        streamable_http_client(f"{url}gradio_api/mcp/", http_client=client) as (reads, writes, _),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        yield session


async def called(session: ClientSession, tool: str, **arguments: Any) -> Any:
    """Call a tool that answers; return what is structured, out of its wrapping."""
    said = await session.call_tool(tool, arguments)
    assert not said.isError, said.content
    found = said.structuredContent
    assert found is not None
    return found["result"] if set(found) == {"result"} else found


async def refused(session: ClientSession, tool: str, **arguments: Any) -> tuple[str, str]:
    """Call a tool that says no; return the code and the sentence."""
    said = await session.call_tool(tool, arguments)
    assert said.isError, said.structuredContent
    [content] = said.content
    found = re.fullmatch(r"\[(\w+)\] (.+)", content.text)  # type: ignore[union-attr]
    assert found is not None, content
    return found[1], found[2]


def data_url(file: Path, *, kind: str = "image/webp") -> str:
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def posted(url: str, **headers: str) -> httpx.Response:
    """List the tools as no client does: without a session."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accepts = {"Accept": "application/json, text/event-stream"}
    return httpx.post(f"{url}gradio_api/mcp/", json=asked, headers={**accepts, **headers}, timeout=30)
