"""Serve the page by uvicorn, behind the gate."""

import asyncio
import hmac
import logging
import os
import socket
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from gradio.routes import App
from starlette.routing import Mount

from emotion.core.errors import ConfigError, EmotionError
from emotion.server.limits import PASSWORD, public_limits, serves_mcp
from emotion.ui.gate import MB, Gate
from emotion.ui.gradio_patches import SESSIONS, patch
from emotion.ui.news import ROUTE, news_route
from emotion.ui.run_board import RunBoard
from emotion.ui.theme import ICON, STYLE, theme
from emotion.ui.uploads import UploadCounter

# The limit on one's own machine.
UPLOAD_BYTES = 4_000 * MB
MOST_WAITING = 500
# Open pages never close their connections.
GRACE_SECONDS = 1
PASSWORD_ASKED = "This page asks for a password. Any user name will do."
# Unnoticeable once, but guessing takes years.
SECONDS_AFTER_A_WRONG_ONE = 0.5


def behind_gate(page: gr.Blocks, *, board: RunBoard, host: str, head: str, counter: UploadCounter) -> Gate:
    """Return the page as an ASGI application that may be served.

    Visitors' pictures are stored neither in their browsers nor here, and no other server is contacted. ``host`` is the
    address to be served; ``counter`` is as in ``Gate``.
    Raises ConfigError if MCP tools are wanted but cannot be served.
    """
    limits, has_tools = public_limits(), serves_mcp()
    mcp_bytes = None
    patch()
    one_file = limits.upload_megabytes * MB if limits else UPLOAD_BYTES
    # With this middleware Gradio omits its own CORS headers; it allows no other site.
    parent = FastAPI(openapi_url=None)
    parent.add_middleware(CORSMiddleware, allow_origins=[])
    parent.add_route(ROUTE, news_route(board))
    page.queue(api_open=False, max_size=MOST_WAITING)
    gr.mount_gradio_app(
        parent,
        page,
        path="/",
        server_name=host,
        root_path=os.environ.get("GRADIO_ROOT_PATH"),
        theme=theme(),
        css=STYLE.read_text(encoding="utf-8") if STYLE.is_file() else None,
        head=head,
        favicon_path=str(ICON) if ICON.is_file() else None,
        run_history=False,
        ssr_mode=False,
        footer_links=[],
        max_file_size=one_file,
        pwa=False,
        enable_monitoring=False,
        show_error=True,
        # Always set: otherwise a variable of Gradio's could open its server, which asks for no password.
        mcp_server=has_tools,
        **_password(),
    )
    # Until this is set, Gradio accepts any file of the machine as an upload.
    page.has_launched = True
    if has_tools:
        if page.mcp_server_obj is None:
            raise ConfigError(f"The MCP tools cannot be served: {page.mcp_error}.")
        from emotion.ui.tools import MOST_BODY_BYTES, adapt

        adapt(page.mcp_server_obj)
        mcp_bytes = MOST_BODY_BYTES
    [gradio] = [each.app for each in parent.routes if isinstance(each, Mount) and isinstance(each.app, App)]
    gradio.state_holder.capacity = SESSIONS
    # One upload may hold many files of a class, up to the size of a set.
    upload_bytes = max(one_file, limits.set_megabytes * MB) if limits else UPLOAD_BYTES
    return Gate(parent, gradio=gradio, host=host, upload_bytes=upload_bytes, counter=counter, mcp_bytes=mcp_bytes)


def _password() -> dict[str, Any]:
    """Return Gradio's options for the password; empty if none is set."""
    right = os.environ.get(PASSWORD, "").encode()
    if not right:
        return {}

    async def is_right(user: str, typed: str) -> bool:
        # Takes the same time wherever a wrong password differs.
        if hmac.compare_digest(typed.encode("utf-8", "surrogatepass"), right):
            return True
        await asyncio.sleep(SECONDS_AFTER_A_WRONG_ONE)
        return False

    return {"auth": is_right, "auth_message": PASSWORD_ASKED}


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; an IPv6 address may stand in brackets.
    Raises EmotionError, which says what to do, if the address is unusable.
    """
    bare = host.removeprefix("[").removesuffix("]")
    try:
        family = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        is_dual = bare == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((bare, port), family=family, backlog=2048, dualstack_ipv6=is_dual)
    except (OSError, UnicodeError) as error:
        raise EmotionError(
            f"Nothing can be served at {host}:{port}, which is in use, reserved or not of this machine: choose another "
            "with PORT= and HOST=."
        ) from error


def serve(app: Any, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, whose own handlers then run."""
    options: dict[str, Any] = {"log_config": None, "log_level": "warning", "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=GRACE_SECONDS, **options))
    # The connections of open pages are cut then, which is no error.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
    server.run(sockets=[listener])
