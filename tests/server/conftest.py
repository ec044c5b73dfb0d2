"""A public server for a module's ``site``, and two visitors of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.serving import Site
from helpers.visitors import Visitor


@pytest.fixture(scope="module")
def serve_public(
    tmp_path_factory: pytest.TempPathFactory, trained_run: Path, tiny_pictures: Path, tiny_dinov2: Path
) -> Iterator[Callable[..., Site]]:
    """``serve_public(EMOTION_PUBLIC_QUEUED="2")`` serves a run of its own, and lets a tiny backbone be trained."""
    with ExitStack() as stack:

        def serve(**variables: str) -> Site:
            environment = {"EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2)}
            site = Site(tmp_path_factory.mktemp("public"), environment=environment | variables, public=True)
            shutil.copytree(trained_run, site.runs / trained_run.name)
            stack.callback(site.end)
            return site.start()

        yield serve


@pytest.fixture(scope="module")
def anna(site: Site) -> Iterator[Visitor]:
    with Visitor(site.url) as visitor:
        yield visitor


@pytest.fixture
def bert(site: Site) -> Iterator[Visitor]:
    """Somebody else in each test, who comes from another address where a proxy says so."""
    with Visitor(site.url, **{"x-forwarded-for": "198.51.100.7"}) as visitor:
        yield visitor
