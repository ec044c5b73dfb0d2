"""Gradio's MCP server over the named endpoints. Imported only where ``EMOTION_MCP`` asks for it."""

from __future__ import annotations

import copy
import json
from typing import Any

from gradio.mcp import GradioMCPServer
from mcp.types import TextContent

# A picture of 20 MB in base64, which takes a third more room, and the rest of the call.
MOST_BODY_BYTES = 27_000_000
DATA_URL = "as a data URL: data:image/jpeg;base64,… or data:application/zip;base64,…"


def adapt(server: GradioMCPServer) -> None:
    """Let Gradio's server answer in JSON, and take a file as a data URL alone, of which nothing stays."""
    find, save = server.get_block_fn_from_endpoint_name, server.convert_strings_to_filedata
    simplify = server.simplify_filedata_schema

    def unqueued(endpoint_name: str) -> Any:
        # For what is queued it calls itself over HTTP, and leaves a copy of each file behind.
        function = copy.copy(find(endpoint_name))
        if function is not None:
            function.queue = False
        return function

    def described(schema: dict[str, Any]) -> tuple[dict[str, Any], list[list[str | int]]]:
        simple, positions = simplify(schema)
        for [name] in positions:
            text = simple["properties"][name].get("description", "")
            simple["properties"][name] = {"type": "string", "description": f"{text} Give it {DATA_URL}".strip()}
        # What it does not know is refused before a file is written for it.
        return {**simple, "additionalProperties": False}, positions

    def saved(value: Any, filedata_positions: list[list[str | int]]) -> Any:
        if not all(str(value.get(name, "data:")).startswith("data:") for [name] in filedata_positions):
            raise ValueError(f"[upload_missing] Give the file {DATA_URL}")
        return save(value, filedata_positions)

    def told(data: Any, root_url: str) -> Any:
        return [TextContent(type="text", text=json.dumps(each, ensure_ascii=False)) for each in data]

    server.get_block_fn_from_endpoint_name = unqueued  # type: ignore[method-assign]
    server.simplify_filedata_schema = described  # type: ignore[method-assign]
    server.convert_strings_to_filedata = saved  # type: ignore[method-assign]
    server.postprocess_output_data = told  # type: ignore[method-assign]
    server.manager.asgi_app.max_body_size = MOST_BODY_BYTES
