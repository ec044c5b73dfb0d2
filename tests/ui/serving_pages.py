"""Serve a page to a test, and visit it as a new visitor does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from emotion.ui.app import launch

PATIENCE_MILLISECONDS = 60_000
BACKBONES = [SimpleNamespace(name="dinov2-small", title="DINOv2-small", megabytes=88.2, here=True, description="")]
# Gradio's and uvicorn's own warnings in the server's threads.
SERVED = tuple(
    pytest.mark.filterwarnings(f"ignore::{warning}")
    for warning in ("DeprecationWarning", "ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
)


@contextmanager
def served(page: gr.Blocks) -> Iterator[str]:
    """Serve a page on a free port and give its address."""
    _, url, _ = launch(page, host="127.0.0.1", port=None, prevent_thread_lock=True)
    yield url
    page.close(verbose=False)
    gr.close_all(verbose=False)


@contextmanager
def visiting(browser: Any, address: str) -> Iterator[Any]:
    """Open a page of a new visitor; an error in its scripts or a request to another host fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: _note_foreign(request.url, address, problems))
    page.goto(address)
    yield page
    context.close()
    assert problems == []


def _note_foreign(url: str, address: str, problems: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:")):
        problems.append(f"asked another host: {url}")
