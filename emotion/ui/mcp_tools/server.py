"""Gradio's MCP server with our way to call a tool. Knows nothing of what the tools do."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import Any

import anyio
import gradio as gr
import gradio.mcp
from anyio.to_thread import run_sync
from gradio.context import LocalContext
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as Description
from starlette.applications import Starlette

from emotion.errors import ConfigError, EmotionError
from emotion.server.logs import log, log_unexpected
from emotion.ui.api import NAMES
from emotion.ui.api.codes import code_of
from emotion.ui.guard import unexpected
from emotion.ui.mcp_tools.descriptions import Tool, tool_of
from emotion.ui.mcp_tools.files import MOST_BYTES, as_upload, content_of
from emotion.ui.visitor import current_visitor

INSTRUCTIONS = (
    "Trains image classifiers on human emotions and compares how well they read people, dogs and cats. "
    "picture_sets lists what to train on; train returns a run's name at once; ask run_status until its status is "
    "finished, stopped, failed or interrupted; then predict one picture or compare picture sets. "
    "An error is a code in brackets and a sentence that says what to do."
)
# A file in base64, which takes a third more room, and the rest of the call.
MOST_BODY_BYTES = MOST_BYTES * 4 // 3 + 100_000
# What waits for its turn is in a thread's hands, of which there are enough for those that need not wait.
AT_ONCE = 20
FETCHES = 8


def serve_our_tools() -> None:
    """Let Gradio, in this process, serve our tools where it is asked for an MCP server."""
    gradio.mcp.GradioMCPServer = EmotionTools  # type: ignore[misc]  # the name that its launch looks up


class EmotionTools(gradio.mcp.GradioMCPServer):
    """Gradio's server: its address, its transport and the page it shows to a browser. What is called is our own.

    Gradio's calls reach the endpoints over HTTP, and answer with the text of a Python dictionary. Of its three
    transports only streamable HTTP is served: the others are outdated.
    """

    StreamableHTTPSessionManager = functools.partial(
        StreamableHTTPSessionManager, max_request_body_size=MOST_BODY_BYTES
    )  # type: ignore[assignment]  # Gradio only calls it

    def create_mcp_server(self) -> Server[Any, Any]:
        """Return the server that lists and calls the tools."""
        found = [(str(each.api_name), each.fn) for each in self.blocks.fns.values() if each.api_visibility == "public"]
        caller = _Caller({name: tool_of(name, fn) for name, fn in found if name in NAMES and fn})
        server: Server[Any, Any] = Server(str(self.blocks.title), instructions=INSTRUCTIONS)

        @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
        async def list_tools() -> list[Description]:
            return [each.description for each in caller.tools.values()]

        # The endpoints check by themselves, and say what is wrong with the code that belongs to it.
        @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
        async def call_tool(name: str, arguments: dict[str, Any]) -> CallToolResult:
            LocalContext.request.set(gr.Request(request=server.request_context.request))
            return await caller.answer(name, arguments)

        return server

    def launch_mcp_on_sse(self, app: Starlette, subpath: str, root_path: str) -> None:
        """Open the one address that is served."""
        self.root_path = root_path
        app.mount(subpath, self.handle_streamable_http)


class _Caller:
    """Calls the tools; those of a name wait for one another, as calls of the endpoints do."""

    def __init__(self, tools: dict[str, Tool]) -> None:
        self.tools = tools
        self._turns = {name: anyio.CapacityLimiter(_at_once(name)) for name in tools}
        self._fetches = anyio.CapacityLimiter(FETCHES)

    async def answer(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Return what a tool answers, or the ``[code] sentence`` that says why it does not."""
        try:
            answer = await self._call(self._find(name), arguments)
        except gr.Error as error:  # Coded and logged where it came up.
            return _said(str(error.message), is_error=True)
        except EmotionError as error:
            log("refusal", outcome="refused", visitor=current_visitor(), what="mcp", because=code_of(error))
            return _said(f"[{code_of(error)}] {error}", is_error=True)
        except Exception as error:  # noqa: BLE001  # a caller gets a sentence, the log the traceback
            log_unexpected(error, visitor=current_visitor(), what="mcp")
            return _said(f"[unexpected] {unexpected(error)}", is_error=True)
        return _said(json.dumps(answer, ensure_ascii=False), structured=self.tools[name].structured(answer))

    def _find(self, name: str) -> Tool:
        if name not in self.tools:
            raise ConfigError(f"There is no tool {name[:100]!r}: use one of {', '.join(self.tools)}.")
        return self.tools[name]

    async def _call(self, tool: Tool, arguments: dict[str, Any]) -> Any:
        tool.check_names(arguments)
        with contextlib.ExitStack() as stack:
            values = dict(arguments)
            for file in tool.files():
                # Not within the tool's turn: a slow address would keep everybody waiting.
                async with self._fetches:
                    content = await content_of(arguments[file])
                values[file] = stack.enter_context(as_upload(arguments[file], content, name=file))
            return await run_sync(functools.partial(tool.function, **values), limiter=self._turns[tool.name])


def _at_once(name: str) -> int:
    # Gradio's own default is one.
    return NAMES[name].get("concurrency_limit", 1) or AT_ONCE


def _said(text: str, *, structured: dict[str, Any] | None = None, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], structuredContent=structured, isError=is_error)
