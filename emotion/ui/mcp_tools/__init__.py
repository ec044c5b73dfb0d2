"""The named endpoints as MCP tools, for language models. Imported only where ``EMOTION_MCP`` asks for them."""

from emotion.ui.mcp_tools.server import MOST_BODY_BYTES, serve_our_tools

__all__ = ["MOST_BODY_BYTES", "serve_our_tools"]
