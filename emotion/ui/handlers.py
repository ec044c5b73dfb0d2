"""How the page's events are registered: private, and quiet where they only look."""

from __future__ import annotations

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# A press while the last one is being answered counts too, in its turn; Gradio would drop it.
EVERY_PRESS = "multiple"
# Fixed, as each state's key is: otherwise a restart of the server forgets what a browser remembered.
BROWSER_SECRET = "emotion-dashboard"
# Every visitor's page looks on its own: in one queue they would wait for one another.
POLL: dict[str, Any] = {**QUIET, "concurrency_limit": None}
