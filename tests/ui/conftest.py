"""One page a module: before a page can be used, it has cost a browser five seconds of processor."""

from collections.abc import Iterator

import pytest
from gradio_client import Client
from helpers.serving import Site
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[Client]:
    """A program that calls the endpoints of the module's dashboard."""
    with site.client() as client:
        yield client


@pytest.fixture(scope="module")
def shared_page(browser: Browser, site: Site) -> Iterator[Page]:
    with site.visit(browser) as page:
        yield page


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """The page, which quick tests of a module share: each finds it as the one before left it. A slow test is new."""
    if request.node.get_closest_marker("slow"):
        with site.visit(browser) as page:
            yield page
    else:
        shared: Page = request.getfixturevalue("shared_page")
        # What an earlier test was told lies over the header for ten seconds.
        shared.evaluate("document.querySelectorAll('.toast-close').forEach(button => button.click())")
        yield shared
