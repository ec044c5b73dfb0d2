"""The named endpoints: what the page can do, for programs. Nothing else of the page is public."""

from emotion.ui.api.endpoints import NAMES, register

__all__ = ["NAMES", "register"]
