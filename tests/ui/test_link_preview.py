"""What another site shows of the page: our title and card alone, at the address it was asked at."""

from __future__ import annotations

import re
from io import BytesIO

import httpx
import pytest
from PIL import Image
from scripted import ScriptedServices
from serving_pages import served

from emotion.faces import emblem
from emotion.ui import link_preview
from emotion.ui.app import TITLE, build_app


def described(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r'<meta\s+(?:property|name)="([^"]+)"\s+content="([^"]*)"', page):
        found.setdefault(key, []).append(value)
    return found


def test_the_page_describes_itself_and_serves_its_card_and_icon(services: ScriptedServices) -> None:
    with served(build_app(services)) as url:
        page = httpx.get(url)
        said = described(page.text)
        assert said["og:title"] == [TITLE]
        assert said["og:image"] == [f"{url.rstrip('/')}/social-card.png"]
        assert said["twitter:card"] == ["summary_large_image"]
        assert "@Gradio" not in page.text
        assert not any("gradio" in value for key in said for value in said[key] if key.startswith(("og:", "twitter:")))
        assert int(page.headers["content-length"]) == len(page.content)
        card = httpx.get(said["og:image"][0])
        assert Image.open(BytesIO(card.content)).size == link_preview.CARD_SIZE == emblem.CARD_SIZE
        assert httpx.get(f"{url}favicon.ico").content == link_preview.ICON.read_bytes()
        behind = httpx.get(url, headers={"x-forwarded-proto": "https", "x-forwarded-host": "a-dog.example"})
        assert described(behind.text)["og:image"] == ["https://a-dog.example/social-card.png"]


@pytest.mark.parametrize("host", ['x"><script>alert(1)</script>', "a.example, b.example"])
def test_a_header_cannot_write_into_the_page(host: str) -> None:
    scope = {
        "type": "http", "scheme": "http", "path": "/", "query_string": b"", "server": ("127.0.0.1", 7860),
        "headers": [(b"host", b"127.0.0.1:7860"), (b"x-forwarded-host", host.encode())],
    }  # fmt: skip
    address = link_preview.address_of(scope)
    page = link_preview.with_preview(b"<html><head></head></html>", title="T", address=address)
    assert b"<script>" not in page
    assert b"b.example" not in page


def test_the_icon_and_the_card_are_as_they_are_drawn() -> None:
    for name, picture in emblem.files().items():
        kept = Image.open(emblem.ASSETS / name).convert("RGBA")
        assert kept.size == picture.size
        assert kept.tobytes() == picture.convert("RGBA").tobytes(), f"{name}: python -m emotion.faces.emblem"
