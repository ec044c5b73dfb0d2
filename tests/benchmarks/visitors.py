"""How fast the page answers in a browser, and a visitor behind another one's slow pictures."""

from __future__ import annotations

LIVE_SECONDS, REST_SECONDS = 8, 20
