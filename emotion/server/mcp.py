"""Whether the endpoints are MCP tools too: ``EMOTION_MCP``. Serves nothing itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from emotion.core.errors import ConfigError
from emotion.server.limits import PASSWORD, is_public

SWITCH = "EMOTION_MCP"


def serves_mcp(environment: Mapping[str, str] | None = None) -> bool:
    """Whether ``EMOTION_MCP`` asks for the tools, which need a package that nothing else here does.

    Raises:
        ConfigError: it is neither 0 nor 1, that package is missing, or the server is not only one's own.
    """
    variables = os.environ if environment is None else environment
    given = variables.get(SWITCH, "0")
    if given not in ("0", "1"):
        raise ConfigError(f"{SWITCH} is {given!r}: set it to 1 to offer the endpoints as MCP tools, or to 0.")
    if given == "1" and (is_public(variables) or variables.get(PASSWORD)):
        raise ConfigError(
            f"{SWITCH}=1 is for one's own machine, since its calls carry neither cookie nor password: set it to 0, or "
            f"serve without {PASSWORD} and not in public."
        )
    if given == "1" and find_spec("mcp") is None:
        raise ConfigError(f"{SWITCH}=1 needs the package mcp: {what_to_install()}, or set {SWITCH} to 0.")
    return given == "1"


def what_to_install() -> str:
    """Return the command that installs it, in a version that Gradio can serve."""
    return f'pip install "gradio[mcp]=={version("gradio")}"'
