"""The password of a page that is not for everybody, where ``$EMOTION_PASSWORD`` is set: page, endpoints, MCP tools."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Any

VARIABLE = "EMOTION_PASSWORD"
MESSAGE = "This page asks for a password. Any user name will do."
# Nobody notices it once, and guessing takes years.
SECONDS_AFTER_A_WRONG_ONE = 0.5


def asked_password() -> dict[str, Any]:
    """Return what ``launch`` takes to ask for the password; nothing where none is set."""
    is_right = required_password()
    return {"auth": is_right, "auth_message": MESSAGE} if is_right else {}


def required_password() -> Callable[[str, str], Awaitable[bool]] | None:
    """Return the check of a password; None where none is asked for."""
    password = os.environ.get(VARIABLE)
    return checking(password) if password else None


def checking(password: str) -> Callable[[str, str], Awaitable[bool]]:
    """Return the check of what somebody typed; it takes the same time wherever a wrong one differs."""
    right = password.encode()

    async def is_right(user: str, typed: str) -> bool:
        if hmac.compare_digest(typed.encode("utf-8", "surrogatepass"), right):
            return True
        await asyncio.sleep(SECONDS_AFTER_A_WRONG_ONE)
        return False

    return is_right
