"""The named endpoints as MCP tools, for language models. Imported only where ``EMOTION_MCP`` asks for them."""

from emotion.ui.mcp_tools.server import serve_our_tools

__all__ = ["serve_our_tools"]
