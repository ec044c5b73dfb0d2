"""The password of a page that is not for everybody, where ``$EMOTION_PASSWORD`` is set."""

from __future__ import annotations

import asyncio
import hmac
import os
from typing import Any

from emotion.server.limits import PASSWORD

MESSAGE = "This page asks for a password. Any user name will do."
# Nobody notices it once, and guessing takes years.
SECONDS_AFTER_A_WRONG_ONE = 0.5


def asked_password() -> dict[str, Any]:
    """Return what Gradio takes to ask for the password; nothing where none is set."""
    password = os.environ.get(PASSWORD)
    if not password:
        return {}
    right = password.encode()

    async def is_right(user: str, typed: str) -> bool:
        # It takes the same time wherever a wrong one differs.
        if hmac.compare_digest(typed.encode("utf-8", "surrogatepass"), right):
            return True
        await asyncio.sleep(SECONDS_AFTER_A_WRONG_ONE)
        return False

    return {"auth": is_right, "auth_message": MESSAGE}
